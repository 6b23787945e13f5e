"""Runs tasks on Will's model router. See `connect`."""

from ._api import Delta, Input, TaskClient, TaskError, TaskResult
from ._connect import connect

__all__ = ["Delta", "Input", "TaskClient", "TaskError", "TaskResult", "connect"]

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from will.v1 import durable_pb2, task_pb2

from ._messages import result_of, task_message

Input = str | bytes | Mapping[str, Any]
"""One user message, bytes of `input_kind`, or a chat in OpenAI's form without `model`."""


@dataclass(frozen=True)
class Delta:
    """A piece of an answer."""

    text: str
    reasoning: str
    refusal: str
    tool_calls: bytes
    """JSON array of tool-call deltas in OpenAI's form; empty: none."""
    data: bytes
    data_type: str


@dataclass(frozen=True)
class TaskResult:
    """A task that succeeded."""

    task_id: str
    model: str
    """Slug of the model that answered."""
    model_name: str
    output: str
    reasoning: str
    refusal: str
    tool_calls: bytes
    data: bytes
    data_type: str
    finish: str
    decision_id: str
    cost_nano_usd: int | None
    """None: the price is unknown."""
    usage: task_pb2.Usage
    attempts: tuple[task_pb2.AttemptSummary, ...] = ()


@dataclass
class TaskError(Exception):
    """A task that did not succeed. Branch on `code`: `blocked`, `deadline`, `no_worker`, …"""

    code: str
    message: str
    task_id: str = ""
    is_retryable: bool = False
    retry_after_ms: int = 0
    decision_id: str = ""
    attempts: tuple[task_pb2.AttemptSummary, ...] = field(default=())
    exclusions: tuple[task_pb2.Exclusion, ...] = field(default=())

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class TaskClient(ABC):
    """Made by `connect`. Facts of a task are keywords: `project`, `model`, `priority`, `max_output_tokens`, …"""

    async def run(self, type: str, input: Input, *, timeout_s: float | None = None, **facts: Any) -> TaskResult:
        """The whole answer. Raises TaskError."""
        return await self._run(task_message(type, input, timeout_s, stream=False, **facts))

    def stream(self, type: str, input: Input, *, timeout_s: float | None = None, **facts: Any) -> AsyncIterator[Delta]:
        """Pieces as they are made. Ends normally only with a whole answer. Raises TaskError."""
        return self._stream(task_message(type, input, timeout_s, stream=True, **facts))

    async def submit(
        self,
        type: str,
        input: Input,
        *,
        idempotency_key: str = "",
        timeout_s: float | None = None,
        defer: str = "",
        **facts: Any,
    ) -> str:
        """Stores a durable task; returns its id. The same key with the same task is the same task."""
        task = task_message(type, input, timeout_s, stream=False, **facts)
        request = durable_pb2.SubmitRequest(task=task, idempotency_key=idempotency_key, defer=defer)
        return (await self._submit(request)).task_id

    async def task(self, task_id: str, *, wait_s: float = 0) -> durable_pb2.DurableTask:
        """A durable task as it is; with `wait_s` (25 at most) its end, if that comes first."""
        request = durable_pb2.GetTaskRequest(task_id=task_id, wait_ms=int(min(wait_s, 25) * 1000))
        return await self._task(request)

    async def result(self, task_id: str, *, timeout_s: float = 86_400) -> TaskResult:
        """Waits for the end of a durable task. Raises TaskError: what it came to, or `deadline`."""
        until = time.monotonic() + timeout_s
        while (left_s := until - time.monotonic()) > 0:
            task = await self.task(task_id, wait_s=left_s)
            if task.state == durable_pb2.DURABLE_STATE_SUCCEEDED:
                return result_of(task_id, task.end)
            if task.HasField("failure"):
                raise error_of(task.failure, task_id)
        raise TaskError("deadline", f"the task has not ended within {timeout_s} s", task_id, is_retryable=True)

    async def __aenter__(self) -> TaskClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    @abstractmethod
    async def close(self) -> None: ...

    @abstractmethod
    async def _run(self, task: task_pb2.Task) -> TaskResult: ...

    @abstractmethod
    def _stream(self, task: task_pb2.Task) -> AsyncIterator[Delta]: ...

    @abstractmethod
    async def _submit(self, request: durable_pb2.SubmitRequest) -> durable_pb2.DurableTask: ...

    @abstractmethod
    async def _task(self, request: durable_pb2.GetTaskRequest) -> durable_pb2.DurableTask: ...


def error_of(failure: task_pb2.Failure, task_id: str) -> TaskError:
    name = task_pb2.FailureCode.Name(failure.code).removeprefix("FAILURE_CODE_").lower()
    return TaskError(
        code=name,
        message=failure.message,
        task_id=task_id,
        is_retryable=failure.retryable,
        retry_after_ms=failure.retry_after_ms,
        decision_id=failure.decision_id,
        attempts=tuple(failure.attempts),
        exclusions=tuple(failure.exclusions),
    )

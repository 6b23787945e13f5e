from __future__ import annotations

import json
import secrets
import string
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from will.v1 import task_pb2

if TYPE_CHECKING:
    from ._api import Delta, Input, TaskResult

_alphabet = string.ascii_letters + string.digits


def new_id() -> str:
    return "".join(secrets.choice(_alphabet) for _ in range(22))


def task_message(
    type: str, input: Input, timeout_s: float | None, *, stream: bool, task_id: str = "", **facts: Any
) -> task_pb2.Task:
    """Raises TypeError for a fact that no task has."""
    priority = facts.pop("priority", None)
    data_class = facts.pop("data_class", None)
    try:
        task = task_pb2.Task(
            task_id=task_id or new_id(),
            type=type,
            stream=stream,
            input_kind=facts.pop("input_kind", "chat"),
            input=_bytes_of(input),
            **facts,
        )
    except ValueError as error:
        raise TypeError(f"a task has no such fact: {error}") from error
    if priority is not None:
        task.priority = _one_of(task_pb2.Priority, "PRIORITY_", priority)
    if data_class is not None:
        task.data_class = _one_of(task_pb2.DataClass, "DATA_CLASS_", data_class)
    if timeout_s is not None:
        task.deadline_unix_ms = int((time.time() + timeout_s) * 1000)
    return task


def _one_of(enum: Any, prefix: str, word: str) -> Any:
    names = {name.removeprefix(prefix).lower().replace("_", "-"): number for name, number in enum.items() if number}
    if word not in names:
        raise TypeError(f"{word!r} must be one of {', '.join(names)}")
    return names[word]


def _bytes_of(input: Input) -> bytes:
    if isinstance(input, bytes):
        return input
    chat: Mapping[str, Any] = {"messages": [{"role": "user", "content": input}]} if isinstance(input, str) else input
    return json.dumps(chat, ensure_ascii=False).encode()


def delta_of(delta: task_pb2.Delta) -> Delta:
    from ._api import Delta

    return Delta(delta.text, delta.reasoning, delta.refusal, delta.tool_calls, delta.data, delta.data_type)


def result_of(task_id: str, end: task_pb2.End, streamed: list[Delta] | None = None) -> TaskResult:
    """What was streamed before counts where the end holds no output."""
    from ._api import TaskResult

    pieces = [delta_of(end.output)] if end.HasField("output") else (streamed or [])
    return TaskResult(
        task_id=task_id,
        model=end.model,
        model_name=end.model_name,
        output="".join(piece.text for piece in pieces),
        reasoning="".join(piece.reasoning for piece in pieces),
        refusal="".join(piece.refusal for piece in pieces),
        tool_calls=b"".join(piece.tool_calls for piece in pieces),
        data=b"".join(piece.data for piece in pieces),
        data_type=next((piece.data_type for piece in pieces if piece.data_type), ""),
        finish=end.finish,
        decision_id=end.decision_id,
        cost_nano_usd=end.cost_nano_usd if end.HasField("cost_nano_usd") else None,
        usage=end.usage,
        attempts=tuple(end.attempts),
    )

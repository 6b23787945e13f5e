from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import Message
from will.v1 import api_pb2, durable_pb2, task_pb2

from ._api import Delta, TaskClient, TaskError, TaskResult, error_of
from ._messages import delta_of, result_of

_Answer = TypeVar("_Answer", bound=Message)
_largest = 48 * 1024 * 1024


class GrpcClient(TaskClient):
    def __init__(self, url: str, client: str, api_key: str | None, tls_ca: str | None) -> None:
        scheme, address = url.split("://", 1)
        options = [("grpc.max_receive_message_length", _largest), ("grpc.max_send_message_length", _largest)]
        if scheme == "grpcs":
            roots = Path(tls_ca).read_bytes() if tls_ca else None
            self._channel = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(roots), options)
        else:
            self._channel = grpc.aio.insecure_channel(address, options)
        self._client = client
        self._metadata = [("authorization", f"Bearer {api_key}")] if api_key else []

    async def close(self) -> None:
        await self._channel.close()

    async def _run(self, task: task_pb2.Task) -> TaskResult:
        request = api_pb2.RunRequest(client=self._client, task=task)
        answer = await self._ask("TaskService/Run", request, api_pb2.RunResponse, task.task_id)
        return result_of(answer.task_id, answer.end)

    async def _stream(self, task: task_pb2.Task) -> AsyncIterator[Delta]:
        method = self._channel.unary_stream(
            "/will.v1.TaskService/Stream",
            request_serializer=api_pb2.StreamRequest.SerializeToString,
            response_deserializer=api_pb2.StreamResponse.FromString,
        )
        call = method(api_pb2.StreamRequest(client=self._client, task=task), metadata=self._metadata)
        has_ended = False
        try:
            async for message in call:
                part = message.WhichOneof("part")
                if part == "delta":
                    yield delta_of(message.delta)
                has_ended = has_ended or part == "end"
        except grpc.aio.AioRpcError as error:
            raise _error_of(error, task.task_id) from error
        finally:
            call.cancel()
        if not has_ended:
            raise TaskError("truncated", "the stream ended without an end", task.task_id)

    async def _submit(self, request: durable_pb2.SubmitRequest) -> durable_pb2.DurableTask:
        asked = api_pb2.SubmitTaskRequest(client=self._client, request=request)
        answer = await self._ask(
            "DurableTaskService/SubmitTask", asked, api_pb2.SubmitTaskResponse, request.task.task_id
        )
        return _task_in(answer.response, request.task.task_id)

    async def _task(self, request: durable_pb2.GetTaskRequest) -> durable_pb2.DurableTask:
        asked = api_pb2.GetDurableTaskRequest(client=self._client, request=request)
        answer = await self._ask(
            "DurableTaskService/GetDurableTask", asked, api_pb2.GetDurableTaskResponse, request.task_id
        )
        return _task_in(answer.response, request.task_id)

    async def _ask(self, name: str, request: Message, answer: type[_Answer], task_id: str) -> _Answer:
        method: Any = self._channel.unary_unary(
            f"/will.v1.{name}",
            request_serializer=type(request).SerializeToString,
            response_deserializer=answer.FromString,
        )
        try:
            found: _Answer = await method(request, metadata=self._metadata)
            return found
        except grpc.aio.AioRpcError as error:
            raise _error_of(error, task_id) from error


def _task_in(
    response: durable_pb2.SubmitResponse | durable_pb2.GetTaskResponse, task_id: str
) -> durable_pb2.DurableTask:
    if response.HasField("failure"):
        raise error_of(response.failure, task_id)
    return response.task


_codes = {
    grpc.StatusCode.INVALID_ARGUMENT: "invalid_task",
    grpc.StatusCode.PERMISSION_DENIED: "blocked",
    grpc.StatusCode.DEADLINE_EXCEEDED: "deadline",
    grpc.StatusCode.RESOURCE_EXHAUSTED: "overloaded",
    grpc.StatusCode.UNAVAILABLE: "unavailable",
    grpc.StatusCode.DATA_LOSS: "truncated",
    grpc.StatusCode.CANCELLED: "cancelled",
}
_retryable = {"overloaded", "unavailable", "deadline"}


def _error_of(error: grpc.aio.AioRpcError, task_id: str) -> TaskError:
    """What the bus would have said, by the details of the status; else by the status alone."""
    for key, value in error.trailing_metadata() or ():
        failure = _failure_in(value) if key == "grpc-status-details-bin" and isinstance(value, bytes) else None
        if failure is not None:
            return error_of(failure, task_id)
    code = _codes.get(error.code(), "internal")
    return TaskError(code, error.details() or "", task_id, is_retryable=code in _retryable)


def _failure_in(status: bytes) -> task_pb2.Failure | None:
    """A google.rpc.Status: its third field is a list of google.protobuf.Any."""
    from google.rpc import status_pb2

    for detail in status_pb2.Status.FromString(status).details:
        failure = task_pb2.Failure()
        if detail.Unpack(failure):
            return failure
    return None

from will.v1 import durable_pb2 as _durable_pb2
from will.v1 import policy_pb2 as _policy_pb2
from will.v1 import registry_pb2 as _registry_pb2
from will.v1 import task_pb2 as _task_pb2
from will.v1 import telemetry_pb2 as _telemetry_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RunRequest(_message.Message):
    __slots__ = ("client", "task", "prompt", "input_json")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    INPUT_JSON_FIELD_NUMBER: _ClassVar[int]
    client: str
    task: _task_pb2.Task
    prompt: str
    input_json: str
    def __init__(self, client: _Optional[str] = ..., task: _Optional[_Union[_task_pb2.Task, _Mapping]] = ..., prompt: _Optional[str] = ..., input_json: _Optional[str] = ...) -> None: ...

class RunResponse(_message.Message):
    __slots__ = ("task_id", "end")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    end: _task_pb2.End
    def __init__(self, task_id: _Optional[str] = ..., end: _Optional[_Union[_task_pb2.End, _Mapping]] = ...) -> None: ...

class StreamRequest(_message.Message):
    __slots__ = ("client", "task", "prompt", "input_json")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    TASK_FIELD_NUMBER: _ClassVar[int]
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    INPUT_JSON_FIELD_NUMBER: _ClassVar[int]
    client: str
    task: _task_pb2.Task
    prompt: str
    input_json: str
    def __init__(self, client: _Optional[str] = ..., task: _Optional[_Union[_task_pb2.Task, _Mapping]] = ..., prompt: _Optional[str] = ..., input_json: _Optional[str] = ...) -> None: ...

class StreamResponse(_message.Message):
    __slots__ = ("task_id", "started", "delta", "end")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    started: _task_pb2.Started
    delta: _task_pb2.Delta
    end: _task_pb2.End
    def __init__(self, task_id: _Optional[str] = ..., started: _Optional[_Union[_task_pb2.Started, _Mapping]] = ..., delta: _Optional[_Union[_task_pb2.Delta, _Mapping]] = ..., end: _Optional[_Union[_task_pb2.End, _Mapping]] = ...) -> None: ...

class ExplainRequest(_message.Message):
    __slots__ = ("facts", "at_unix_ms")
    FACTS_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    facts: _policy_pb2.Facts
    at_unix_ms: int
    def __init__(self, facts: _Optional[_Union[_policy_pb2.Facts, _Mapping]] = ..., at_unix_ms: _Optional[int] = ...) -> None: ...

class ExplainResponse(_message.Message):
    __slots__ = ("set", "would_change")
    SET_FIELD_NUMBER: _ClassVar[int]
    WOULD_CHANGE_FIELD_NUMBER: _ClassVar[int]
    set: _policy_pb2.RankedSet
    would_change: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, set: _Optional[_Union[_policy_pb2.RankedSet, _Mapping]] = ..., would_change: _Optional[_Iterable[str]] = ...) -> None: ...

class SubmitTaskRequest(_message.Message):
    __slots__ = ("client", "request")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    client: str
    request: _durable_pb2.SubmitRequest
    def __init__(self, client: _Optional[str] = ..., request: _Optional[_Union[_durable_pb2.SubmitRequest, _Mapping]] = ...) -> None: ...

class SubmitTaskResponse(_message.Message):
    __slots__ = ("response",)
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    response: _durable_pb2.SubmitResponse
    def __init__(self, response: _Optional[_Union[_durable_pb2.SubmitResponse, _Mapping]] = ...) -> None: ...

class GetDurableTaskRequest(_message.Message):
    __slots__ = ("client", "request")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    client: str
    request: _durable_pb2.GetTaskRequest
    def __init__(self, client: _Optional[str] = ..., request: _Optional[_Union[_durable_pb2.GetTaskRequest, _Mapping]] = ...) -> None: ...

class GetDurableTaskResponse(_message.Message):
    __slots__ = ("response",)
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    response: _durable_pb2.GetTaskResponse
    def __init__(self, response: _Optional[_Union[_durable_pb2.GetTaskResponse, _Mapping]] = ...) -> None: ...

class CancelDurableTaskRequest(_message.Message):
    __slots__ = ("client", "request")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    client: str
    request: _durable_pb2.CancelTaskRequest
    def __init__(self, client: _Optional[str] = ..., request: _Optional[_Union[_durable_pb2.CancelTaskRequest, _Mapping]] = ...) -> None: ...

class CancelDurableTaskResponse(_message.Message):
    __slots__ = ("response",)
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    response: _durable_pb2.CancelTaskResponse
    def __init__(self, response: _Optional[_Union[_durable_pb2.CancelTaskResponse, _Mapping]] = ...) -> None: ...

class WatchDurableTaskRequest(_message.Message):
    __slots__ = ("client", "request")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    client: str
    request: _durable_pb2.GetTaskRequest
    def __init__(self, client: _Optional[str] = ..., request: _Optional[_Union[_durable_pb2.GetTaskRequest, _Mapping]] = ...) -> None: ...

class WatchDurableTaskResponse(_message.Message):
    __slots__ = ("response",)
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    response: _durable_pb2.GetTaskResponse
    def __init__(self, response: _Optional[_Union[_durable_pb2.GetTaskResponse, _Mapping]] = ...) -> None: ...

class RequeueDurableTaskRequest(_message.Message):
    __slots__ = ("client", "request")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    client: str
    request: _durable_pb2.RequeueTaskRequest
    def __init__(self, client: _Optional[str] = ..., request: _Optional[_Union[_durable_pb2.RequeueTaskRequest, _Mapping]] = ...) -> None: ...

class RequeueDurableTaskResponse(_message.Message):
    __slots__ = ("response",)
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    response: _durable_pb2.RequeueTaskResponse
    def __init__(self, response: _Optional[_Union[_durable_pb2.RequeueTaskResponse, _Mapping]] = ...) -> None: ...

class ListDurableTasksRequest(_message.Message):
    __slots__ = ("client", "request")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    client: str
    request: _durable_pb2.ListTasksRequest
    def __init__(self, client: _Optional[str] = ..., request: _Optional[_Union[_durable_pb2.ListTasksRequest, _Mapping]] = ...) -> None: ...

class ListDurableTasksResponse(_message.Message):
    __slots__ = ("response",)
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    response: _durable_pb2.ListTasksResponse
    def __init__(self, response: _Optional[_Union[_durable_pb2.ListTasksResponse, _Mapping]] = ...) -> None: ...

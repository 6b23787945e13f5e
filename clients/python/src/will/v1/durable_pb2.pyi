from will.v1 import task_pb2 as _task_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DurableState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DURABLE_STATE_UNSPECIFIED: _ClassVar[DurableState]
    DURABLE_STATE_WAITING: _ClassVar[DurableState]
    DURABLE_STATE_RUNNING: _ClassVar[DurableState]
    DURABLE_STATE_SUCCEEDED: _ClassVar[DurableState]
    DURABLE_STATE_FAILED: _ClassVar[DurableState]
    DURABLE_STATE_CANCELLED: _ClassVar[DurableState]
    DURABLE_STATE_EXPIRED: _ClassVar[DurableState]
DURABLE_STATE_UNSPECIFIED: DurableState
DURABLE_STATE_WAITING: DurableState
DURABLE_STATE_RUNNING: DurableState
DURABLE_STATE_SUCCEEDED: DurableState
DURABLE_STATE_FAILED: DurableState
DURABLE_STATE_CANCELLED: DurableState
DURABLE_STATE_EXPIRED: DurableState

class SubmitRequest(_message.Message):
    __slots__ = ("task", "idempotency_key", "not_before_unix_ms", "defer", "traceparent")
    TASK_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    DEFER_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    task: _task_pb2.Task
    idempotency_key: str
    not_before_unix_ms: int
    defer: str
    traceparent: str
    def __init__(self, task: _Optional[_Union[_task_pb2.Task, _Mapping]] = ..., idempotency_key: _Optional[str] = ..., not_before_unix_ms: _Optional[int] = ..., defer: _Optional[str] = ..., traceparent: _Optional[str] = ...) -> None: ...

class SubmitResponse(_message.Message):
    __slots__ = ("task", "repeated", "failure")
    TASK_FIELD_NUMBER: _ClassVar[int]
    REPEATED_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    task: DurableTask
    repeated: bool
    failure: _task_pb2.Failure
    def __init__(self, task: _Optional[_Union[DurableTask, _Mapping]] = ..., repeated: _Optional[bool] = ..., failure: _Optional[_Union[_task_pb2.Failure, _Mapping]] = ...) -> None: ...

class DurableTask(_message.Message):
    __slots__ = ("task_id", "client", "type", "priority", "state", "created_unix_ms", "deadline_unix_ms", "finished_unix_ms", "pickups", "end", "failure", "idempotency_key", "dead_reason", "project", "starts_unix_ms", "waits_for")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    FINISHED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    PICKUPS_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    DEAD_REASON_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    STARTS_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    WAITS_FOR_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    client: str
    type: str
    priority: _task_pb2.Priority
    state: DurableState
    created_unix_ms: int
    deadline_unix_ms: int
    finished_unix_ms: int
    pickups: int
    end: _task_pb2.End
    failure: _task_pb2.Failure
    idempotency_key: str
    dead_reason: str
    project: str
    starts_unix_ms: int
    waits_for: str
    def __init__(self, task_id: _Optional[str] = ..., client: _Optional[str] = ..., type: _Optional[str] = ..., priority: _Optional[_Union[_task_pb2.Priority, str]] = ..., state: _Optional[_Union[DurableState, str]] = ..., created_unix_ms: _Optional[int] = ..., deadline_unix_ms: _Optional[int] = ..., finished_unix_ms: _Optional[int] = ..., pickups: _Optional[int] = ..., end: _Optional[_Union[_task_pb2.End, _Mapping]] = ..., failure: _Optional[_Union[_task_pb2.Failure, _Mapping]] = ..., idempotency_key: _Optional[str] = ..., dead_reason: _Optional[str] = ..., project: _Optional[str] = ..., starts_unix_ms: _Optional[int] = ..., waits_for: _Optional[str] = ...) -> None: ...

class GetTaskRequest(_message.Message):
    __slots__ = ("task_id", "wait_ms", "projects")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    PROJECTS_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    wait_ms: int
    projects: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, task_id: _Optional[str] = ..., wait_ms: _Optional[int] = ..., projects: _Optional[_Iterable[str]] = ...) -> None: ...

class GetTaskResponse(_message.Message):
    __slots__ = ("task", "failure")
    TASK_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    task: DurableTask
    failure: _task_pb2.Failure
    def __init__(self, task: _Optional[_Union[DurableTask, _Mapping]] = ..., failure: _Optional[_Union[_task_pb2.Failure, _Mapping]] = ...) -> None: ...

class CancelTaskRequest(_message.Message):
    __slots__ = ("task_id", "projects")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECTS_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    projects: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, task_id: _Optional[str] = ..., projects: _Optional[_Iterable[str]] = ...) -> None: ...

class CancelTaskResponse(_message.Message):
    __slots__ = ("task", "failure")
    TASK_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    task: DurableTask
    failure: _task_pb2.Failure
    def __init__(self, task: _Optional[_Union[DurableTask, _Mapping]] = ..., failure: _Optional[_Union[_task_pb2.Failure, _Mapping]] = ...) -> None: ...

class ListTasksRequest(_message.Message):
    __slots__ = ("state", "limit", "dead", "projects")
    STATE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    DEAD_FIELD_NUMBER: _ClassVar[int]
    PROJECTS_FIELD_NUMBER: _ClassVar[int]
    state: DurableState
    limit: int
    dead: bool
    projects: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, state: _Optional[_Union[DurableState, str]] = ..., limit: _Optional[int] = ..., dead: _Optional[bool] = ..., projects: _Optional[_Iterable[str]] = ...) -> None: ...

class ListTasksResponse(_message.Message):
    __slots__ = ("tasks", "failure")
    TASKS_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    tasks: _containers.RepeatedCompositeFieldContainer[DurableTask]
    failure: _task_pb2.Failure
    def __init__(self, tasks: _Optional[_Iterable[_Union[DurableTask, _Mapping]]] = ..., failure: _Optional[_Union[_task_pb2.Failure, _Mapping]] = ...) -> None: ...

class RequeueTaskRequest(_message.Message):
    __slots__ = ("task_id", "projects")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    PROJECTS_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    projects: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, task_id: _Optional[str] = ..., projects: _Optional[_Iterable[str]] = ...) -> None: ...

class RequeueTaskResponse(_message.Message):
    __slots__ = ("task", "failure")
    TASK_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    task: DurableTask
    failure: _task_pb2.Failure
    def __init__(self, task: _Optional[_Union[DurableTask, _Mapping]] = ..., failure: _Optional[_Union[_task_pb2.Failure, _Mapping]] = ...) -> None: ...

class TasksNamingRequest(_message.Message):
    __slots__ = ("clients", "projects", "models")
    CLIENTS_FIELD_NUMBER: _ClassVar[int]
    PROJECTS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    clients: _containers.RepeatedScalarFieldContainer[str]
    projects: _containers.RepeatedScalarFieldContainer[str]
    models: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, clients: _Optional[_Iterable[str]] = ..., projects: _Optional[_Iterable[str]] = ..., models: _Optional[_Iterable[str]] = ...) -> None: ...

class TasksNamingResponse(_message.Message):
    __slots__ = ("naming", "error")
    NAMING_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    naming: _containers.RepeatedCompositeFieldContainer[TasksNaming]
    error: str
    def __init__(self, naming: _Optional[_Iterable[_Union[TasksNaming, _Mapping]]] = ..., error: _Optional[str] = ...) -> None: ...

class TasksNaming(_message.Message):
    __slots__ = ("kind", "slug", "waiting", "running", "is_partial")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    IS_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    kind: str
    slug: str
    waiting: int
    running: int
    is_partial: bool
    def __init__(self, kind: _Optional[str] = ..., slug: _Optional[str] = ..., waiting: _Optional[int] = ..., running: _Optional[int] = ..., is_partial: _Optional[bool] = ...) -> None: ...

class TaskReference(_message.Message):
    __slots__ = ("client", "task_id", "runs", "parkings", "second")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    RUNS_FIELD_NUMBER: _ClassVar[int]
    PARKINGS_FIELD_NUMBER: _ClassVar[int]
    SECOND_FIELD_NUMBER: _ClassVar[int]
    client: str
    task_id: str
    runs: int
    parkings: int
    second: bool
    def __init__(self, client: _Optional[str] = ..., task_id: _Optional[str] = ..., runs: _Optional[int] = ..., parkings: _Optional[int] = ..., second: _Optional[bool] = ...) -> None: ...

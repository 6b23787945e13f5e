from will.v1 import task_pb2 as _task_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Facts(_message.Message):
    __slots__ = ("task_type", "client", "project", "reflex", "priority", "data_class", "model", "input_modalities", "output_modalities", "needs", "input_tokens", "max_output_tokens", "floor", "unavailable_model")
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    REFLEX_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    DATA_CLASS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    INPUT_MODALITIES_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_MODALITIES_FIELD_NUMBER: _ClassVar[int]
    NEEDS_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    FLOOR_FIELD_NUMBER: _ClassVar[int]
    UNAVAILABLE_MODEL_FIELD_NUMBER: _ClassVar[int]
    task_type: str
    client: str
    project: str
    reflex: str
    priority: _task_pb2.Priority
    data_class: _task_pb2.DataClass
    model: str
    input_modalities: _containers.RepeatedScalarFieldContainer[str]
    output_modalities: _containers.RepeatedScalarFieldContainer[str]
    needs: _containers.RepeatedScalarFieldContainer[str]
    input_tokens: int
    max_output_tokens: int
    floor: _task_pb2.Requirement
    unavailable_model: str
    def __init__(self, task_type: _Optional[str] = ..., client: _Optional[str] = ..., project: _Optional[str] = ..., reflex: _Optional[str] = ..., priority: _Optional[_Union[_task_pb2.Priority, str]] = ..., data_class: _Optional[_Union[_task_pb2.DataClass, str]] = ..., model: _Optional[str] = ..., input_modalities: _Optional[_Iterable[str]] = ..., output_modalities: _Optional[_Iterable[str]] = ..., needs: _Optional[_Iterable[str]] = ..., input_tokens: _Optional[int] = ..., max_output_tokens: _Optional[int] = ..., floor: _Optional[_Union[_task_pb2.Requirement, _Mapping]] = ..., unavailable_model: _Optional[str] = ...) -> None: ...

class Candidate(_message.Message):
    __slots__ = ("model", "why", "slow_first_content_ms", "first_content_timeout_ms")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    SLOW_FIRST_CONTENT_MS_FIELD_NUMBER: _ClassVar[int]
    FIRST_CONTENT_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    model: str
    why: str
    slow_first_content_ms: int
    first_content_timeout_ms: int
    def __init__(self, model: _Optional[str] = ..., why: _Optional[str] = ..., slow_first_content_ms: _Optional[int] = ..., first_content_timeout_ms: _Optional[int] = ...) -> None: ...

class RankedSet(_message.Message):
    __slots__ = ("set_id", "revision", "data_class", "facts", "candidates", "exclusions", "notes", "schedule_edge_unix_ms", "valid_until_unix_ms", "wait_ms", "decided_unix_ms", "ranking", "rejection")
    SET_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DATA_CLASS_FIELD_NUMBER: _ClassVar[int]
    FACTS_FIELD_NUMBER: _ClassVar[int]
    CANDIDATES_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIONS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_EDGE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    VALID_UNTIL_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    DECIDED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    RANKING_FIELD_NUMBER: _ClassVar[int]
    REJECTION_FIELD_NUMBER: _ClassVar[int]
    set_id: str
    revision: int
    data_class: _task_pb2.DataClass
    facts: Facts
    candidates: _containers.RepeatedCompositeFieldContainer[Candidate]
    exclusions: _containers.RepeatedCompositeFieldContainer[_task_pb2.Exclusion]
    notes: _containers.RepeatedScalarFieldContainer[str]
    schedule_edge_unix_ms: int
    valid_until_unix_ms: int
    wait_ms: int
    decided_unix_ms: int
    ranking: GoalRanking
    rejection: _task_pb2.Exclusion
    def __init__(self, set_id: _Optional[str] = ..., revision: _Optional[int] = ..., data_class: _Optional[_Union[_task_pb2.DataClass, str]] = ..., facts: _Optional[_Union[Facts, _Mapping]] = ..., candidates: _Optional[_Iterable[_Union[Candidate, _Mapping]]] = ..., exclusions: _Optional[_Iterable[_Union[_task_pb2.Exclusion, _Mapping]]] = ..., notes: _Optional[_Iterable[str]] = ..., schedule_edge_unix_ms: _Optional[int] = ..., valid_until_unix_ms: _Optional[int] = ..., wait_ms: _Optional[int] = ..., decided_unix_ms: _Optional[int] = ..., ranking: _Optional[_Union[GoalRanking, _Mapping]] = ..., rejection: _Optional[_Union[_task_pb2.Exclusion, _Mapping]] = ...) -> None: ...

class GoalRanking(_message.Message):
    __slots__ = ("mode", "goal", "incumbent", "auto_choice", "models")
    MODE_FIELD_NUMBER: _ClassVar[int]
    GOAL_FIELD_NUMBER: _ClassVar[int]
    INCUMBENT_FIELD_NUMBER: _ClassVar[int]
    AUTO_CHOICE_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    mode: str
    goal: str
    incumbent: str
    auto_choice: str
    models: _containers.RepeatedCompositeFieldContainer[RankedModel]
    def __init__(self, mode: _Optional[str] = ..., goal: _Optional[str] = ..., incumbent: _Optional[str] = ..., auto_choice: _Optional[str] = ..., models: _Optional[_Iterable[_Union[RankedModel, _Mapping]]] = ...) -> None: ...

class RankedModel(_message.Message):
    __slots__ = ("model", "utility", "success", "expected_ms", "cost_nano_usd", "quality")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    UTILITY_FIELD_NUMBER: _ClassVar[int]
    SUCCESS_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_MS_FIELD_NUMBER: _ClassVar[int]
    COST_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    model: str
    utility: float
    success: float
    expected_ms: float
    cost_nano_usd: float
    quality: float
    def __init__(self, model: _Optional[str] = ..., utility: _Optional[float] = ..., success: _Optional[float] = ..., expected_ms: _Optional[float] = ..., cost_nano_usd: _Optional[float] = ..., quality: _Optional[float] = ...) -> None: ...

class DecideRequest(_message.Message):
    __slots__ = ("facts", "at_unix_ms")
    FACTS_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    facts: Facts
    at_unix_ms: int
    def __init__(self, facts: _Optional[_Union[Facts, _Mapping]] = ..., at_unix_ms: _Optional[int] = ...) -> None: ...

class DecideResponse(_message.Message):
    __slots__ = ("set", "error", "retryable", "would_change", "not_considered")
    SET_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    WOULD_CHANGE_FIELD_NUMBER: _ClassVar[int]
    NOT_CONSIDERED_FIELD_NUMBER: _ClassVar[int]
    set: RankedSet
    error: str
    retryable: bool
    would_change: _containers.RepeatedScalarFieldContainer[str]
    not_considered: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, set: _Optional[_Union[RankedSet, _Mapping]] = ..., error: _Optional[str] = ..., retryable: _Optional[bool] = ..., would_change: _Optional[_Iterable[str]] = ..., not_considered: _Optional[_Iterable[str]] = ...) -> None: ...

class ScheduleEdge(_message.Message):
    __slots__ = ("schedule", "time_zone", "is_open", "at_unix_ms")
    SCHEDULE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    IS_OPEN_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    schedule: str
    time_zone: str
    is_open: bool
    at_unix_ms: int
    def __init__(self, schedule: _Optional[str] = ..., time_zone: _Optional[str] = ..., is_open: _Optional[bool] = ..., at_unix_ms: _Optional[int] = ...) -> None: ...

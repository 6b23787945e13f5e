from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Priority(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PRIORITY_UNSPECIFIED: _ClassVar[Priority]
    PRIORITY_BACKGROUND: _ClassVar[Priority]
    PRIORITY_NORMAL: _ClassVar[Priority]
    PRIORITY_HIGH: _ClassVar[Priority]

class DataClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DATA_CLASS_UNSPECIFIED: _ClassVar[DataClass]
    DATA_CLASS_OPEN: _ClassVar[DataClass]
    DATA_CLASS_CUSTOMER: _ClassVar[DataClass]
    DATA_CLASS_SENSITIVE: _ClassVar[DataClass]
    DATA_CLASS_CUSTOMER_SENSITIVE: _ClassVar[DataClass]

class FailureCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FAILURE_CODE_UNSPECIFIED: _ClassVar[FailureCode]
    FAILURE_CODE_INVALID_TASK: _ClassVar[FailureCode]
    FAILURE_CODE_BLOCKED: _ClassVar[FailureCode]
    FAILURE_CODE_ALL_FAILED: _ClassVar[FailureCode]
    FAILURE_CODE_DEADLINE: _ClassVar[FailureCode]
    FAILURE_CODE_WORKER_LOST: _ClassVar[FailureCode]
    FAILURE_CODE_ROUTER_LOST: _ClassVar[FailureCode]
    FAILURE_CODE_TRUNCATED: _ClassVar[FailureCode]
    FAILURE_CODE_CANCELLED: _ClassVar[FailureCode]
    FAILURE_CODE_OVERLOADED: _ClassVar[FailureCode]
    FAILURE_CODE_UNAVAILABLE: _ClassVar[FailureCode]
    FAILURE_CODE_TOO_LARGE: _ClassVar[FailureCode]
    FAILURE_CODE_INTERNAL: _ClassVar[FailureCode]
    FAILURE_CODE_NO_WORKER: _ClassVar[FailureCode]
    FAILURE_CODE_UNKNOWN_TASK: _ClassVar[FailureCode]
    FAILURE_CODE_UNKNOWN_CLIENT: _ClassVar[FailureCode]
    FAILURE_CODE_UNKNOWN_PROJECT: _ClassVar[FailureCode]
    FAILURE_CODE_UNKNOWN_MODEL: _ClassVar[FailureCode]
    FAILURE_CODE_MODEL_NOT_ALLOWED: _ClassVar[FailureCode]
    FAILURE_CODE_FORBIDDEN: _ClassVar[FailureCode]
    FAILURE_CODE_CONTEXT_LENGTH_EXCEEDED: _ClassVar[FailureCode]
    FAILURE_CODE_CONTENT_FILTERED: _ClassVar[FailureCode]
    FAILURE_CODE_LIMIT_UNREACHABLE: _ClassVar[FailureCode]
    FAILURE_CODE_BUDGET_EXHAUSTED: _ClassVar[FailureCode]
PRIORITY_UNSPECIFIED: Priority
PRIORITY_BACKGROUND: Priority
PRIORITY_NORMAL: Priority
PRIORITY_HIGH: Priority
DATA_CLASS_UNSPECIFIED: DataClass
DATA_CLASS_OPEN: DataClass
DATA_CLASS_CUSTOMER: DataClass
DATA_CLASS_SENSITIVE: DataClass
DATA_CLASS_CUSTOMER_SENSITIVE: DataClass
FAILURE_CODE_UNSPECIFIED: FailureCode
FAILURE_CODE_INVALID_TASK: FailureCode
FAILURE_CODE_BLOCKED: FailureCode
FAILURE_CODE_ALL_FAILED: FailureCode
FAILURE_CODE_DEADLINE: FailureCode
FAILURE_CODE_WORKER_LOST: FailureCode
FAILURE_CODE_ROUTER_LOST: FailureCode
FAILURE_CODE_TRUNCATED: FailureCode
FAILURE_CODE_CANCELLED: FailureCode
FAILURE_CODE_OVERLOADED: FailureCode
FAILURE_CODE_UNAVAILABLE: FailureCode
FAILURE_CODE_TOO_LARGE: FailureCode
FAILURE_CODE_INTERNAL: FailureCode
FAILURE_CODE_NO_WORKER: FailureCode
FAILURE_CODE_UNKNOWN_TASK: FailureCode
FAILURE_CODE_UNKNOWN_CLIENT: FailureCode
FAILURE_CODE_UNKNOWN_PROJECT: FailureCode
FAILURE_CODE_UNKNOWN_MODEL: FailureCode
FAILURE_CODE_MODEL_NOT_ALLOWED: FailureCode
FAILURE_CODE_FORBIDDEN: FailureCode
FAILURE_CODE_CONTEXT_LENGTH_EXCEEDED: FailureCode
FAILURE_CODE_CONTENT_FILTERED: FailureCode
FAILURE_CODE_LIMIT_UNREACHABLE: FailureCode
FAILURE_CODE_BUDGET_EXHAUSTED: FailureCode

class Requirement(_message.Message):
    __slots__ = ("data_class", "avoid_cloud", "compliant_only", "standards", "residencies")
    DATA_CLASS_FIELD_NUMBER: _ClassVar[int]
    AVOID_CLOUD_FIELD_NUMBER: _ClassVar[int]
    COMPLIANT_ONLY_FIELD_NUMBER: _ClassVar[int]
    STANDARDS_FIELD_NUMBER: _ClassVar[int]
    RESIDENCIES_FIELD_NUMBER: _ClassVar[int]
    data_class: DataClass
    avoid_cloud: bool
    compliant_only: bool
    standards: _containers.RepeatedScalarFieldContainer[str]
    residencies: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, data_class: _Optional[_Union[DataClass, str]] = ..., avoid_cloud: _Optional[bool] = ..., compliant_only: _Optional[bool] = ..., standards: _Optional[_Iterable[str]] = ..., residencies: _Optional[_Iterable[str]] = ...) -> None: ...

class PayloadRef(_message.Message):
    __slots__ = ("object", "bytes", "sha256", "field")
    OBJECT_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    object: str
    bytes: int
    sha256: bytes
    field: str
    def __init__(self, object: _Optional[str] = ..., bytes: _Optional[int] = ..., sha256: _Optional[bytes] = ..., field: _Optional[str] = ...) -> None: ...

class Task(_message.Message):
    __slots__ = ("task_id", "type", "project", "reflex", "priority", "data_class", "model", "max_output_tokens", "max_output_is_exact", "deadline_unix_ms", "stream", "input_modalities", "output_modalities", "needs", "input_tokens", "input_kind", "input", "unavailable_model", "high_priority", "session", "payload", "floor", "first_token_timeout_ms", "idle_timeout_ms", "ignored_fields", "cost_tags")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    REFLEX_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    DATA_CLASS_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MAX_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_OUTPUT_IS_EXACT_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    STREAM_FIELD_NUMBER: _ClassVar[int]
    INPUT_MODALITIES_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_MODALITIES_FIELD_NUMBER: _ClassVar[int]
    NEEDS_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    INPUT_KIND_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    UNAVAILABLE_MODEL_FIELD_NUMBER: _ClassVar[int]
    HIGH_PRIORITY_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    FLOOR_FIELD_NUMBER: _ClassVar[int]
    FIRST_TOKEN_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    IGNORED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    COST_TAGS_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    type: str
    project: str
    reflex: str
    priority: Priority
    data_class: DataClass
    model: str
    max_output_tokens: int
    max_output_is_exact: bool
    deadline_unix_ms: int
    stream: bool
    input_modalities: _containers.RepeatedScalarFieldContainer[str]
    output_modalities: _containers.RepeatedScalarFieldContainer[str]
    needs: _containers.RepeatedScalarFieldContainer[str]
    input_tokens: int
    input_kind: str
    input: bytes
    unavailable_model: str
    high_priority: bool
    session: str
    payload: PayloadRef
    floor: Requirement
    first_token_timeout_ms: int
    idle_timeout_ms: int
    ignored_fields: _containers.RepeatedScalarFieldContainer[str]
    cost_tags: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, task_id: _Optional[str] = ..., type: _Optional[str] = ..., project: _Optional[str] = ..., reflex: _Optional[str] = ..., priority: _Optional[_Union[Priority, str]] = ..., data_class: _Optional[_Union[DataClass, str]] = ..., model: _Optional[str] = ..., max_output_tokens: _Optional[int] = ..., max_output_is_exact: _Optional[bool] = ..., deadline_unix_ms: _Optional[int] = ..., stream: _Optional[bool] = ..., input_modalities: _Optional[_Iterable[str]] = ..., output_modalities: _Optional[_Iterable[str]] = ..., needs: _Optional[_Iterable[str]] = ..., input_tokens: _Optional[int] = ..., input_kind: _Optional[str] = ..., input: _Optional[bytes] = ..., unavailable_model: _Optional[str] = ..., high_priority: _Optional[bool] = ..., session: _Optional[str] = ..., payload: _Optional[_Union[PayloadRef, _Mapping]] = ..., floor: _Optional[_Union[Requirement, _Mapping]] = ..., first_token_timeout_ms: _Optional[int] = ..., idle_timeout_ms: _Optional[int] = ..., ignored_fields: _Optional[_Iterable[str]] = ..., cost_tags: _Optional[_Iterable[str]] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens", "estimated", "cache_write_tokens", "audio_input_tokens", "audio_output_tokens", "images", "cache_write_1h_tokens", "image_input_tokens", "image_output_tokens")
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    AUDIO_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    AUDIO_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_1H_TOKENS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    reasoning_tokens: int
    estimated: bool
    cache_write_tokens: int
    audio_input_tokens: int
    audio_output_tokens: int
    images: int
    cache_write_1h_tokens: int
    image_input_tokens: int
    image_output_tokens: int
    def __init__(self, input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cached_input_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ..., estimated: _Optional[bool] = ..., cache_write_tokens: _Optional[int] = ..., audio_input_tokens: _Optional[int] = ..., audio_output_tokens: _Optional[int] = ..., images: _Optional[int] = ..., cache_write_1h_tokens: _Optional[int] = ..., image_input_tokens: _Optional[int] = ..., image_output_tokens: _Optional[int] = ...) -> None: ...

class AttemptSummary(_message.Message):
    __slots__ = ("number", "attempt_id", "model", "outcome", "status", "reason", "duration_ms", "style", "cause", "http_status", "vendor_code", "param")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    STYLE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    HTTP_STATUS_FIELD_NUMBER: _ClassVar[int]
    VENDOR_CODE_FIELD_NUMBER: _ClassVar[int]
    PARAM_FIELD_NUMBER: _ClassVar[int]
    number: int
    attempt_id: str
    model: str
    outcome: str
    status: str
    reason: str
    duration_ms: int
    style: str
    cause: str
    http_status: int
    vendor_code: str
    param: str
    def __init__(self, number: _Optional[int] = ..., attempt_id: _Optional[str] = ..., model: _Optional[str] = ..., outcome: _Optional[str] = ..., status: _Optional[str] = ..., reason: _Optional[str] = ..., duration_ms: _Optional[int] = ..., style: _Optional[str] = ..., cause: _Optional[str] = ..., http_status: _Optional[int] = ..., vendor_code: _Optional[str] = ..., param: _Optional[str] = ...) -> None: ...

class Exclusion(_message.Message):
    __slots__ = ("model", "rule", "detail")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    model: str
    rule: str
    detail: str
    def __init__(self, model: _Optional[str] = ..., rule: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class Delta(_message.Message):
    __slots__ = ("text", "reasoning", "tool_calls", "data", "data_type", "refusal")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    TOOL_CALLS_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    DATA_TYPE_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    text: str
    reasoning: str
    tool_calls: bytes
    data: bytes
    data_type: str
    refusal: str
    def __init__(self, text: _Optional[str] = ..., reasoning: _Optional[str] = ..., tool_calls: _Optional[bytes] = ..., data: _Optional[bytes] = ..., data_type: _Optional[str] = ..., refusal: _Optional[str] = ...) -> None: ...

class Accepted(_message.Message):
    __slots__ = ("router_id", "confirm_wanted", "notices")
    ROUTER_ID_FIELD_NUMBER: _ClassVar[int]
    CONFIRM_WANTED_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    router_id: str
    confirm_wanted: bool
    notices: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, router_id: _Optional[str] = ..., confirm_wanted: _Optional[bool] = ..., notices: _Optional[_Iterable[str]] = ...) -> None: ...

class Started(_message.Message):
    __slots__ = ("worker_id", "model", "model_name", "decision_id", "notices")
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    worker_id: str
    model: str
    model_name: str
    decision_id: str
    notices: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, worker_id: _Optional[str] = ..., model: _Optional[str] = ..., model_name: _Optional[str] = ..., decision_id: _Optional[str] = ..., notices: _Optional[_Iterable[str]] = ...) -> None: ...

class Counts(_message.Message):
    __slots__ = ("attempt",)
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    attempt: int
    def __init__(self, attempt: _Optional[int] = ...) -> None: ...

class End(_message.Message):
    __slots__ = ("output", "finish", "usage", "model", "model_name", "decision_id", "attempts", "cost_nano_usd", "notices")
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    FINISH_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    COST_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    output: Delta
    finish: str
    usage: Usage
    model: str
    model_name: str
    decision_id: str
    attempts: _containers.RepeatedCompositeFieldContainer[AttemptSummary]
    cost_nano_usd: int
    notices: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, output: _Optional[_Union[Delta, _Mapping]] = ..., finish: _Optional[str] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., model: _Optional[str] = ..., model_name: _Optional[str] = ..., decision_id: _Optional[str] = ..., attempts: _Optional[_Iterable[_Union[AttemptSummary, _Mapping]]] = ..., cost_nano_usd: _Optional[int] = ..., notices: _Optional[_Iterable[str]] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("code", "message", "retryable", "retry_after_ms", "decision_id", "attempts", "exclusions", "not_taken")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    EXCLUSIONS_FIELD_NUMBER: _ClassVar[int]
    NOT_TAKEN_FIELD_NUMBER: _ClassVar[int]
    code: FailureCode
    message: str
    retryable: bool
    retry_after_ms: int
    decision_id: str
    attempts: _containers.RepeatedCompositeFieldContainer[AttemptSummary]
    exclusions: _containers.RepeatedCompositeFieldContainer[Exclusion]
    not_taken: bool
    def __init__(self, code: _Optional[_Union[FailureCode, str]] = ..., message: _Optional[str] = ..., retryable: _Optional[bool] = ..., retry_after_ms: _Optional[int] = ..., decision_id: _Optional[str] = ..., attempts: _Optional[_Iterable[_Union[AttemptSummary, _Mapping]]] = ..., exclusions: _Optional[_Iterable[_Union[Exclusion, _Mapping]]] = ..., not_taken: _Optional[bool] = ...) -> None: ...

class Frame(_message.Message):
    __slots__ = ("task_id", "attempt", "sequence", "accepted", "started", "delta", "end", "failure", "counts")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    STARTED_FIELD_NUMBER: _ClassVar[int]
    DELTA_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    attempt: int
    sequence: int
    accepted: Accepted
    started: Started
    delta: Delta
    end: End
    failure: Failure
    counts: Counts
    def __init__(self, task_id: _Optional[str] = ..., attempt: _Optional[int] = ..., sequence: _Optional[int] = ..., accepted: _Optional[_Union[Accepted, _Mapping]] = ..., started: _Optional[_Union[Started, _Mapping]] = ..., delta: _Optional[_Union[Delta, _Mapping]] = ..., end: _Optional[_Union[End, _Mapping]] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., counts: _Optional[_Union[Counts, _Mapping]] = ...) -> None: ...

class Cancel(_message.Message):
    __slots__ = ("task_id",)
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    def __init__(self, task_id: _Optional[str] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("loop_delay_ms",)
    LOOP_DELAY_MS_FIELD_NUMBER: _ClassVar[int]
    loop_delay_ms: int
    def __init__(self, loop_delay_ms: _Optional[int] = ...) -> None: ...

class InFlightRequest(_message.Message):
    __slots__ = ("ids", "wanted")
    IDS_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    wanted: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[str]] = ..., wanted: _Optional[_Iterable[str]] = ...) -> None: ...

class InFlightResponse(_message.Message):
    __slots__ = ("gone", "routers")
    GONE_FIELD_NUMBER: _ClassVar[int]
    ROUTERS_FIELD_NUMBER: _ClassVar[int]
    gone: _containers.RepeatedScalarFieldContainer[str]
    routers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, gone: _Optional[_Iterable[str]] = ..., routers: _Optional[_Iterable[str]] = ...) -> None: ...

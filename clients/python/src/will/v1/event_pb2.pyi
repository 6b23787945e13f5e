from will.v1 import policy_pb2 as _policy_pb2
from will.v1 import task_pb2 as _task_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CallRecord(_message.Message):
    __slots__ = ("attempt_id", "task_id", "decision_id", "attempt", "revision", "client", "project", "reflex", "task_type", "model", "model_name", "model_version", "provider", "worker_id", "data_class", "priority", "started_unix_ms", "duration_ms", "first_content_ms", "outcome", "status", "reason", "finish", "usage", "output_chars", "cost_nano_usd", "price_input", "price_output", "streamed", "written_by", "price", "http_status", "vendor_code", "is_cost_estimated", "cost_tags", "served_version")
    ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    REFLEX_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_CLASS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    STARTED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    FIRST_CONTENT_MS_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FINISH_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_CHARS_FIELD_NUMBER: _ClassVar[int]
    COST_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    PRICE_INPUT_FIELD_NUMBER: _ClassVar[int]
    PRICE_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    STREAMED_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_BY_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    HTTP_STATUS_FIELD_NUMBER: _ClassVar[int]
    VENDOR_CODE_FIELD_NUMBER: _ClassVar[int]
    IS_COST_ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    COST_TAGS_FIELD_NUMBER: _ClassVar[int]
    SERVED_VERSION_FIELD_NUMBER: _ClassVar[int]
    attempt_id: str
    task_id: str
    decision_id: str
    attempt: int
    revision: int
    client: str
    project: str
    reflex: str
    task_type: str
    model: str
    model_name: str
    model_version: str
    provider: str
    worker_id: str
    data_class: _task_pb2.DataClass
    priority: _task_pb2.Priority
    started_unix_ms: int
    duration_ms: int
    first_content_ms: int
    outcome: str
    status: str
    reason: str
    finish: str
    usage: _task_pb2.Usage
    output_chars: int
    cost_nano_usd: int
    price_input: int
    price_output: int
    streamed: bool
    written_by: str
    price: Price
    http_status: int
    vendor_code: str
    is_cost_estimated: bool
    cost_tags: _containers.RepeatedScalarFieldContainer[str]
    served_version: str
    def __init__(self, attempt_id: _Optional[str] = ..., task_id: _Optional[str] = ..., decision_id: _Optional[str] = ..., attempt: _Optional[int] = ..., revision: _Optional[int] = ..., client: _Optional[str] = ..., project: _Optional[str] = ..., reflex: _Optional[str] = ..., task_type: _Optional[str] = ..., model: _Optional[str] = ..., model_name: _Optional[str] = ..., model_version: _Optional[str] = ..., provider: _Optional[str] = ..., worker_id: _Optional[str] = ..., data_class: _Optional[_Union[_task_pb2.DataClass, str]] = ..., priority: _Optional[_Union[_task_pb2.Priority, str]] = ..., started_unix_ms: _Optional[int] = ..., duration_ms: _Optional[int] = ..., first_content_ms: _Optional[int] = ..., outcome: _Optional[str] = ..., status: _Optional[str] = ..., reason: _Optional[str] = ..., finish: _Optional[str] = ..., usage: _Optional[_Union[_task_pb2.Usage, _Mapping]] = ..., output_chars: _Optional[int] = ..., cost_nano_usd: _Optional[int] = ..., price_input: _Optional[int] = ..., price_output: _Optional[int] = ..., streamed: _Optional[bool] = ..., written_by: _Optional[str] = ..., price: _Optional[_Union[Price, _Mapping]] = ..., http_status: _Optional[int] = ..., vendor_code: _Optional[str] = ..., is_cost_estimated: _Optional[bool] = ..., cost_tags: _Optional[_Iterable[str]] = ..., served_version: _Optional[str] = ...) -> None: ...

class CallContent(_message.Message):
    __slots__ = ("attempt_id", "task_id", "client", "input_kind", "input", "output", "is_cut", "until_unix_ms")
    ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    INPUT_KIND_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    IS_CUT_FIELD_NUMBER: _ClassVar[int]
    UNTIL_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    attempt_id: str
    task_id: str
    client: str
    input_kind: str
    input: bytes
    output: str
    is_cut: bool
    until_unix_ms: int
    def __init__(self, attempt_id: _Optional[str] = ..., task_id: _Optional[str] = ..., client: _Optional[str] = ..., input_kind: _Optional[str] = ..., input: _Optional[bytes] = ..., output: _Optional[str] = ..., is_cut: _Optional[bool] = ..., until_unix_ms: _Optional[int] = ...) -> None: ...

class Price(_message.Message):
    __slots__ = ("input", "output", "cached_input", "cache_write", "reasoning", "audio_input", "audio_output", "image", "request", "tiers", "cache_write_1h", "image_input", "image_output")
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    CACHED_INPUT_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    AUDIO_INPUT_FIELD_NUMBER: _ClassVar[int]
    AUDIO_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    TIERS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_1H_FIELD_NUMBER: _ClassVar[int]
    IMAGE_INPUT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    input: int
    output: int
    cached_input: int
    cache_write: int
    reasoning: int
    audio_input: int
    audio_output: int
    image: int
    request: int
    tiers: _containers.RepeatedCompositeFieldContainer[PriceTier]
    cache_write_1h: int
    image_input: int
    image_output: int
    def __init__(self, input: _Optional[int] = ..., output: _Optional[int] = ..., cached_input: _Optional[int] = ..., cache_write: _Optional[int] = ..., reasoning: _Optional[int] = ..., audio_input: _Optional[int] = ..., audio_output: _Optional[int] = ..., image: _Optional[int] = ..., request: _Optional[int] = ..., tiers: _Optional[_Iterable[_Union[PriceTier, _Mapping]]] = ..., cache_write_1h: _Optional[int] = ..., image_input: _Optional[int] = ..., image_output: _Optional[int] = ...) -> None: ...

class PriceTier(_message.Message):
    __slots__ = ("above_input_tokens", "input", "output", "cached_input", "cache_write", "reasoning", "audio_input", "audio_output", "cache_write_1h", "image_input", "image_output")
    ABOVE_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    INPUT_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    CACHED_INPUT_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_FIELD_NUMBER: _ClassVar[int]
    REASONING_FIELD_NUMBER: _ClassVar[int]
    AUDIO_INPUT_FIELD_NUMBER: _ClassVar[int]
    AUDIO_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_1H_FIELD_NUMBER: _ClassVar[int]
    IMAGE_INPUT_FIELD_NUMBER: _ClassVar[int]
    IMAGE_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    above_input_tokens: int
    input: int
    output: int
    cached_input: int
    cache_write: int
    reasoning: int
    audio_input: int
    audio_output: int
    cache_write_1h: int
    image_input: int
    image_output: int
    def __init__(self, above_input_tokens: _Optional[int] = ..., input: _Optional[int] = ..., output: _Optional[int] = ..., cached_input: _Optional[int] = ..., cache_write: _Optional[int] = ..., reasoning: _Optional[int] = ..., audio_input: _Optional[int] = ..., audio_output: _Optional[int] = ..., cache_write_1h: _Optional[int] = ..., image_input: _Optional[int] = ..., image_output: _Optional[int] = ...) -> None: ...

class AttemptIntent(_message.Message):
    __slots__ = ("record", "deadline_unix_ms")
    RECORD_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    record: CallRecord
    deadline_unix_ms: int
    def __init__(self, record: _Optional[_Union[CallRecord, _Mapping]] = ..., deadline_unix_ms: _Optional[int] = ...) -> None: ...

class Skipped(_message.Message):
    __slots__ = ("model", "reason")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    model: str
    reason: str
    def __init__(self, model: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class LiveEntry(_message.Message):
    __slots__ = ("model", "unserved", "cooling_until_unix_ms")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    UNSERVED_FIELD_NUMBER: _ClassVar[int]
    COOLING_UNTIL_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    model: str
    unserved: str
    cooling_until_unix_ms: int
    def __init__(self, model: _Optional[str] = ..., unserved: _Optional[str] = ..., cooling_until_unix_ms: _Optional[int] = ...) -> None: ...

class DecisionRecord(_message.Message):
    __slots__ = ("decision_id", "task_id", "set_id", "revision", "at_unix_ms", "order", "skipped", "seed", "client", "task_type", "live", "state_digest", "set_decided_unix_ms", "ignored_fields", "session", "notices")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    SET_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    STATE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SET_DECIDED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    IGNORED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    task_id: str
    set_id: str
    revision: int
    at_unix_ms: int
    order: _containers.RepeatedScalarFieldContainer[str]
    skipped: _containers.RepeatedCompositeFieldContainer[Skipped]
    seed: int
    client: str
    task_type: str
    live: _containers.RepeatedCompositeFieldContainer[LiveEntry]
    state_digest: str
    set_decided_unix_ms: int
    ignored_fields: _containers.RepeatedScalarFieldContainer[str]
    session: SessionBasis
    notices: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, decision_id: _Optional[str] = ..., task_id: _Optional[str] = ..., set_id: _Optional[str] = ..., revision: _Optional[int] = ..., at_unix_ms: _Optional[int] = ..., order: _Optional[_Iterable[str]] = ..., skipped: _Optional[_Iterable[_Union[Skipped, _Mapping]]] = ..., seed: _Optional[int] = ..., client: _Optional[str] = ..., task_type: _Optional[str] = ..., live: _Optional[_Iterable[_Union[LiveEntry, _Mapping]]] = ..., state_digest: _Optional[str] = ..., set_decided_unix_ms: _Optional[int] = ..., ignored_fields: _Optional[_Iterable[str]] = ..., session: _Optional[_Union[SessionBasis, _Mapping]] = ..., notices: _Optional[_Iterable[str]] = ...) -> None: ...

class SessionBasis(_message.Message):
    __slots__ = ("last_model", "costs")
    LAST_MODEL_FIELD_NUMBER: _ClassVar[int]
    COSTS_FIELD_NUMBER: _ClassVar[int]
    last_model: str
    costs: _containers.RepeatedCompositeFieldContainer[SessionCost]
    def __init__(self, last_model: _Optional[str] = ..., costs: _Optional[_Iterable[_Union[SessionCost, _Mapping]]] = ...) -> None: ...

class SessionCost(_message.Message):
    __slots__ = ("model", "held_tokens", "cost_nano_usd", "mean_nano_usd")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    HELD_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    MEAN_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    model: str
    held_tokens: int
    cost_nano_usd: int
    mean_nano_usd: int
    def __init__(self, model: _Optional[str] = ..., held_tokens: _Optional[int] = ..., cost_nano_usd: _Optional[int] = ..., mean_nano_usd: _Optional[int] = ...) -> None: ...

class SessionChanges(_message.Message):
    __slots__ = ("changes",)
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[SessionChange]
    def __init__(self, changes: _Optional[_Iterable[_Union[SessionChange, _Mapping]]] = ...) -> None: ...

class SessionChange(_message.Message):
    __slots__ = ("session", "state")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    session: str
    state: SessionState
    def __init__(self, session: _Optional[str] = ..., state: _Optional[_Union[SessionState, _Mapping]] = ...) -> None: ...

class SessionState(_message.Message):
    __slots__ = ("last_model", "calls", "prefixes")
    LAST_MODEL_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    PREFIXES_FIELD_NUMBER: _ClassVar[int]
    last_model: str
    calls: int
    prefixes: _containers.RepeatedCompositeFieldContainer[HeldPrefix]
    def __init__(self, last_model: _Optional[str] = ..., calls: _Optional[int] = ..., prefixes: _Optional[_Iterable[_Union[HeldPrefix, _Mapping]]] = ...) -> None: ...

class HeldPrefix(_message.Message):
    __slots__ = ("model", "tokens", "used_unix_ms", "worker_id")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TOKENS_FIELD_NUMBER: _ClassVar[int]
    USED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    model: str
    tokens: int
    used_unix_ms: int
    worker_id: str
    def __init__(self, model: _Optional[str] = ..., tokens: _Optional[int] = ..., used_unix_ms: _Optional[int] = ..., worker_id: _Optional[str] = ...) -> None: ...

class Feedback(_message.Message):
    __slots__ = ("task_id", "model", "model_version", "task_type", "score", "at_unix_ms")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    model: str
    model_version: str
    task_type: str
    score: float
    at_unix_ms: int
    def __init__(self, task_id: _Optional[str] = ..., model: _Optional[str] = ..., model_version: _Optional[str] = ..., task_type: _Optional[str] = ..., score: _Optional[float] = ..., at_unix_ms: _Optional[int] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("call", "intent", "decision", "ranked_set", "feedback", "model_change")
    CALL_FIELD_NUMBER: _ClassVar[int]
    INTENT_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    RANKED_SET_FIELD_NUMBER: _ClassVar[int]
    FEEDBACK_FIELD_NUMBER: _ClassVar[int]
    MODEL_CHANGE_FIELD_NUMBER: _ClassVar[int]
    call: CallRecord
    intent: AttemptIntent
    decision: DecisionRecord
    ranked_set: _policy_pb2.RankedSet
    feedback: Feedback
    model_change: ModelChange
    def __init__(self, call: _Optional[_Union[CallRecord, _Mapping]] = ..., intent: _Optional[_Union[AttemptIntent, _Mapping]] = ..., decision: _Optional[_Union[DecisionRecord, _Mapping]] = ..., ranked_set: _Optional[_Union[_policy_pb2.RankedSet, _Mapping]] = ..., feedback: _Optional[_Union[Feedback, _Mapping]] = ..., model_change: _Optional[_Union[ModelChange, _Mapping]] = ...) -> None: ...

class ModelChange(_message.Message):
    __slots__ = ("model", "task_type", "signal", "words", "change", "calls", "at_unix_ms")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIGNAL_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    model: str
    task_type: str
    signal: str
    words: str
    change: float
    calls: int
    at_unix_ms: int
    def __init__(self, model: _Optional[str] = ..., task_type: _Optional[str] = ..., signal: _Optional[str] = ..., words: _Optional[str] = ..., change: _Optional[float] = ..., calls: _Optional[int] = ..., at_unix_ms: _Optional[int] = ...) -> None: ...

class CallScope(_message.Message):
    __slots__ = ("client", "project", "reflex", "task_type", "model", "model_name", "model_version", "provider", "worker_id", "data_class", "priority", "revision", "price_input", "price_output", "price", "streamed", "written_by", "cost_tags", "served_version")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    REFLEX_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    MODEL_NAME_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    PROVIDER_FIELD_NUMBER: _ClassVar[int]
    WORKER_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_CLASS_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    PRICE_INPUT_FIELD_NUMBER: _ClassVar[int]
    PRICE_OUTPUT_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    STREAMED_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_BY_FIELD_NUMBER: _ClassVar[int]
    COST_TAGS_FIELD_NUMBER: _ClassVar[int]
    SERVED_VERSION_FIELD_NUMBER: _ClassVar[int]
    client: str
    project: str
    reflex: str
    task_type: str
    model: str
    model_name: str
    model_version: str
    provider: str
    worker_id: str
    data_class: _task_pb2.DataClass
    priority: _task_pb2.Priority
    revision: int
    price_input: int
    price_output: int
    price: Price
    streamed: bool
    written_by: str
    cost_tags: _containers.RepeatedScalarFieldContainer[str]
    served_version: str
    def __init__(self, client: _Optional[str] = ..., project: _Optional[str] = ..., reflex: _Optional[str] = ..., task_type: _Optional[str] = ..., model: _Optional[str] = ..., model_name: _Optional[str] = ..., model_version: _Optional[str] = ..., provider: _Optional[str] = ..., worker_id: _Optional[str] = ..., data_class: _Optional[_Union[_task_pb2.DataClass, str]] = ..., priority: _Optional[_Union[_task_pb2.Priority, str]] = ..., revision: _Optional[int] = ..., price_input: _Optional[int] = ..., price_output: _Optional[int] = ..., price: _Optional[_Union[Price, _Mapping]] = ..., streamed: _Optional[bool] = ..., written_by: _Optional[str] = ..., cost_tags: _Optional[_Iterable[str]] = ..., served_version: _Optional[str] = ...) -> None: ...

class CallEnding(_message.Message):
    __slots__ = ("outcome", "status", "reason", "finish", "http_status", "vendor_code")
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FINISH_FIELD_NUMBER: _ClassVar[int]
    HTTP_STATUS_FIELD_NUMBER: _ClassVar[int]
    VENDOR_CODE_FIELD_NUMBER: _ClassVar[int]
    outcome: str
    status: str
    reason: str
    finish: str
    http_status: int
    vendor_code: str
    def __init__(self, outcome: _Optional[str] = ..., status: _Optional[str] = ..., reason: _Optional[str] = ..., finish: _Optional[str] = ..., http_status: _Optional[int] = ..., vendor_code: _Optional[str] = ...) -> None: ...

class CallRow(_message.Message):
    __slots__ = ("attempt_id", "task_id", "decision_id", "scope", "ending", "attempt", "started_unix_ms", "duration_ms", "first_content_ms", "output_chars", "cost_nano_usd", "usage", "is_cost_estimated")
    ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ENDING_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    STARTED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    DURATION_MS_FIELD_NUMBER: _ClassVar[int]
    FIRST_CONTENT_MS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_CHARS_FIELD_NUMBER: _ClassVar[int]
    COST_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    IS_COST_ESTIMATED_FIELD_NUMBER: _ClassVar[int]
    attempt_id: str
    task_id: str
    decision_id: str
    scope: int
    ending: int
    attempt: int
    started_unix_ms: int
    duration_ms: int
    first_content_ms: int
    output_chars: int
    cost_nano_usd: int
    usage: _task_pb2.Usage
    is_cost_estimated: bool
    def __init__(self, attempt_id: _Optional[str] = ..., task_id: _Optional[str] = ..., decision_id: _Optional[str] = ..., scope: _Optional[int] = ..., ending: _Optional[int] = ..., attempt: _Optional[int] = ..., started_unix_ms: _Optional[int] = ..., duration_ms: _Optional[int] = ..., first_content_ms: _Optional[int] = ..., output_chars: _Optional[int] = ..., cost_nano_usd: _Optional[int] = ..., usage: _Optional[_Union[_task_pb2.Usage, _Mapping]] = ..., is_cost_estimated: _Optional[bool] = ...) -> None: ...

class IntentRow(_message.Message):
    __slots__ = ("attempt_id", "decision", "task_id", "decision_id", "scope", "attempt", "started_unix_ms", "deadline_unix_ms", "cost_nano_usd", "usage")
    ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    STARTED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    COST_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    attempt_id: str
    decision: int
    task_id: str
    decision_id: str
    scope: int
    attempt: int
    started_unix_ms: int
    deadline_unix_ms: int
    cost_nano_usd: int
    usage: _task_pb2.Usage
    def __init__(self, attempt_id: _Optional[str] = ..., decision: _Optional[int] = ..., task_id: _Optional[str] = ..., decision_id: _Optional[str] = ..., scope: _Optional[int] = ..., attempt: _Optional[int] = ..., started_unix_ms: _Optional[int] = ..., deadline_unix_ms: _Optional[int] = ..., cost_nano_usd: _Optional[int] = ..., usage: _Optional[_Union[_task_pb2.Usage, _Mapping]] = ...) -> None: ...

class DecisionScope(_message.Message):
    __slots__ = ("set_id", "revision", "order", "skipped", "client", "task_type", "live", "state_digest", "set_decided_unix_ms", "ignored_fields", "notices")
    SET_ID_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    STATE_DIGEST_FIELD_NUMBER: _ClassVar[int]
    SET_DECIDED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    IGNORED_FIELDS_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    set_id: str
    revision: int
    order: _containers.RepeatedScalarFieldContainer[str]
    skipped: _containers.RepeatedCompositeFieldContainer[Skipped]
    client: str
    task_type: str
    live: _containers.RepeatedCompositeFieldContainer[LiveEntry]
    state_digest: str
    set_decided_unix_ms: int
    ignored_fields: _containers.RepeatedScalarFieldContainer[str]
    notices: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, set_id: _Optional[str] = ..., revision: _Optional[int] = ..., order: _Optional[_Iterable[str]] = ..., skipped: _Optional[_Iterable[_Union[Skipped, _Mapping]]] = ..., client: _Optional[str] = ..., task_type: _Optional[str] = ..., live: _Optional[_Iterable[_Union[LiveEntry, _Mapping]]] = ..., state_digest: _Optional[str] = ..., set_decided_unix_ms: _Optional[int] = ..., ignored_fields: _Optional[_Iterable[str]] = ..., notices: _Optional[_Iterable[str]] = ...) -> None: ...

class DecisionRow(_message.Message):
    __slots__ = ("decision_id", "task_id", "scope", "at_unix_ms", "seed", "session")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    task_id: str
    scope: int
    at_unix_ms: int
    seed: int
    session: SessionBasis
    def __init__(self, decision_id: _Optional[str] = ..., task_id: _Optional[str] = ..., scope: _Optional[int] = ..., at_unix_ms: _Optional[int] = ..., seed: _Optional[int] = ..., session: _Optional[_Union[SessionBasis, _Mapping]] = ...) -> None: ...

class EventBatch(_message.Message):
    __slots__ = ("source", "events", "call_scopes", "call_endings", "calls", "intents", "decision_scopes", "decisions")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    CALL_SCOPES_FIELD_NUMBER: _ClassVar[int]
    CALL_ENDINGS_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    INTENTS_FIELD_NUMBER: _ClassVar[int]
    DECISION_SCOPES_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    source: str
    events: _containers.RepeatedCompositeFieldContainer[Event]
    call_scopes: _containers.RepeatedCompositeFieldContainer[CallScope]
    call_endings: _containers.RepeatedCompositeFieldContainer[CallEnding]
    calls: _containers.RepeatedCompositeFieldContainer[CallRow]
    intents: _containers.RepeatedCompositeFieldContainer[IntentRow]
    decision_scopes: _containers.RepeatedCompositeFieldContainer[DecisionScope]
    decisions: _containers.RepeatedCompositeFieldContainer[DecisionRow]
    def __init__(self, source: _Optional[str] = ..., events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., call_scopes: _Optional[_Iterable[_Union[CallScope, _Mapping]]] = ..., call_endings: _Optional[_Iterable[_Union[CallEnding, _Mapping]]] = ..., calls: _Optional[_Iterable[_Union[CallRow, _Mapping]]] = ..., intents: _Optional[_Iterable[_Union[IntentRow, _Mapping]]] = ..., decision_scopes: _Optional[_Iterable[_Union[DecisionScope, _Mapping]]] = ..., decisions: _Optional[_Iterable[_Union[DecisionRow, _Mapping]]] = ...) -> None: ...

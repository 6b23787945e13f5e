from will.v1 import event_pb2 as _event_pb2
from will.v1 import policy_pb2 as _policy_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QueryCallsRequest(_message.Message):
    __slots__ = ("client", "project", "model", "task_type", "outcome", "reflex", "task_id", "decision_id", "from_unix_ms", "to_unix_ms", "limit", "behind_started_unix_ms", "behind_attempt_id")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    PROJECT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REFLEX_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    TO_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    BEHIND_STARTED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    BEHIND_ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    client: str
    project: str
    model: str
    task_type: str
    outcome: str
    reflex: str
    task_id: str
    decision_id: str
    from_unix_ms: int
    to_unix_ms: int
    limit: int
    behind_started_unix_ms: int
    behind_attempt_id: str
    def __init__(self, client: _Optional[str] = ..., project: _Optional[str] = ..., model: _Optional[str] = ..., task_type: _Optional[str] = ..., outcome: _Optional[str] = ..., reflex: _Optional[str] = ..., task_id: _Optional[str] = ..., decision_id: _Optional[str] = ..., from_unix_ms: _Optional[int] = ..., to_unix_ms: _Optional[int] = ..., limit: _Optional[int] = ..., behind_started_unix_ms: _Optional[int] = ..., behind_attempt_id: _Optional[str] = ...) -> None: ...

class QueryCallsResponse(_message.Message):
    __slots__ = ("calls", "error")
    CALLS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    calls: _containers.RepeatedCompositeFieldContainer[_event_pb2.CallRecord]
    error: str
    def __init__(self, calls: _Optional[_Iterable[_Union[_event_pb2.CallRecord, _Mapping]]] = ..., error: _Optional[str] = ...) -> None: ...

class EraseClientRequest(_message.Message):
    __slots__ = ("client", "author")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    client: str
    author: str
    def __init__(self, client: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class EraseClientResponse(_message.Message):
    __slots__ = ("calls", "error", "event_batches", "tasks", "cancelled_tasks")
    CALLS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    EVENT_BATCHES_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_TASKS_FIELD_NUMBER: _ClassVar[int]
    calls: int
    error: str
    event_batches: int
    tasks: int
    cancelled_tasks: int
    def __init__(self, calls: _Optional[int] = ..., error: _Optional[str] = ..., event_batches: _Optional[int] = ..., tasks: _Optional[int] = ..., cancelled_tasks: _Optional[int] = ...) -> None: ...

class GetContentRequest(_message.Message):
    __slots__ = ("attempt_id", "author")
    ATTEMPT_ID_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    attempt_id: str
    author: str
    def __init__(self, attempt_id: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class GetContentResponse(_message.Message):
    __slots__ = ("content", "error")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    content: _event_pb2.CallContent
    error: str
    def __init__(self, content: _Optional[_Union[_event_pb2.CallContent, _Mapping]] = ..., error: _Optional[str] = ...) -> None: ...

class GetDecisionRequest(_message.Message):
    __slots__ = ("decision_id", "task_id")
    DECISION_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    decision_id: str
    task_id: str
    def __init__(self, decision_id: _Optional[str] = ..., task_id: _Optional[str] = ...) -> None: ...

class GetDecisionResponse(_message.Message):
    __slots__ = ("decision", "set", "error")
    DECISION_FIELD_NUMBER: _ClassVar[int]
    SET_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    decision: _event_pb2.DecisionRecord
    set: _policy_pb2.RankedSet
    error: str
    def __init__(self, decision: _Optional[_Union[_event_pb2.DecisionRecord, _Mapping]] = ..., set: _Optional[_Union[_policy_pb2.RankedSet, _Mapping]] = ..., error: _Optional[str] = ...) -> None: ...

class RecentFactsRequest(_message.Message):
    __slots__ = ("since_unix_ms",)
    SINCE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    since_unix_ms: int
    def __init__(self, since_unix_ms: _Optional[int] = ...) -> None: ...

class RecentFactsResponse(_message.Message):
    __slots__ = ("recent", "is_partial", "error")
    RECENT_FIELD_NUMBER: _ClassVar[int]
    IS_PARTIAL_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    recent: _containers.RepeatedCompositeFieldContainer[RecentFacts]
    is_partial: bool
    error: str
    def __init__(self, recent: _Optional[_Iterable[_Union[RecentFacts, _Mapping]]] = ..., is_partial: _Optional[bool] = ..., error: _Optional[str] = ...) -> None: ...

class RecentFacts(_message.Message):
    __slots__ = ("facts", "decisions")
    FACTS_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    facts: _policy_pb2.Facts
    decisions: int
    def __init__(self, facts: _Optional[_Union[_policy_pb2.Facts, _Mapping]] = ..., decisions: _Optional[int] = ...) -> None: ...

class QueryUsageRequest(_message.Message):
    __slots__ = ("by", "from_unix_ms", "to_unix_ms", "client", "model", "task_type", "outcome", "cost_tag")
    BY_FIELD_NUMBER: _ClassVar[int]
    FROM_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    TO_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    COST_TAG_FIELD_NUMBER: _ClassVar[int]
    by: _containers.RepeatedScalarFieldContainer[str]
    from_unix_ms: int
    to_unix_ms: int
    client: str
    model: str
    task_type: str
    outcome: str
    cost_tag: str
    def __init__(self, by: _Optional[_Iterable[str]] = ..., from_unix_ms: _Optional[int] = ..., to_unix_ms: _Optional[int] = ..., client: _Optional[str] = ..., model: _Optional[str] = ..., task_type: _Optional[str] = ..., outcome: _Optional[str] = ..., cost_tag: _Optional[str] = ...) -> None: ...

class QueryUsageResponse(_message.Message):
    __slots__ = ("groups", "total", "error")
    GROUPS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    groups: _containers.RepeatedCompositeFieldContainer[UsageGroup]
    total: UsageGroup
    error: str
    def __init__(self, groups: _Optional[_Iterable[_Union[UsageGroup, _Mapping]]] = ..., total: _Optional[_Union[UsageGroup, _Mapping]] = ..., error: _Optional[str] = ...) -> None: ...

class UsageGroup(_message.Message):
    __slots__ = ("start_unix_ms", "client", "model", "task_type", "outcome", "calls", "successes", "input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens", "cost_nano_usd", "unknown_costs", "estimated_usages", "p50_ms", "p95_ms", "p99_ms", "cache_write_tokens", "cache_write_1h_tokens", "saved_nano_usd", "cost_tag")
    START_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    MODEL_FIELD_NUMBER: _ClassVar[int]
    TASK_TYPE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    SUCCESSES_FIELD_NUMBER: _ClassVar[int]
    INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_INPUT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    REASONING_TOKENS_FIELD_NUMBER: _ClassVar[int]
    COST_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    UNKNOWN_COSTS_FIELD_NUMBER: _ClassVar[int]
    ESTIMATED_USAGES_FIELD_NUMBER: _ClassVar[int]
    P50_MS_FIELD_NUMBER: _ClassVar[int]
    P95_MS_FIELD_NUMBER: _ClassVar[int]
    P99_MS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHE_WRITE_1H_TOKENS_FIELD_NUMBER: _ClassVar[int]
    SAVED_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    COST_TAG_FIELD_NUMBER: _ClassVar[int]
    start_unix_ms: int
    client: str
    model: str
    task_type: str
    outcome: str
    calls: int
    successes: int
    input_tokens: int
    output_tokens: int
    cached_input_tokens: int
    reasoning_tokens: int
    cost_nano_usd: int
    unknown_costs: int
    estimated_usages: int
    p50_ms: int
    p95_ms: int
    p99_ms: int
    cache_write_tokens: int
    cache_write_1h_tokens: int
    saved_nano_usd: int
    cost_tag: str
    def __init__(self, start_unix_ms: _Optional[int] = ..., client: _Optional[str] = ..., model: _Optional[str] = ..., task_type: _Optional[str] = ..., outcome: _Optional[str] = ..., calls: _Optional[int] = ..., successes: _Optional[int] = ..., input_tokens: _Optional[int] = ..., output_tokens: _Optional[int] = ..., cached_input_tokens: _Optional[int] = ..., reasoning_tokens: _Optional[int] = ..., cost_nano_usd: _Optional[int] = ..., unknown_costs: _Optional[int] = ..., estimated_usages: _Optional[int] = ..., p50_ms: _Optional[int] = ..., p95_ms: _Optional[int] = ..., p99_ms: _Optional[int] = ..., cache_write_tokens: _Optional[int] = ..., cache_write_1h_tokens: _Optional[int] = ..., saved_nano_usd: _Optional[int] = ..., cost_tag: _Optional[str] = ...) -> None: ...

class RepriceRequest(_message.Message):
    __slots__ = ("model", "from_unix_ms", "to_unix_ms", "price", "hours", "author")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    FROM_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    TO_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    PRICE_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    model: str
    from_unix_ms: int
    to_unix_ms: int
    price: _event_pb2.Price
    hours: _containers.RepeatedCompositeFieldContainer[PriceHours]
    author: str
    def __init__(self, model: _Optional[str] = ..., from_unix_ms: _Optional[int] = ..., to_unix_ms: _Optional[int] = ..., price: _Optional[_Union[_event_pb2.Price, _Mapping]] = ..., hours: _Optional[_Iterable[_Union[PriceHours, _Mapping]]] = ..., author: _Optional[str] = ...) -> None: ...

class RepriceResponse(_message.Message):
    __slots__ = ("examined", "changed", "added_nano_usd", "error")
    EXAMINED_FIELD_NUMBER: _ClassVar[int]
    CHANGED_FIELD_NUMBER: _ClassVar[int]
    ADDED_NANO_USD_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    examined: int
    changed: int
    added_nano_usd: int
    error: str
    def __init__(self, examined: _Optional[int] = ..., changed: _Optional[int] = ..., added_nano_usd: _Optional[int] = ..., error: _Optional[str] = ...) -> None: ...

class PriceHours(_message.Message):
    __slots__ = ("to", "days", "zone", "rates")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    ZONE_FIELD_NUMBER: _ClassVar[int]
    RATES_FIELD_NUMBER: _ClassVar[int]
    to: str
    days: _containers.RepeatedScalarFieldContainer[str]
    zone: str
    rates: _event_pb2.PriceTier
    def __init__(self, to: _Optional[str] = ..., days: _Optional[_Iterable[str]] = ..., zone: _Optional[str] = ..., rates: _Optional[_Union[_event_pb2.PriceTier, _Mapping]] = ..., **kwargs) -> None: ...

class OpenCounterRequest(_message.Message):
    __slots__ = ("kind", "key", "start_unix_ms", "end_unix_ms")
    KIND_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    START_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    END_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    key: str
    start_unix_ms: int
    end_unix_ms: int
    def __init__(self, kind: _Optional[str] = ..., key: _Optional[str] = ..., start_unix_ms: _Optional[int] = ..., end_unix_ms: _Optional[int] = ...) -> None: ...

class OpenCounterResponse(_message.Message):
    __slots__ = ("error",)
    ERROR_FIELD_NUMBER: _ClassVar[int]
    error: str
    def __init__(self, error: _Optional[str] = ...) -> None: ...

class LimitsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class LimitState(_message.Message):
    __slots__ = ("scope", "id", "metric", "period", "most", "used", "warns", "period_ends_unix_ms")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    WARNS_FIELD_NUMBER: _ClassVar[int]
    PERIOD_ENDS_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    scope: str
    id: str
    metric: str
    period: str
    most: int
    used: int
    warns: bool
    period_ends_unix_ms: int
    def __init__(self, scope: _Optional[str] = ..., id: _Optional[str] = ..., metric: _Optional[str] = ..., period: _Optional[str] = ..., most: _Optional[int] = ..., used: _Optional[int] = ..., warns: _Optional[bool] = ..., period_ends_unix_ms: _Optional[int] = ...) -> None: ...

class LimitsResponse(_message.Message):
    __slots__ = ("limits", "error")
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    limits: _containers.RepeatedCompositeFieldContainer[LimitState]
    error: str
    def __init__(self, limits: _Optional[_Iterable[_Union[LimitState, _Mapping]]] = ..., error: _Optional[str] = ...) -> None: ...

class FeedbackRequest(_message.Message):
    __slots__ = ("client", "task_id", "score")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    client: str
    task_id: str
    score: float
    def __init__(self, client: _Optional[str] = ..., task_id: _Optional[str] = ..., score: _Optional[float] = ...) -> None: ...

class FeedbackResponse(_message.Message):
    __slots__ = ("model", "error")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    model: str
    error: str
    def __init__(self, model: _Optional[str] = ..., error: _Optional[str] = ...) -> None: ...

class BudgetAlert(_message.Message):
    __slots__ = ("id", "scope", "slug", "metric", "period", "period_starts_unix_ms", "period_ends_unix_ms", "threshold", "used", "most", "reached_unix_ms", "state", "attempts", "next_unix_ms", "last_error")
    ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    PERIOD_FIELD_NUMBER: _ClassVar[int]
    PERIOD_STARTS_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    PERIOD_ENDS_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    USED_FIELD_NUMBER: _ClassVar[int]
    MOST_FIELD_NUMBER: _ClassVar[int]
    REACHED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    id: str
    scope: str
    slug: str
    metric: str
    period: str
    period_starts_unix_ms: int
    period_ends_unix_ms: int
    threshold: str
    used: int
    most: int
    reached_unix_ms: int
    state: str
    attempts: int
    next_unix_ms: int
    last_error: str
    def __init__(self, id: _Optional[str] = ..., scope: _Optional[str] = ..., slug: _Optional[str] = ..., metric: _Optional[str] = ..., period: _Optional[str] = ..., period_starts_unix_ms: _Optional[int] = ..., period_ends_unix_ms: _Optional[int] = ..., threshold: _Optional[str] = ..., used: _Optional[int] = ..., most: _Optional[int] = ..., reached_unix_ms: _Optional[int] = ..., state: _Optional[str] = ..., attempts: _Optional[int] = ..., next_unix_ms: _Optional[int] = ..., last_error: _Optional[str] = ...) -> None: ...

class AlertsRequest(_message.Message):
    __slots__ = ("retry_id", "author")
    RETRY_ID_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    retry_id: str
    author: str
    def __init__(self, retry_id: _Optional[str] = ..., author: _Optional[str] = ...) -> None: ...

class AlertsResponse(_message.Message):
    __slots__ = ("alerts", "error")
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    alerts: _containers.RepeatedCompositeFieldContainer[BudgetAlert]
    error: str
    def __init__(self, alerts: _Optional[_Iterable[_Union[BudgetAlert, _Mapping]]] = ..., error: _Optional[str] = ...) -> None: ...

class ProveRequest(_message.Message):
    __slots__ = ("client", "from_unix_ms", "to_unix_ms", "author", "place")
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    FROM_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    TO_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    PLACE_FIELD_NUMBER: _ClassVar[int]
    client: str
    from_unix_ms: int
    to_unix_ms: int
    author: str
    place: ProofPlace
    def __init__(self, client: _Optional[str] = ..., from_unix_ms: _Optional[int] = ..., to_unix_ms: _Optional[int] = ..., author: _Optional[str] = ..., place: _Optional[_Union[ProofPlace, _Mapping]] = ...) -> None: ...

class ProofPlace(_message.Message):
    __slots__ = ("through_seal", "made_unix_ms", "to_unix_ms", "seal", "told", "is_told")
    THROUGH_SEAL_FIELD_NUMBER: _ClassVar[int]
    MADE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    TO_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    SEAL_FIELD_NUMBER: _ClassVar[int]
    TOLD_FIELD_NUMBER: _ClassVar[int]
    IS_TOLD_FIELD_NUMBER: _ClassVar[int]
    through_seal: int
    made_unix_ms: int
    to_unix_ms: int
    seal: int
    told: int
    is_told: bool
    def __init__(self, through_seal: _Optional[int] = ..., made_unix_ms: _Optional[int] = ..., to_unix_ms: _Optional[int] = ..., seal: _Optional[int] = ..., told: _Optional[int] = ..., is_told: _Optional[bool] = ...) -> None: ...

class ProveResponse(_message.Message):
    __slots__ = ("lines", "next", "error")
    LINES_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    lines: _containers.RepeatedScalarFieldContainer[str]
    next: ProofPlace
    error: str
    def __init__(self, lines: _Optional[_Iterable[str]] = ..., next: _Optional[_Union[ProofPlace, _Mapping]] = ..., error: _Optional[str] = ...) -> None: ...

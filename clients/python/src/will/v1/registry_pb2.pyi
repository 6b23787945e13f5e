from will.v1 import policy_pb2 as _policy_pb2
from will.v1 import task_pb2 as _task_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DocumentFile(_message.Message):
    __slots__ = ("path", "text")
    PATH_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    path: str
    text: str
    def __init__(self, path: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class ApplyRequest(_message.Message):
    __slots__ = ("files", "prune", "author", "note", "dry_run", "force", "allow_loosening", "wait_ms", "files_payload")
    FILES_FIELD_NUMBER: _ClassVar[int]
    PRUNE_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    ALLOW_LOOSENING_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    FILES_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[DocumentFile]
    prune: bool
    author: str
    note: str
    dry_run: bool
    force: bool
    allow_loosening: bool
    wait_ms: int
    files_payload: _task_pb2.PayloadRef
    def __init__(self, files: _Optional[_Iterable[_Union[DocumentFile, _Mapping]]] = ..., prune: _Optional[bool] = ..., author: _Optional[str] = ..., note: _Optional[str] = ..., dry_run: _Optional[bool] = ..., force: _Optional[bool] = ..., allow_loosening: _Optional[bool] = ..., wait_ms: _Optional[int] = ..., files_payload: _Optional[_Union[_task_pb2.PayloadRef, _Mapping]] = ...) -> None: ...

class ApplyFiles(_message.Message):
    __slots__ = ("files",)
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[DocumentFile]
    def __init__(self, files: _Optional[_Iterable[_Union[DocumentFile, _Mapping]]] = ...) -> None: ...

class Problem(_message.Message):
    __slots__ = ("path", "line", "field", "message")
    PATH_FIELD_NUMBER: _ClassVar[int]
    LINE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    path: str
    line: int
    field: str
    message: str
    def __init__(self, path: _Optional[str] = ..., line: _Optional[int] = ..., field: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Change(_message.Message):
    __slots__ = ("kind", "slug", "action")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    kind: str
    slug: str
    action: str
    def __init__(self, kind: _Optional[str] = ..., slug: _Optional[str] = ..., action: _Optional[str] = ...) -> None: ...

class ApplyResponse(_message.Message):
    __slots__ = ("revision", "changes", "problems", "warnings", "lagging", "decision_changes", "decisions_note", "loosenings", "looser_decisions", "looser_note", "laggards")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    PROBLEMS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    LAGGING_FIELD_NUMBER: _ClassVar[int]
    DECISION_CHANGES_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_NOTE_FIELD_NUMBER: _ClassVar[int]
    LOOSENINGS_FIELD_NUMBER: _ClassVar[int]
    LOOSER_DECISIONS_FIELD_NUMBER: _ClassVar[int]
    LOOSER_NOTE_FIELD_NUMBER: _ClassVar[int]
    LAGGARDS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    changes: _containers.RepeatedCompositeFieldContainer[Change]
    problems: _containers.RepeatedCompositeFieldContainer[Problem]
    warnings: _containers.RepeatedScalarFieldContainer[str]
    lagging: _containers.RepeatedScalarFieldContainer[str]
    decision_changes: _containers.RepeatedCompositeFieldContainer[DecisionChange]
    decisions_note: str
    loosenings: _containers.RepeatedCompositeFieldContainer[Loosening]
    looser_decisions: _containers.RepeatedCompositeFieldContainer[LooserDecision]
    looser_note: str
    laggards: _containers.RepeatedCompositeFieldContainer[Laggard]
    def __init__(self, revision: _Optional[int] = ..., changes: _Optional[_Iterable[_Union[Change, _Mapping]]] = ..., problems: _Optional[_Iterable[_Union[Problem, _Mapping]]] = ..., warnings: _Optional[_Iterable[str]] = ..., lagging: _Optional[_Iterable[str]] = ..., decision_changes: _Optional[_Iterable[_Union[DecisionChange, _Mapping]]] = ..., decisions_note: _Optional[str] = ..., loosenings: _Optional[_Iterable[_Union[Loosening, _Mapping]]] = ..., looser_decisions: _Optional[_Iterable[_Union[LooserDecision, _Mapping]]] = ..., looser_note: _Optional[str] = ..., laggards: _Optional[_Iterable[_Union[Laggard, _Mapping]]] = ...) -> None: ...

class Loosening(_message.Message):
    __slots__ = ("kind", "slug", "field", "words")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    slug: str
    field: str
    words: str
    def __init__(self, kind: _Optional[str] = ..., slug: _Optional[str] = ..., field: _Optional[str] = ..., words: _Optional[str] = ...) -> None: ...

class LooserDecision(_message.Message):
    __slots__ = ("facts", "decisions", "models", "words")
    FACTS_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    facts: _policy_pb2.Facts
    decisions: int
    models: _containers.RepeatedCompositeFieldContainer[AdmittedModel]
    words: str
    def __init__(self, facts: _Optional[_Union[_policy_pb2.Facts, _Mapping]] = ..., decisions: _Optional[int] = ..., models: _Optional[_Iterable[_Union[AdmittedModel, _Mapping]]] = ..., words: _Optional[str] = ...) -> None: ...

class AdmittedModel(_message.Message):
    __slots__ = ("model", "rules")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    RULES_FIELD_NUMBER: _ClassVar[int]
    model: str
    rules: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, model: _Optional[str] = ..., rules: _Optional[_Iterable[str]] = ...) -> None: ...

class Laggard(_message.Message):
    __slots__ = ("process_id", "service", "revision", "old_rules_until_unix_ms", "is_silent")
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    OLD_RULES_UNTIL_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    IS_SILENT_FIELD_NUMBER: _ClassVar[int]
    process_id: str
    service: str
    revision: int
    old_rules_until_unix_ms: int
    is_silent: bool
    def __init__(self, process_id: _Optional[str] = ..., service: _Optional[str] = ..., revision: _Optional[int] = ..., old_rules_until_unix_ms: _Optional[int] = ..., is_silent: _Optional[bool] = ...) -> None: ...

class DecisionChange(_message.Message):
    __slots__ = ("facts", "decisions", "before", "after", "words")
    FACTS_FIELD_NUMBER: _ClassVar[int]
    DECISIONS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    WORDS_FIELD_NUMBER: _ClassVar[int]
    facts: _policy_pb2.Facts
    decisions: int
    before: _containers.RepeatedScalarFieldContainer[str]
    after: _containers.RepeatedScalarFieldContainer[str]
    words: str
    def __init__(self, facts: _Optional[_Union[_policy_pb2.Facts, _Mapping]] = ..., decisions: _Optional[int] = ..., before: _Optional[_Iterable[str]] = ..., after: _Optional[_Iterable[str]] = ..., words: _Optional[str] = ...) -> None: ...

class RollbackRequest(_message.Message):
    __slots__ = ("revision", "note", "author", "dry_run", "force", "allow_loosening", "wait_ms")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    ALLOW_LOOSENING_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    note: str
    author: str
    dry_run: bool
    force: bool
    allow_loosening: bool
    wait_ms: int
    def __init__(self, revision: _Optional[int] = ..., note: _Optional[str] = ..., author: _Optional[str] = ..., dry_run: _Optional[bool] = ..., force: _Optional[bool] = ..., allow_loosening: _Optional[bool] = ..., wait_ms: _Optional[int] = ...) -> None: ...

class HistoryRequest(_message.Message):
    __slots__ = ("kind", "slug", "before")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    kind: str
    slug: str
    before: int
    def __init__(self, kind: _Optional[str] = ..., slug: _Optional[str] = ..., before: _Optional[int] = ...) -> None: ...

class Version(_message.Message):
    __slots__ = ("revision", "author", "note", "at_unix_ms", "action", "fields", "changes")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    revision: int
    author: str
    note: str
    at_unix_ms: int
    action: str
    fields: _containers.RepeatedScalarFieldContainer[str]
    changes: int
    def __init__(self, revision: _Optional[int] = ..., author: _Optional[str] = ..., note: _Optional[str] = ..., at_unix_ms: _Optional[int] = ..., action: _Optional[str] = ..., fields: _Optional[_Iterable[str]] = ..., changes: _Optional[int] = ...) -> None: ...

class HistoryResponse(_message.Message):
    __slots__ = ("versions", "error", "next")
    VERSIONS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    versions: _containers.RepeatedCompositeFieldContainer[Version]
    error: str
    next: int
    def __init__(self, versions: _Optional[_Iterable[_Union[Version, _Mapping]]] = ..., error: _Optional[str] = ..., next: _Optional[int] = ...) -> None: ...

class DiffRequest(_message.Message):
    __slots__ = ("kind", "slug", "to", "after")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    kind: str
    slug: str
    to: int
    after: int
    def __init__(self, kind: _Optional[str] = ..., slug: _Optional[str] = ..., to: _Optional[int] = ..., after: _Optional[int] = ..., **kwargs) -> None: ...

class FieldChange(_message.Message):
    __slots__ = ("kind", "slug", "action", "field", "before", "after")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    kind: str
    slug: str
    action: str
    field: str
    before: str
    after: str
    def __init__(self, kind: _Optional[str] = ..., slug: _Optional[str] = ..., action: _Optional[str] = ..., field: _Optional[str] = ..., before: _Optional[str] = ..., after: _Optional[str] = ...) -> None: ...

class DiffResponse(_message.Message):
    __slots__ = ("to", "changes", "error", "next")
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    to: int
    changes: _containers.RepeatedCompositeFieldContainer[FieldChange]
    error: str
    next: int
    def __init__(self, to: _Optional[int] = ..., changes: _Optional[_Iterable[_Union[FieldChange, _Mapping]]] = ..., error: _Optional[str] = ..., next: _Optional[int] = ..., **kwargs) -> None: ...

class GetRequest(_message.Message):
    __slots__ = ("kind", "slug", "after", "revision")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    kind: str
    slug: str
    after: str
    revision: int
    def __init__(self, kind: _Optional[str] = ..., slug: _Optional[str] = ..., after: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class Document(_message.Message):
    __slots__ = ("kind", "slug", "name", "revision", "json", "author", "updated_unix_ms")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    JSON_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    UPDATED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    slug: str
    name: str
    revision: int
    json: bytes
    author: str
    updated_unix_ms: int
    def __init__(self, kind: _Optional[str] = ..., slug: _Optional[str] = ..., name: _Optional[str] = ..., revision: _Optional[int] = ..., json: _Optional[bytes] = ..., author: _Optional[str] = ..., updated_unix_ms: _Optional[int] = ...) -> None: ...

class GetResponse(_message.Message):
    __slots__ = ("revision", "documents", "error", "next")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    revision: int
    documents: _containers.RepeatedCompositeFieldContainer[Document]
    error: str
    next: str
    def __init__(self, revision: _Optional[int] = ..., documents: _Optional[_Iterable[_Union[Document, _Mapping]]] = ..., error: _Optional[str] = ..., next: _Optional[str] = ...) -> None: ...

class StatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class StatusResponse(_message.Message):
    __slots__ = ("revision", "published_revision", "incarnation", "counts", "processes", "error", "lagging", "warnings")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_REVISION_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    PROCESSES_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    LAGGING_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    published_revision: int
    incarnation: str
    counts: _containers.RepeatedCompositeFieldContainer[KindCount]
    processes: _containers.RepeatedCompositeFieldContainer[Presence]
    error: str
    lagging: _containers.RepeatedScalarFieldContainer[str]
    warnings: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, revision: _Optional[int] = ..., published_revision: _Optional[int] = ..., incarnation: _Optional[str] = ..., counts: _Optional[_Iterable[_Union[KindCount, _Mapping]]] = ..., processes: _Optional[_Iterable[_Union[Presence, _Mapping]]] = ..., error: _Optional[str] = ..., lagging: _Optional[_Iterable[str]] = ..., warnings: _Optional[_Iterable[str]] = ...) -> None: ...

class KindCount(_message.Message):
    __slots__ = ("kind", "count")
    KIND_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    kind: str
    count: int
    def __init__(self, kind: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class ManifestEntry(_message.Message):
    __slots__ = ("kind", "slug", "key")
    KIND_FIELD_NUMBER: _ClassVar[int]
    SLUG_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    kind: str
    slug: str
    key: str
    def __init__(self, kind: _Optional[str] = ..., slug: _Optional[str] = ..., key: _Optional[str] = ...) -> None: ...

class Manifest(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[ManifestEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[ManifestEntry, _Mapping]]] = ...) -> None: ...

class SnapshotHead(_message.Message):
    __slots__ = ("revision", "incarnation", "manifest_key", "written_unix_ms")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    MANIFEST_KEY_FIELD_NUMBER: _ClassVar[int]
    WRITTEN_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    incarnation: str
    manifest_key: str
    written_unix_ms: int
    def __init__(self, revision: _Optional[int] = ..., incarnation: _Optional[str] = ..., manifest_key: _Optional[str] = ..., written_unix_ms: _Optional[int] = ...) -> None: ...

class Presence(_message.Message):
    __slots__ = ("process_id", "service", "revision", "started_unix_ms", "models", "metrics_url", "clock_bound_ms", "providers", "model_changes")
    PROCESS_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    STARTED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    METRICS_URL_FIELD_NUMBER: _ClassVar[int]
    CLOCK_BOUND_MS_FIELD_NUMBER: _ClassVar[int]
    PROVIDERS_FIELD_NUMBER: _ClassVar[int]
    MODEL_CHANGES_FIELD_NUMBER: _ClassVar[int]
    process_id: str
    service: str
    revision: int
    started_unix_ms: int
    models: _containers.RepeatedCompositeFieldContainer[ServedModel]
    metrics_url: str
    clock_bound_ms: int
    providers: _containers.RepeatedScalarFieldContainer[str]
    model_changes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, process_id: _Optional[str] = ..., service: _Optional[str] = ..., revision: _Optional[int] = ..., started_unix_ms: _Optional[int] = ..., models: _Optional[_Iterable[_Union[ServedModel, _Mapping]]] = ..., metrics_url: _Optional[str] = ..., clock_bound_ms: _Optional[int] = ..., providers: _Optional[_Iterable[str]] = ..., model_changes: _Optional[_Iterable[str]] = ...) -> None: ...

class ServedModel(_message.Message):
    __slots__ = ("model", "capacity", "in_flight", "reason", "cooling_until_unix_ms", "cooling_reason")
    MODEL_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    COOLING_UNTIL_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    COOLING_REASON_FIELD_NUMBER: _ClassVar[int]
    model: str
    capacity: int
    in_flight: int
    reason: str
    cooling_until_unix_ms: int
    cooling_reason: str
    def __init__(self, model: _Optional[str] = ..., capacity: _Optional[int] = ..., in_flight: _Optional[int] = ..., reason: _Optional[str] = ..., cooling_until_unix_ms: _Optional[int] = ..., cooling_reason: _Optional[str] = ...) -> None: ...

class ResolveRequest(_message.Message):
    __slots__ = ("kind", "name")
    KIND_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    kind: str
    name: str
    def __init__(self, kind: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class ResolveResponse(_message.Message):
    __slots__ = ("slug", "client", "nearest", "error", "removed_slug")
    SLUG_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    NEAREST_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REMOVED_SLUG_FIELD_NUMBER: _ClassVar[int]
    slug: str
    client: str
    nearest: _containers.RepeatedScalarFieldContainer[str]
    error: str
    removed_slug: str
    def __init__(self, slug: _Optional[str] = ..., client: _Optional[str] = ..., nearest: _Optional[_Iterable[str]] = ..., error: _Optional[str] = ..., removed_slug: _Optional[str] = ...) -> None: ...

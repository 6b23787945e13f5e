export { keptAuditEnd, type AuditEnd, type KeptAuditEnd } from './events/audit-head.ts';
export { auditNotes, type AuditNotes } from './events/audit-notes.ts';
export type { AuditWords } from './access/refusals.ts';
export { noteInAuditLog } from './events/audit-note.ts';
export * from './api.ts';
export { ContentOutbox, readContents, type SaidContent } from './content/contents.ts';
export { connectBus, type ConnectOptions } from './connection/connect.ts';
export {
  openCounters,
  type Added,
  type CounterKind,
  type CounterName,
  type Counters,
  type Increment,
} from './state/counters.ts';
export { cooldownsOf, openCooldowns, OvertakenError, type Cooldowns, type CooldownBucket } from './state/cooldowns.ts';
export { sessionSecret } from './state/session-secret.ts';
export { openAlerts, type AlertBucket, type KeptAlert } from './state/alerts.ts';
export { openSessions, type SessionsView } from './state/sessions.ts';
export { followKeys, openKeyBucket, type KeyBucket, type KeysView } from './state/keys.ts';
export {
  endOfKey,
  type FindKey,
  holdsStill,
  identityOf,
  type KeyIdentity,
  recognise,
  type Recognised,
} from './state/keyring.ts';
export { findWork, type Holder, whoHas, type Whereabouts } from './liveness/find-work.ts';
export {
  answerForRouters,
  answerInFlight,
  askAfterMs,
  heartbeat,
  heartbeatMs,
  LivenessMonitor,
  type Loss,
  type Work,
} from './liveness/liveness.ts';
export { serverTouch } from './connection/server-touch.ts';
export { LoopWatch } from './liveness/loop-watch.ts';
export { Outbox, type OutboxOptions } from './events/outbox.ts';
export {
  announce,
  watchProcesses,
  type Announcing,
  type PresenceFacts,
  type ProcessesView,
  type ServedModelFacts,
} from './liveness/presence.ts';
export type { BusTlsFiles } from './connection/tls.ts';
export { followServerClock, type ServerClock } from './connection/server-clock.ts';
export { followCalls } from './events/recent-events.ts';
export { ensureStreams } from './events/streams.ts';
export {
  openSnapshotPublisher,
  type PublishedDocument,
  type SnapshotPublisher,
} from './snapshot/snapshot-publisher.ts';
export { followSnapshot, type FollowOptions, type SnapshotView } from './snapshot/snapshot-reader.ts';
export { openPayloads, PayloadError, type Payloads } from './content/payloads.ts';
export { isAllowed, type PermissionTest, permissionTestsFor, permittedOf } from './access/confined.ts';
export {
  busServices,
  busUsers,
  newBusUser,
  operatorPermissions,
  permissionsOf,
  permissionsOfClient,
  permissionsOfUser,
  publicKeyOf,
  type BusPermissions,
  type BusService,
  type BusUser,
} from './access/users.ts';

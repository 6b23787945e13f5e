export { keptAuditEnd, type AuditEnd, type KeptAuditEnd } from './audit-head.ts';
export { auditNotes, type AuditNotes } from './audit-notes.ts';
export type { AuditWords } from './refusals.ts';
export * from './api.ts';
export { ContentOutbox, readContents, type SaidContent } from './contents.ts';
export { connectBus, type ConnectOptions } from './connect.ts';
export {
  openCounters,
  type Added,
  type CounterKind,
  type CounterName,
  type Counters,
  type Increment,
} from './counters.ts';
export { cooldownsOf, openCooldowns, OvertakenError, type Cooldowns, type CooldownBucket } from './cooldowns.ts';
export { followKeys, openKeyBucket, type KeyBucket, type KeysView } from './keys.ts';
export {
  endOfKey,
  type FindKey,
  holdsStill,
  identityOf,
  type KeyIdentity,
  recognise,
  type Recognised,
} from './keyring.ts';
export { answerInFlight, heartbeat, heartbeatMs, LivenessMonitor, type Work } from './liveness.ts';
export { serverTouch } from './server-touch.ts';
export { LoopWatch } from './loop-watch.ts';
export { Outbox, type OutboxOptions } from './outbox.ts';
export {
  announce,
  watchProcesses,
  type Announcing,
  type PresenceFacts,
  type ProcessesView,
  type ServedModelFacts,
} from './presence.ts';
export type { BusTlsFiles } from './tls.ts';
export { followServerClock, type ServerClock } from './server-clock.ts';
export { followCalls } from './recent-events.ts';
export { ensureStreams } from './streams.ts';
export { openSnapshotPublisher, type PublishedDocument, type SnapshotPublisher } from './snapshot-publisher.ts';
export { followSnapshot, type FollowOptions, type SnapshotView } from './snapshot-reader.ts';
export { openPayloads, PayloadError, type Payloads } from './payloads.ts';
export { isAllowed, type PermissionTest, permissionTestsFor, permittedOf } from './confined.ts';
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
} from './users.ts';

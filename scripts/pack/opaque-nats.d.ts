// In place of NATS's own declarations, which do not hold under `exactOptionalPropertyTypes`: programs that install our
// packages get a bus from them and do not look inside.
export type NatsConnection = object;
export type Subscription = object;
export type TlsOptions = object;

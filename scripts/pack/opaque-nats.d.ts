// In place of NATS's own declarations, which do not hold under `exactOptionalPropertyTypes`: the one that installs our
// packages gets a bus from them and looks not inside.
export type NatsConnection = object;
export type Subscription = object;
export type TlsOptions = object;

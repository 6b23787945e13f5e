import type { ServiceName } from './order.ts';

export type Environment = Readonly<Record<string, string>>;

/** What a service may see of our environment besides its settings: no keys, except for the one that calls providers. */
const harmless =
  /^(PATH|HOME|TMPDIR|TMP|TEMP|TZ|LANG|LC_\w+|USER|SYSTEMROOT|NODE_EXTRA_CA_CERTS|SSL_CERT_\w+|WILL_\w+|OTEL_\w+)$/;

const storing: ReadonlySet<ServiceName | 'nats-server'> = new Set(['registry', 'telemetry', 'tasks']);

/** What a process below us sees of our own environment. */
export function inherited(name: ServiceName | 'nats-server', env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const isSeen = (key: string): boolean =>
    // It holds a password.
    key === 'WILL_MONGODB_URI' ? storing.has(name) : name === 'provider-worker' || harmless.test(key);
  return Object.fromEntries(Object.entries(env).filter(([key]) => isSeen(key)));
}

import { expect, test } from 'vitest';
import { inherited } from './environment.ts';
import type { ServiceName } from './order.ts';

const env = {
  PATH: '/bin',
  WILL_KEYS: 'required',
  WILL_MONGODB_URI: 'mongodb://user:password@host',
  OPENAI_API_KEY: 'sk-secret',
  AWS_SECRET_ACCESS_KEY: 'secret',
};

test.each<[ServiceName | 'nats-server', string[]]>([
  ['provider-worker', ['AWS_SECRET_ACCESS_KEY', 'OPENAI_API_KEY', 'PATH', 'WILL_KEYS']],
  ['registry', ['PATH', 'WILL_KEYS', 'WILL_MONGODB_URI']],
  ['telemetry', ['PATH', 'WILL_KEYS', 'WILL_MONGODB_URI']],
  ['tasks', ['PATH', 'WILL_KEYS', 'WILL_MONGODB_URI']],
  ['router', ['PATH', 'WILL_KEYS']],
  ['policy', ['PATH', 'WILL_KEYS']],
  ['gateway', ['PATH', 'WILL_KEYS']],
  ['nats-server', ['PATH', 'WILL_KEYS']],
])('%s sees no secret that it does not need', (name, seen) => {
  expect(Object.keys(inherited(name, env)).sort()).toEqual(seen);
});

import { describe, expect, test } from 'vitest';
import { testKeys } from '../../testing/test-keys.ts';
import { accessTo, grpcAccess, httpAccess } from './access.ts';
import { keyGuard, openGuard } from './guard.ts';
import { identity } from './identity.ts';

const from = (remoteAddress: string | undefined, headersDistinct = {}) => ({
  headersDistinct,
  socket: { remoteAddress },
});

describe('without keys', () => {
  test('everybody may do everything, in nobody’s name', () => {
    expect(openGuard.isOpen).toBe(true);
    expect(openGuard.check('GET /v1/models', [], {})).toBeUndefined();
    expect(openGuard.enter('GET /v1/models', [], {}, () => [identity()])).toEqual([undefined]);
  });

  test.each([
    ['127.0.0.1', true],
    ['::1', true],
    ['::ffff:127.0.0.1', true],
    ['::ffff:10.0.0.1', false],
    ['10.0.0.1', false],
    ['fe80::ffff:127.0.0.1', false],
    [undefined, false],
  ])('who asks from %s is an operator: %s', (address, isOne) => {
    expect(openGuard.isOperator(from(address))).toBe(isOne);
  });
});

describe('a key', () => {
  const keys = testKeys();
  const { guard } = keys;
  const who = (headers: Record<string, unknown>) => guard.check('GET /v1/tasks', ['caller'], headers)?.client;

  test('is read from each header, in any case and spacing, and from several lines that say the same', async () => {
    const key = await keys.give('acme', 'caller');
    for (const value of [
      key,
      ` ${key} `,
      `Bearer ${key}`,
      `  bearer   ${key}  `,
      `BEARER\t${key}`,
      [`Bearer ${key}`, key],
      `${key},${key}`,
      ['Bearer', key],
      `, ${key}`,
    ])
      for (const name of ['authorization', 'x-api-key', 'x-goog-api-key']) expect(who({ [name]: value })).toBe('acme');
    expect(() => who({ authorization: `Basic bearer ${key}` })).toThrow('not valid');
    expect(() => who({ authorization: `bearer${key}` })).toThrow('not valid');
  });

  test('names its owner in what is done by it, and notes what is refused there', async () => {
    const key = await keys.give('acme', 'caller');
    const headers = { authorization: `Bearer ${key}` };
    const seen = guard.enter('GET /v1/tasks', ['caller'], headers, () => identity());
    expect(seen).toMatchObject({ client: 'acme', role: 'caller' });
    seen?.refused('not yours');
    const keyId = key.split('-')[2];
    expect(keys.refused.at(-1)).toEqual({ keyId, what: 'GET /v1/tasks', why: 'not yours' });
    expect(guard.enter('GET /healthz', 'anybody', headers, () => [identity()])).toEqual([undefined]);
    expect(guard.isOpen).toBe(false);
  });

  test('that is missing is noted without an id', () => {
    expect(() => who({})).toThrow(expect.objectContaining({ name: 'GuardError', code: 'unauthenticated' }));
    expect(keys.refused.at(-1)).toEqual({ keyId: '', what: 'GET /v1/tasks', why: 'no key' });
  });

  test('of a role that may not do it is refused, with the roles that may', async () => {
    const auditor = await keys.give('ops', 'auditor');
    expect(() => who({ 'x-api-key': auditor })).toThrow(
      'a key of role auditor may not do GET /v1/tasks; one of caller may',
    );
    expect(keys.refused.at(-1)).toMatchObject({ why: 'role auditor' });
  });

  test('tells details to an operator or auditor with one key, and to no caller', async () => {
    const isOperator = (headers: object) => guard.isOperator(from('127.0.0.1', headers));
    const operator = await keys.give('ops', 'operator');
    const other = await keys.give('ops', 'operator');
    expect(isOperator({ authorization: [`Bearer ${operator}`] })).toBe(true);
    expect(isOperator({ 'x-api-key': [await keys.give('ops', 'auditor')] })).toBe(true);
    expect(isOperator({ authorization: [operator, other] })).toBe(false);
    expect(isOperator({ authorization: [await keys.give('acme', 'caller')] })).toBe(false);
    expect(isOperator({})).toBe(false);
  });
});

test('while keys or documents are not known nobody is let in, and nobody is said to be wrong', async () => {
  const keys = testKeys();
  const key = await keys.give('acme', 'operator');
  const headers = { authorization: key };
  const refused: unknown[] = [];
  const options = { nowMs: () => keys.nowMs, onRefused: (one: object) => void refused.push(one) };
  const withoutKeys = keyGuard({ ...options, find: () => undefined, isKnownClient: () => true });
  const record = { find: () => () => undefined, isKnownClient: () => undefined };
  expect(() => withoutKeys.check('GET /v1/models', ['operator'], headers)).toThrow(
    expect.objectContaining({ code: 'unavailable' }),
  );
  expect(withoutKeys.isOperator(from('127.0.0.1', headers))).toBe(false);
  expect(() => keyGuard({ ...options, ...record }).check('x', ['operator'], headers)).toThrow('not valid');
  expect(refused).toHaveLength(1);
});

test('of what is read, operators and auditors see documents; callers ask for tasks; details need a key', () => {
  expect(accessTo(httpAccess, 'POST /v1/chat/completions')).toEqual(['caller']);
  expect(accessTo(httpAccess, 'GET /v1/models')).toEqual(['caller', 'operator', 'auditor']);
  expect(accessTo(httpAccess, 'GET /healthz')).toBe('anybody');
  expect(accessTo(grpcAccess, 'will.v1.RegistryService/Get')).toEqual(['operator', 'auditor']);
  for (const method of ['Check', 'List', 'Watch'])
    expect(accessTo(grpcAccess, `grpc.health.v1.Health/${method}`)).toBe('anybody');
});

import { expect, test } from 'vitest';
import { localOwner, maySee, scoped, type Viewer } from './viewer.ts';

const caller: Viewer = { ...localOwner, role: 'caller', client: 'acme', keyId: 'abc' };
const bound: Viewer = { ...caller, projects: ['site'] };

test('operators, auditors and owners ask of any client', () => {
  for (const role of ['operator', 'auditor', 'owner'] as const)
    expect(scoped({ ...caller, role }, { client: 'globex' }, false)).toEqual({ client: 'globex' });
});

test('a caller asks of its own client, also where it names none', () => {
  expect(scoped(caller, {}, false)).toEqual({ client: 'acme' });
  expect(scoped(caller, { client: 'acme', project: 'site' }, true)).toEqual({ client: 'acme', project: 'site' });
  expect(() => scoped(caller, { client: 'globex' }, true)).toThrow('client "globex" is not this key\'s, acme');
});

test('a key of projects asks of these alone, and of no figures of its whole client', () => {
  expect(scoped(bound, {}, true)).toEqual({ client: 'acme', project: 'site' });
  expect(() => scoped(bound, { project: 'other' }, true)).toThrow("must be one of this key's: site");
  expect(() => scoped({ ...bound, projects: ['site', 'app'] }, {}, true)).toThrow('must be one of');
  expect(() => scoped(bound, {}, false)).toThrow('whole client');
});

test('what belongs to another client or project is not seen', () => {
  expect(maySee(caller, { client: 'acme', project: 'any' })).toBe(true);
  expect(maySee(caller, { client: 'globex' })).toBe(false);
  expect(maySee(bound, { client: 'acme', project: 'other' })).toBe(false);
  expect(maySee(bound, { client: 'acme' })).toBe(false);
});

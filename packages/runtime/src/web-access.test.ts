import { expect, test } from 'vitest';
import { parseSettings } from './settings.ts';
import {
  isAllowedOrigin,
  noWebAccess,
  pathOfTarget,
  webAccessSettings,
  webRefusal,
  webRefusals,
} from './web-access.ts';

const access = { hosts: ['will.example'], origins: ['https://app.example'] };

/** Asked twice of a server that has let others in: what it knows of a host changes no answer. */
function asked(headers: Readonly<Record<string, string | string[]>>, url = '/', listensOn = '127.0.0.1') {
  const lines = Object.entries(headers).map(([name, value]) => [name, [value].flat()] as const);
  const request = {
    url,
    headers: Object.fromEntries(lines.map(([name, [first = '']]) => [name, first])),
    headersDistinct: Object.fromEntries(lines),
    rawHeaders: lines.flatMap(([name, values]) => values.flatMap((value) => [name.toUpperCase(), value])),
  };
  const refusalOf = webRefusals(listensOn, access);
  const local = { host: 'localhost' };
  refusalOf({ url: '/', headers: local, headersDistinct: { host: ['localhost'] }, rawHeaders: ['Host', 'localhost'] });
  const refusal = webRefusal(request, listensOn, access);
  expect([refusalOf(request), refusalOf(request)]).toEqual([refusal, refusal]);
  return refusal?.code;
}

test.each([
  'localhost',
  'LOCALHOST:8080',
  '127.0.0.1:8080',
  '127.8.0.1',
  '[::1]:80',
  'will.example',
  'Will.Example:8443',
])('a program that calls by host %s is served', (host) => expect(asked({ host })).toBeUndefined());

test.each([
  'evil.example',
  'localhost.evil.example',
  'evil.localhost',
  '127.0.0.1.nip.io',
  'x.will.example',
  'will.example.',
  'localhost@evil.example',
  '192.168.0.7',
  '[fe80::1]',
  '0.0.0.0',
  'localhost:8080:1',
  'localhost:x',
  '',
])('host %j is refused', (host) => expect(asked({ host })).toBe('host_not_allowed'));

test('a server for other machines answers to addresses, which DNS cannot redirect, and still not to foreign names', () => {
  expect(asked({ host: '10.0.0.7:8080' }, '/', '0.0.0.0')).toBeUndefined();
  expect(asked({ host: '[fd00::7]:8080' }, '/', '::')).toBeUndefined();
  expect(asked({ host: 'gateway.internal' }, '/', 'Gateway.internal')).toBeUndefined();
  expect(asked({ host: 'evil.example' }, '/', '0.0.0.0')).toBe('host_not_allowed');
});

test('two Host headers are refused, equal ones too', () => {
  expect(asked({ host: ['localhost', 'localhost'] })).toBe('host_not_allowed');
  expect(asked({ host: ['localhost', 'evil.example'] })).toBe('host_not_allowed');
});

test('a target in absolute form is checked by its host, beside the header', () => {
  expect(asked({ host: 'localhost' }, 'http://evil.example/v1/models')).toBe('host_not_allowed');
  expect(asked({ host: 'evil.example' }, 'http://localhost/v1/models')).toBe('host_not_allowed');
  expect(asked({ host: 'localhost' }, 'http://localhost:8080/v1/models')).toBeUndefined();
  expect(pathOfTarget('http://localhost:8080/v1/models?a=b')).toBe('/v1/models?a=b');
  expect(pathOfTarget('http://localhost?a=b')).toBe('/?a=b');
  expect(pathOfTarget('/v1/tasks?next=http://x/y')).toBe('/v1/tasks?next=http://x/y');
});

test('pages are refused, except of the configured origins', () => {
  const host = 'localhost';
  for (const origin of [
    'https://evil.example',
    'null',
    '',
    'http://localhost:3000',
    'https://app.example.evil',
    'https://APP.example',
  ])
    expect(asked({ host, origin })).toBe('origin_not_allowed');
  expect(asked({ host, origin: ['https://app.example', 'https://evil.example'] })).toBe('origin_not_allowed');
  expect(asked({ host, origin: 'https://app.example', 'sec-fetch-site': 'cross-site' })).toBeUndefined();
  expect(isAllowedOrigin('https://app.example', access)).toBe(true);
});

test('what a page makes a browser fetch without an origin (images, links, frames) is refused', () => {
  for (const site of ['cross-site', 'same-site', 'else'])
    expect(asked({ host: 'localhost', 'sec-fetch-site': site })).toBe('origin_not_allowed');
  for (const site of ['none', 'same-origin'])
    expect(asked({ host: 'localhost', 'sec-fetch-site': site })).toBeUndefined();
});

test('settings: exact names and origins, or an error that says what is allowed', () => {
  const read = (env: Record<string, string>) => parseSettings(env, webAccessSettings);
  expect(read({})).toEqual(noWebAccess);
  expect(read({ WILL_HTTP_HOSTS: 'Will.example, gw', WILL_CORS_ORIGINS: 'https://app.example:443/,app://-' })).toEqual({
    hosts: ['will.example', 'gw'],
    origins: ['https://app.example', 'app://-'],
  });
  expect(() => read({ WILL_HTTP_HOSTS: '*.example' })).toThrow(/"\*\.example" must be a host name/);
  expect(() => read({ WILL_HTTP_HOSTS: 'http://x' })).toThrow(/without scheme/);
  for (const origin of ['*', 'null', 'app.example', 'https://a/b', 'https://*.a', 'https://a@b'])
    expect(() => read({ WILL_CORS_ORIGINS: origin })).toThrow(/WILL_CORS_ORIGINS .* must be an origin/);
});

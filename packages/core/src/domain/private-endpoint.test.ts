import { expect, test } from 'vitest';
import { isBelow, isPrivateEndpoint } from './private-endpoint.ts';

test.each([
  'http://localhost',
  'HTTP://LOCALHOST:8080/v1',
  'https://127.0.0.1',
  'http://127.255.255.255:1',
  'http://10.0.0.1/v1',
  'http://172.16.0.1',
  'http://172.31.255.255',
  'http://192.168.0.1',
  'ws://10.0.0.1',
  'wss://10.0.0.1',
  'http://[::1]:80',
  'http://[fc00::1]',
  'http://[fdff:1::1]',
  'http://[fc00:fd00:ec2::1]',
  'unix:///run/m.sock',
  'unix:/run/m.sock',
])('%s is private', (endpoint) => {
  expect(isPrivateEndpoint(endpoint)).toBe(true);
});

test.each([
  'http://example.com',
  'http://localhost.example.com',
  'http://8.8.8.8',
  'http://126.0.0.1',
  'http://11.0.0.1',
  'http://172.15.0.1',
  'http://172.32.0.1',
  'http://192.167.0.1',
  'http://193.168.0.1',
  'http://169.254.169.254',
  'http://10.0.0',
  'http://10.0.0.1.2',
  'http://10.0.0.256',
  'http://10.0.0.01',
  'http://10.0.0.x',
  'http://0.0.0.0',
  'http://[::ffff:10.0.0.1]',
  'http://[::]',
  'http://[::fd00]',
  'http://[fd00::10.0.0.1]',
  'http://[fd00:ec2::254]',
  'http://[fd00:0ec2::254]',
  'http://[fe80::1]',
  'http://[2001:db8::1]',
  'http://[fc0::1]',
  'http://user@10.0.0.1',
  String.raw`http://10.0.0.1\@example.com`,
  'http://10.0.0.1:123456',
  'http://10.0.0.1/ x',
  'xhttp://10.0.0.1',
  'ftp://10.0.0.1',
  'http://10.0.0.1?x',
  'unix:///a b',
  'unix:///a@b',
  'xunix:///a',
  'unix:a',
  '10.0.0.1',
  '',
])('%s is not private', (endpoint) => {
  expect(isPrivateEndpoint(endpoint)).toBe(false);
});

test('a name is private below a domain that an operator states, and only below it', () => {
  const domains = ['svc.cluster.local', 'corp'];
  expect(isPrivateEndpoint('http://vllm.models.SVC.cluster.local:80/v1', domains)).toBe(true);
  expect(isPrivateEndpoint('http://corp', domains)).toBe(true);
  expect(isPrivateEndpoint('http://xcorp', domains)).toBe(false);
  expect(isPrivateEndpoint('http://corp.example.com', domains)).toBe(false);
  expect([isBelow('a.b', ['b']), isBelow('b', ['b']), isBelow('ab', ['b']), isBelow('a', [])]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

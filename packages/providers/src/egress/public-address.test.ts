import { expect, test } from 'vitest';
import { isMetadataHost, isPublicAddress } from './public-address.ts';

test.each(['1.1.1.1', '8.8.8.8', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '2001:4860:4860::8888'])(
  '%s is public',
  (address) => expect(isPublicAddress(address)).toBe(true),
);

test.each([
  '0.0.0.0',
  '127.0.0.1',
  '127.9.9.9',
  '10.1.2.3',
  '172.16.0.1',
  '192.168.1.1',
  '169.254.169.254',
  '100.64.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  'fe80::1',
  'fe80::1%eth0',
  'fd00:ec2::254',
  'ff02::1',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '::ffff:1.1.1.1',
  '::127.0.0.1',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::1',
  '2001:0:53aa:64c::1',
  '2001:db8::1',
  'localhost',
  '0',
  '',
])('%s is not public', (address) => expect(isPublicAddress(address)).toBe(false));

test.each([
  '169.254.169.254',
  '169.254.170.2',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fe80::1',
  'fe80::1%eth0',
  'febf::1',
  'fd00:ec2::254',
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '::a9fe:a9fe',
  '64:ff9b::a9fe:a9fe',
  '2002:a9fe:a9fe::1',
  'metadata.google.internal',
  'METADATA.google.internal.',
])('%s is a metadata service, and neither private nor public', (host) => {
  expect(isMetadataHost(host)).toBe(true);
  expect(isPublicAddress(host)).toBe(false);
});

test.each(['127.0.0.1', '::1', '10.0.0.1', '192.168.1.7', 'fd00:ec3::1', '100.64.0.1', '8.8.8.8', 'localhost'])(
  '%s is none',
  (host) => expect(isMetadataHost(host)).toBe(false),
);

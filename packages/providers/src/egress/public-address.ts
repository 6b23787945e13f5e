import { BlockList, isIP } from 'node:net';

/** Everything that is not reachable for all: this machine, private and shared networks, link-local (metadata), tests, multicast. */
const notPublic = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const)
  notPublic.addSubnet(network, prefix, 'ipv4');

/** Where clouds give out a machine's credentials and configuration: link-local addresses, and others by vendor. */
const metadata = new BlockList();
for (const [network, prefix] of [
  ['169.254.0.0', 16],
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['192.0.0.192', 32],
] as const)
  metadata.addSubnet(network, prefix, 'ipv4');
for (const [network, prefix] of [
  ['fe80::', 10],
  ['fd00:ec2::', 32],
  // IPv4 link-local inside IPv6: compatible, NAT64, 6to4.
  ['::a9fe:0', 112],
  ['64:ff9b::a9fe:0', 112],
  ['2002:a9fe::', 32],
] as const)
  metadata.addSubnet(network, prefix, 'ipv6');
const metadataHosts: ReadonlySet<string> = new Set(['metadata.google.internal', 'metadata.goog', 'metadata']);

/** True of a host or address that belongs to a cloud's metadata service or is link-local: no model is ever there. */
export function isMetadataHost(host: string): boolean {
  const bare = host.toLowerCase().replace(/\.$/, '').replace(/%.*$/, '');
  const family = isIP(bare);
  return family === 0 ? metadataHosts.has(bare) : metadata.check(bare, family === 6 ? 'ipv6' : 'ipv4');
}

/** Only 2000::/3 is given out to the public. */
const givenOut = new BlockList();
givenOut.addSubnet('2000::', 3, 'ipv6');
/** Within it: addresses that carry another one inside (Teredo, 6to4), and documentation. */
for (const [network, prefix] of [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const)
  notPublic.addSubnet(network, prefix, 'ipv6');

/**
 * True of an address on the public internet. The opposite question to `isPrivateEndpoint` of the rules, and as strict
 * the other way: what is in doubt is not public, also IPv4 written as IPv6.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (isMetadataHost(address)) return false;
  if (family === 4) return !notPublic.check(address, 'ipv4');
  return family === 6 && givenOut.check(address, 'ipv6') && !notPublic.check(address, 'ipv6');
}

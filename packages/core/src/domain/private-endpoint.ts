const endpointPattern = /^(?:https?|wss?):\/\/(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d{1,5})?(?:\/[^\\@\s]*)?$/i;
const socketPattern = /^unix:\/{0,2}\/[^\\@\s]*$/i;

/** True of a host that is one of some domains or below one: `vllm.models.svc` is below `svc`. */
export const isBelow = (host: string, domains: readonly string[]): boolean =>
  domains.some((domain) => host === domain || host.endsWith(`.${domain}`));

/**
 * True of an address that is literally on this machine or a private network: `localhost`, a loopback, RFC 1918 or
 * unique-local address, or a Unix socket; or its name is below one of the domains that an operator states to be
 * private. Link-local addresses are not private: clouds serve their metadata there. Names are not looked up, so what a
 * name server says cannot make an address private; whatever does not read as a plain address is not private either.
 */
export function isPrivateEndpoint(endpoint: string, privateDomains: readonly string[] = []): boolean {
  if (socketPattern.test(endpoint)) return true;
  const host = endpointPattern.exec(endpoint)?.[1]?.toLowerCase();
  if (host === undefined) return false;
  if (host === 'localhost' || isBelow(host, privateDomains)) return true;
  return host.startsWith('[') ? isPrivateIpv6(host.slice(1, -1)) : isPrivateIpv4(host);
}

function isPrivateIpv4(host: string): boolean {
  const octets = host.split('.');
  if (octets.length !== 4 || !octets.every((octet) => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) <= 255))
    return false;
  const [first, second] = octets.map(Number) as [number, number];
  return (
    first === 127 ||
    first === 10 ||
    (first === 172 && second >= 16 && second <= 31) ||
    (first === 192 && second === 168)
  );
}

function isPrivateIpv6(host: string): boolean {
  if (host === '::1') return true;
  // Addresses that carry an IPv4 one inside are written in many ways; none of them is taken for private.
  if (host.includes('.')) return false;
  // fd00:ec2::254 gives out a cloud machine's credentials.
  return /^f[cd][0-9a-f]{2}:/.test(host) && !/^fd00:0?ec2:/.test(host);
}

/**
 * True of an address of content in a chat that may be given to a model: a `data:` URL with base64, or an `https:` URL
 * of a public host name. A model's server fetches such a URL from inside: it must not lead to a neighbour of that
 * server.
 */
export function isPublicOrInline(address: string): boolean {
  if (address.startsWith('data:')) return /^data:[a-z]+\/[a-z0-9.+-]+;base64,/i.test(address.slice(0, 128));
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username, password } = new URL(address);
  const isName = /^[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*\.?$/i.test(hostname);
  const isInside = /(^|\.)(localhost|local|internal|lan|home|corp)\.?$/i.test(hostname);
  return protocol === 'https:' && isName && !isInside && username === '' && password === '';
}

/** The demand of {@link isPublicOrInline}, for errors. */
export const publicOrInlineInWords = 'must be a data: URL with base64, or an https: URL of a public host name';

import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { TlsOptions } from '@nats-io/nats-core';
import { BusError } from '../api.ts';

/** Files, PEM: the authority that signed the server's certificate, and a certificate with its key that the server asks for. */
export interface BusTlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

const settingNames = { ca: 'WILL_NATS_TLS_CA', cert: 'WILL_NATS_TLS_CERT', key: 'WILL_NATS_TLS_KEY' } as const;

/**
 * Looks at the files before they are used, since a server tells nobody why it refuses. Reconnects read them again, so
 * that renewed ones are taken up. @throws {BusError} 'unsuitable' naming the file and what is wrong with it.
 */
export async function readTls(files: BusTlsFiles, nowMs: number): Promise<TlsOptions> {
  const ca = await certificateIn(files, 'ca');
  const cert = await certificateIn(files, 'cert');
  mustHoldNow(files.ca, ca, nowMs);
  mustHoldNow(files.cert, cert, nowMs);
  if (!cert.checkIssued(ca) || !cert.verify(ca.publicKey))
    throw new BusError('unsuitable', `${files.cert} was not signed by ${files.ca}: both must be of the same bus`);
  if (!cert.checkPrivateKey(await privateKeyIn(files)))
    throw new BusError('unsuitable', `${files.key} is not the key of the certificate ${files.cert}`);
  return { handshakeFirst: true, caFile: files.ca, certFile: files.cert, keyFile: files.key };
}

/** True where the server answered in the clear to who began with TLS. */
export const speaksNoTls = (cause: unknown): boolean =>
  isAny(cause, /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|is not available on this server/);

/** The advice where a server requires TLS and the connection states none. */
export const noTls = (servers: string): string =>
  `the bus at ${servers} speaks no TLS: unset ${Object.values(settingNames).join(', ')}, or give it TLS`;

/** The reason why TLS came to nothing, in words; undefined when something else did. */
export function tlsRefusal(cause: unknown, servers: string, hasTls: boolean): string | undefined {
  const is = (pattern: RegExp): boolean => isAny(cause, pattern);
  if (is(/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/)) return `the certificate of the bus at ${servers} does not hold now`;
  if (is(/ALTNAME_INVALID/)) return `the certificate of the bus at ${servers} is for other hosts`;
  if (is(/SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|CERT_SIGNATURE_FAILURE/))
    return hasTls
      ? `the certificate of the bus at ${servers} was not signed by the authority in ${settingNames.ca}`
      : wantsTls(servers);
  if (is(/^ERR_SSL_|ECONNRESET.*certificate/))
    return hasTls
      ? `the bus at ${servers} refused our certificate: ${settingNames.cert} must be signed by its authority and hold now`
      : wantsTls(servers);
  return undefined;
}

const wantsTls = (servers: string): string =>
  `the bus at ${servers} wants TLS: set ${Object.values(settingNames).join(', ')}`;

const isAny = (error: unknown, pattern: RegExp): boolean => codesOf(error).some((code) => pattern.test(code));

/** Codes and messages of an error and of what caused it. */
function codesOf(error: unknown): string[] {
  const found: string[] = [];
  for (let at = error; at instanceof Error && found.length < 20; at = at.cause)
    found.push((at as NodeJS.ErrnoException).code ?? '', at.message);
  return found;
}

async function certificateIn(files: BusTlsFiles, which: 'ca' | 'cert'): Promise<X509Certificate> {
  const text = await textIn(files, which);
  try {
    return new X509Certificate(text);
  } catch {
    throw new BusError('unsuitable', `${settingNames[which]} ${files[which]} must hold a certificate in PEM`);
  }
}

async function privateKeyIn(files: BusTlsFiles): Promise<ReturnType<typeof createPrivateKey>> {
  const text = await textIn(files, 'key');
  try {
    return createPrivateKey(text);
  } catch {
    // The cause may hold what the file does.
    throw new BusError('unsuitable', `${settingNames.key} ${files.key} must hold a private key in PEM`);
  }
}

async function textIn(files: BusTlsFiles, which: keyof BusTlsFiles): Promise<string> {
  try {
    return await readFile(files[which], 'utf8');
  } catch (error) {
    throw new BusError(
      'unsuitable',
      `${settingNames[which]} ${files[which]} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
    );
  }
}

function mustHoldNow(path: string, { validFromDate, validToDate }: X509Certificate, nowMs: number): void {
  if (validToDate.getTime() < nowMs)
    throw new BusError('unsuitable', `the certificate in ${path} expired on ${validToDate.toISOString()}`);
  if (validFromDate.getTime() > nowMs)
    throw new BusError('unsuitable', `the certificate in ${path} holds only from ${validFromDate.toISOString()} on`);
}

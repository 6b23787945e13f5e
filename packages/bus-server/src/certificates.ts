// The library's decorators want it before they are loaded.
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

/** A certificate and its private key, both PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Days that what is made here holds. */
export const authorityDays = 3_650;
/** Days that a certificate of a process holds. */
export const leafDays = 397;
/** Days before its end at which a certificate is made anew. */
export const renewDays = 30;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const dayMs = 86_400_000;
/** Clocks of two machines may differ. */
const clockSkewMs = 3_600_000;

/** An authority that signs the certificates of one bus and of nothing else. */
export async function newAuthority(nowMs: number, days: number = authorityDays): Promise<Certificate> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      name: [{ CN: ['Will bus authority'] }],
      keys,
      serialNumber: newSerial(),
      notBefore: new Date(nowMs - clockSkewMs),
      notAfter: new Date(nowMs + days * dayMs),
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto as Crypto),
      ],
    },
    webcrypto as Crypto,
  );
  return { cert: `${certificate.toString('pem')}\n`, key: await pemOf(keys.privateKey) };
}

/** A certificate of the nats-server, for the names and addresses that it is reached by. */
export const certificateOfServer = (
  authority: Certificate,
  hosts: readonly string[],
  nowMs: number,
  days: number = leafDays,
): Promise<Certificate> => signed(authority, 'nats-server', ExtendedKeyUsage.serverAuth, hosts, nowMs, days);

/** A certificate of somebody who connects. Which user it is, its nkey tells. */
export const certificateOfUser = (
  authority: Certificate,
  user: string,
  nowMs: number,
  days: number = leafDays,
): Promise<Certificate> => signed(authority, user, ExtendedKeyUsage.clientAuth, [], nowMs, days);

/** True where a certificate holds for some time yet, is signed by this authority, and names all these hosts. */
export async function isGood(
  pem: string,
  authorityPem: string,
  hosts: readonly string[],
  nowMs: number,
): Promise<boolean> {
  const certificate = new X509Certificate(pem);
  if (certificate.notAfter.getTime() - nowMs < renewDays * dayMs) return false;
  const { publicKey } = new X509Certificate(authorityPem);
  if (!(await certificate.verify({ publicKey, date: new Date(nowMs) }, webcrypto as Crypto))) return false;
  const named = certificate.getExtension(SubjectAlternativeNameExtension)?.names.toJSON() ?? [];
  return hosts.every((host) => named.some(({ value }) => value === host));
}

async function signed(
  authority: Certificate,
  name: string,
  usage: ExtendedKeyUsage,
  hosts: readonly string[],
  nowMs: number,
  days: number,
): Promise<Certificate> {
  const issuer = new X509Certificate(authority.cert);
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.create(
    {
      subject: [{ CN: [name] }],
      issuer: issuer.subjectName,
      publicKey: keys.publicKey,
      signingKey: await privateKeyOf(authority.key),
      serialNumber: newSerial(),
      // An expired one, which tests make, began before it ended.
      notBefore: new Date(Math.min(nowMs, nowMs + days * dayMs) - clockSkewMs),
      notAfter: new Date(Math.min(nowMs + days * dayMs, issuer.notAfter.getTime())),
      signingAlgorithm: algorithm,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage]),
        ...(hosts.length > 0 ? [new SubjectAlternativeNameExtension(hosts.map(generalName))] : []),
        await AuthorityKeyIdentifierExtension.create(issuer.publicKey, false, webcrypto as Crypto),
      ],
    },
    webcrypto as Crypto,
  );
  return { cert: `${certificate.toString('pem')}\n`, key: await pemOf(keys.privateKey) };
}

const address = /:|^\d+(\.\d+){3}$/;
const generalName = (host: string): JsonGeneralName => ({ type: address.test(host) ? 'ip' : 'dns', value: host });

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>;

/** 127 random bits: positive, and never used twice. */
function newSerial(): string {
  const bytes = Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)));
  bytes[0] = ((bytes[0] as number) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

const pemOf = async (key: CryptoKey): Promise<string> =>
  `${PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')}\n`;

const privateKeyOf = (pem: string): Promise<CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(pem), algorithm, false, ['sign']) as Promise<CryptoKey>;

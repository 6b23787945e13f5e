import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SettingsError } from '@will/runtime';

/** Signs reports. Its public half stands in the audit log, so that anyone who has the log can check a signature. */
export interface SigningKey {
  /** The 32 bytes of the public key, in base64. */
  readonly publicKey: string;
  /** In base64. */
  sign(data: Buffer): string;
}

/** Reads the Ed25519 key in a PEM file; makes one where there is none. @throws {SettingsError} it is something else */
export async function signingKeyAt(path: string): Promise<SigningKey> {
  const pem = (await readOrUndefined(path)) ?? (await makeKey(path));
  const key = keyIn(pem, path);
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  return {
    publicKey: Buffer.from(x, 'base64url').toString('base64'),
    sign: (data) => sign(null, data, key).toString('base64'),
  };
}

async function readOrUndefined(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new SettingsError(`WILL_PROOF_KEY_FILE ${path} cannot be read (${code})`);
  }
}

/** Of two processes that make one at once, the first wins and the second reads its file. */
async function makeKey(path: string): Promise<string> {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, pem, { mode: 0o600, flag: 'wx' });
    return pem;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return readFile(path, 'utf8');
    throw new SettingsError(`WILL_PROOF_KEY_FILE ${path} is not there and cannot be made (${code}); mount a key there`);
  }
}

function keyIn(pem: string, path: string): KeyObject {
  const needed = 'it must hold an Ed25519 private key as PEM: openssl genpkey -algorithm ed25519';
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType === 'ed25519') return key;
  } catch {
    throw new SettingsError(`WILL_PROOF_KEY_FILE ${path} holds no private key; ${needed}`);
  }
  throw new SettingsError(`WILL_PROOF_KEY_FILE ${path} holds a key of another kind; ${needed}`);
}

import type { KeyBucket } from '@will/bus';
import { create, keyIdPattern, keyRoles, wire } from '@will/contracts';
import {
  dataClasses,
  identityProblem,
  nearestInWords,
  nearestOf,
  slugNamed,
  slugPattern,
  type Snapshot,
  unavailableModels,
} from '@will/core';

/** A key cannot be made or revoked as it was asked; the message says why. */
export class KeyError extends Error {
  override readonly name = 'KeyError';
}

const maxNames = 64;
const maxNote = 200;

export interface KeysOptions {
  readonly bucket: KeyBucket;
  readonly nowMs: () => number;
  /** The documents in force: a key is made only for a client that has one. */
  readonly snapshot: () => Promise<Snapshot>;
}

/** Makes, shows and revokes keys. What a key's text is, it never learns: only its digest. */
export class Keys {
  readonly #options: KeysOptions;

  constructor(options: KeysOptions) {
    this.#options = options;
  }

  /** @throws {KeyError} */
  async create(asked: wire.Key | undefined): Promise<wire.Key> {
    const { bucket, nowMs, snapshot } = this.#options;
    const key = checked(named(await snapshot(), asked), nowMs());
    if (await bucket.get(key.id)) throw new KeyError(`there is a key ${key.id} already`);
    await bucket.add(key);
    return withoutDigest(key);
  }

  /** Oldest first, revoked ones too. */
  async list(): Promise<readonly wire.Key[]> {
    return (await this.#options.bucket.list()).map(withoutDigest);
  }

  /** A key that is revoked already stays as it is. @throws {KeyError} */
  async revoke(id: string): Promise<wire.Key> {
    const { bucket, nowMs } = this.#options;
    const key = keyIdPattern.test(id) ? await bucket.get(id) : undefined;
    if (!key) throw new KeyError(`there is no key ${JSON.stringify(id.slice(0, 40))}`);
    if (key.revokedUnixMs !== 0n) return withoutDigest(key);
    const revoked = { ...key, revokedUnixMs: BigInt(nowMs()) };
    await bucket.replace(revoked);
    return withoutDigest(revoked);
  }
}

/** As others may see it. */
const withoutDigest = (key: wire.Key): wire.Key => ({ ...key, digest: new Uint8Array() });

function checked(key: wire.Key | undefined, nowMs: number): wire.Key {
  if (!key || !keyIdPattern.test(key.id)) throw new KeyError(`id must match ${keyIdPattern.source}`);
  const { id, digest, client, role, projects, taskTypes, dataClass, unavailableModel, note, expiresUnixMs } = key;
  if (digest.length !== 32) throw new KeyError(`a digest of ${digest.length} bytes must have 32`);
  mustBeSlugs('client', [client]);
  mustBeSlugs('projects', projects);
  mustBeSlugs('task types', taskTypes);
  if (!keyRoles.some((known) => known === role)) throw new KeyError(wordError('role', role, keyRoles));
  if (dataClass !== '' && !dataClasses.some((known) => known === dataClass))
    throw new KeyError(wordError('data class', dataClass, dataClasses));
  if (unavailableModel !== '' && !unavailableModels.some((known) => known === unavailableModel))
    throw new KeyError(wordError('unavailable model', unavailableModel, unavailableModels));
  if (expiresUnixMs !== 0n && expiresUnixMs <= BigInt(nowMs)) throw new KeyError('the end of the key has passed');
  return create(wire.KeySchema, {
    id,
    digest,
    client,
    role,
    projects,
    taskTypes,
    dataClass,
    unavailableModel,
    note: note.slice(0, maxNote),
    expiresUnixMs,
    createdUnixMs: BigInt(nowMs),
  });
}

/** The key with slugs of client and projects, by whatever names they were said. @throws {KeyError} */
function named(snapshot: Snapshot, key: wire.Key | undefined): wire.Key | undefined {
  if (!key) return undefined;
  const client = slugNamed(snapshot, 'client', key.client);
  if (client === undefined) throw noSuch(snapshot, 'client', key.client);
  return { ...key, client, projects: key.projects.map((project) => projectOf(snapshot, client, project)) };
}

function projectOf(snapshot: Snapshot, client: string, said: string): string {
  const project = slugNamed(snapshot, 'project', said);
  if (project === undefined) throw noSuch(snapshot, 'project', said);
  const problem = identityProblem(snapshot, { client, project });
  if (problem) throw new KeyError(`${problem.detail}, ${client}`);
  return project;
}

function noSuch(snapshot: Snapshot, kind: 'client' | 'project', said: string): KeyError {
  const name = said.slice(0, 80);
  const near = nearestInWords(nearestOf(snapshot, kind, name));
  return new KeyError(`${JSON.stringify(name)} is no ${kind}${near}; apply a document for it first`);
}

const wordError = (what: string, value: string, allowed: readonly string[]): string =>
  `${what} ${JSON.stringify(value.slice(0, 40))} must be one of ${allowed.join(', ')}`;

function mustBeSlugs(what: string, values: readonly string[]): void {
  if (values.length > maxNames) throw new KeyError(`${values.length} ${what} are more than ${maxNames}`);
  const bad = values.find((value) => !slugPattern.test(value));
  if (bad !== undefined)
    throw new KeyError(`${what}: ${JSON.stringify(bad.slice(0, 80))} must match ${slugPattern.source}`);
}

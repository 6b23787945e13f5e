import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';

// Checks a report of `willm prove` offline. It needs Node and this file alone, so that anyone who gets a report can read and run it:
//   node verify-report.ts REPORT.jsonl AUDIT.jsonl [ANCHOR.jsonl]

export interface Verdict {
  /** Calls of the period. */
  readonly calls: number;
  /** Seals of which the client's records are gone: with the client, or by age. */
  readonly erased: number;
  readonly expired: number;
  /** Calls that started before this instant are covered. UTC milliseconds. */
  readonly sealedUntilMs: number;
  /** Seals that were made before the newest anchored end of the audit log. */
  readonly anchoredSeals: number;
  readonly seals: number;
}

interface Leaf {
  readonly key: string;
  readonly records: number;
  readonly root: string;
  readonly index: number;
  readonly path: readonly string[];
}
/** A seal as the audit log tells it. */
interface Seal {
  readonly number: number;
  readonly root: string;
  readonly clients: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly sequence: number;
}
/** A line of the report; by its kind it has only some of these. */
interface Line extends Omit<Seal, 'sequence'> {
  readonly kind: 'will.proof' | 'seal' | 'call' | 'end';
  readonly version: number;
  readonly client: string;
  readonly throughSeal: number;
  readonly state: 'kept' | 'erased' | 'expired' | 'absent';
  readonly salt: string;
  readonly leaf: Leaf;
  readonly before?: Leaf;
  readonly after?: Leaf;
  readonly seal: number;
  readonly record: { readonly client: string; readonly startedAtMs: number };
  readonly digest: string;
  readonly publicKey: string;
  readonly signature: string;
}
interface Entry {
  readonly sequence: number;
  readonly previous: string;
  readonly action: string;
  readonly object: string;
  readonly detail: string;
  readonly digest: string;
}

const sha = (...parts: readonly (string | Uint8Array)[]): Buffer =>
  parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest();
const hex = (...parts: readonly (string | Uint8Array)[]): string => sha(...parts).toString('hex');
const leafOf = (text: string): Buffer => sha(Uint8Array.of(0), text);
const nodeOf = (left: Uint8Array, right: Uint8Array): Buffer => sha(Uint8Array.of(1), left, right);
const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');
function need(holds: unknown, problem: string): asserts holds {
  if (!holds) throw new Error(problem);
}

/** @param anchorText ends of the audit log that were kept elsewhere, a JSON line each. @throws {Error} the first thing that is wrong */
export function verifyReport(reportText: string, auditText: string, anchorText = ''): Verdict {
  const texts = linesOf(reportText);
  const [head, ...lines] = texts.map((line) => JSON.parse(line) as Line);
  const end = lines.pop();
  need(head?.kind === 'will.proof' && end?.kind === 'end', 'the report has no beginning or no end');
  need(head.version === 1, `version ${head.version} of reports is not known here; 1 is`);
  const entries = chainIn(auditText);
  const anchored = anchorIn(anchorText, entries);
  verifySignature(texts.slice(0, -1), end, entries);
  const sealed = sealsIn(entries).slice(0, head.throughSeal);
  need(sealed.length > 0 && sealed.length === head.throughSeal, `the audit log does not know seal ${head.throughSeal}`);
  const { fromMs, toMs } = head;
  const seals = sealed.filter((seal) => seal.toMs > fromMs && seal.fromMs < toMs);
  const told = lines.filter(({ kind }) => kind === 'seal');
  const calls = Map.groupBy(
    lines.filter(({ kind }) => kind !== 'seal'),
    ({ seal }) => seal,
  );
  for (const [at, seal] of seals.entries()) {
    need(told[at]?.number === seal.number, `seal ${seal.number} is missing, or told twice or out of order`);
    verifySeal(told[at], calls.get(seal.number)?.map(({ record }) => record) ?? [], head.client, entries, seal);
  }
  const known = new Set(seals.map(({ number }) => number));
  for (const number of [...told.slice(seals.length).map((line) => line.number), ...calls.keys()])
    need(known.has(number) && told.length === seals.length, `seal ${number} does not belong into the report`);
  const ofPeriod = [...calls.values()].flat().filter(({ record: { startedAtMs: at } }) => at >= fromMs && at < toMs);
  return {
    calls: ofPeriod.length,
    erased: told.filter(({ state }) => state === 'erased').length,
    expired: told.filter(({ state }) => state === 'expired').length,
    sealedUntilMs: Math.max(...sealed.map((seal) => seal.toMs)),
    anchoredSeals: seals.filter(({ sequence }) => sequence <= anchored).length,
    seals: seals.length,
  };
}

/** Entries of the audit log, each bound to the one before. */
function chainIn(text: string): readonly Entry[] {
  let previous = '0'.repeat(64);
  return linesOf(text).map((line, index) => {
    const { digest, ...link } = JSON.parse(line) as Entry;
    const holds = link.sequence === index + 1 && link.previous === previous && hex(JSON.stringify(link)) === digest;
    need(holds, `the audit log is wrong at entry ${index + 1}`);
    previous = digest;
    return { ...link, digest };
  });
}

/** The newest end that was kept elsewhere; every end must stand in the log. @returns its sequence; 0: there is none */
function anchorIn(text: string, entries: readonly Entry[]): number {
  const ends = linesOf(text).map((line) => JSON.parse(line) as Entry);
  const other = ends.find(({ sequence, digest }) => entries[sequence - 1]?.digest !== digest);
  need(!other, `entry ${other?.sequence} of the audit log is another one than was anchored`);
  return Math.max(0, ...ends.map(({ sequence }) => Number(sequence)));
}

function verifySignature(told: readonly string[], end: Line, entries: readonly Entry[]): void {
  const { digest, publicKey, signature } = end;
  need(hex(told.map((line) => `${line}\n`).join('')) === digest, 'the report was changed after it was made');
  const isKnown = entries.some(({ action, object }) => action === 'proof.key' && object === publicKey);
  need(isKnown, `the audit log does not know the key ${publicKey}`);
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'base64').toString('base64url') };
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const isSigned = verify(null, Buffer.from(digest, 'hex'), key, Buffer.from(signature, 'base64'));
  need(isSigned, 'the signature is not of this report');
}

/** By number, from 1; one that stands there twice says the same twice. */
function sealsIn(entries: readonly Entry[]): readonly Seal[] {
  const seals: Seal[] = [];
  for (const { object, detail, sequence } of entries.filter(({ action }) => action === 'calls.sealed')) {
    const found = /^root=([0-9a-f]{64}) records=\d+ clients=(\d+) from=(\d+) to=(\d+)$/.exec(detail);
    need(found, `entry ${sequence} of the audit log is no seal`);
    const [, root = '', clients, fromMs, toMs] = found;
    const number = Number(object.slice('seal '.length));
    const present = seals[number - 1];
    need(!present || present.root === root, `seal ${number} stands in the audit log twice, with two roots`);
    need(present ?? number === seals.length + 1, `seal ${seals.length + 1} is missing in the audit log`);
    const seal = { number, root, clients: Number(clients), fromMs: Number(fromMs), toMs: Number(toMs), sequence };
    if (!present) seals.push(seal);
  }
  return seals;
}

/** That the client's records are those that were sealed, all of them and no other; or that there are none. */
function verifySeal(
  line: Line,
  records: readonly Line['record'][],
  client: string,
  entries: readonly Entry[],
  seal: Seal,
): void {
  const must = (holds: unknown, problem: string): void => need(holds, `seal ${seal.number}: ${problem}`);
  const isSame = (['root', 'clients', 'fromMs', 'toMs'] as const).every((field) => line[field] === seal[field]);
  must(isSame, 'it is not the one of the audit log');
  const key = hex(`will.seal\n${seal.number}\n${client}`);
  if (line.state !== 'kept') must(records.length === 0, `it is ${line.state}, and the report tells records of it`);
  if (line.state === 'absent') return must(isAbsent(key, line, seal), 'the client’s absence is not proved');
  const { leaf, salt, state } = line;
  must(leaf.key === key && isInTree(leaf, seal), 'the client’s leaf is not in the tree');
  if (state !== 'kept')
    return must(isGone(state, client, entries, seal), `the audit log knows of nothing that ${state} it`);
  const root = rootOf(records.map((record) => leafOf(`${salt}\n${JSON.stringify(record)}`)));
  must(records.length === leaf.records && root === leaf.root, 'a record was changed, added or dropped');
  const isRight = ({ client: of, startedAtMs: at }: Line['record']): boolean =>
    of === client && at >= seal.fromMs && at < seal.toMs;
  must(records.every(isRight), 'a record is of another client or time');
}

/** Leaves stand in the order of their keys: two that are neighbours leave no room for one between them. */
function isAbsent(key: string, { before, after }: Line, seal: Seal): boolean {
  if (seal.clients === 0) return seal.root === hex();
  const areNeighbours = (before ? before.index + 1 : 0) === (after ? after.index : seal.clients);
  const areAround = (!before || before.key < key) && (!after || after.key > key);
  return areNeighbours && areAround && [before, after].every((leaf) => !leaf || isInTree(leaf, seal));
}

/** Records go only by what the audit log says, and after they were sealed. */
function isGone(state: 'erased' | 'expired', client: string, entries: readonly Entry[], seal: Seal): boolean {
  const later = entries.filter(({ sequence }) => sequence >= seal.sequence);
  if (state === 'erased') return later.some(({ action, object }) => action === 'calls.erased' && object === client);
  return later.some(({ action, detail }) => {
    const [, first, last] = /^first=(\d+) last=(\d+)$/.exec(detail) ?? [];
    return action === 'seals.expired' && seal.number >= Number(first) && seal.number <= Number(last);
  });
}

function rootOf(leaves: readonly Buffer[]): string {
  let level = leaves;
  while (level.length > 1)
    level = level.flatMap((left, at) => {
      const right = level[at + 1];
      return at % 2 === 1 ? [] : [right ? nodeOf(left, right) : left];
    });
  return (level[0] ?? sha()).toString('hex');
}

/** RFC 9162, 2.1.3.2. */
function isInTree({ key, records, root, index, path }: Leaf, seal: Seal): boolean {
  let [at, last, digest] = [index, seal.clients - 1, leafOf(`${key} ${records} ${root}`)];
  if (!Number.isInteger(at) || at < 0 || at > last) return false;
  for (const beside of path) {
    if (last === 0) return false;
    const other = Buffer.from(beside, 'hex');
    if (at % 2 === 1 || at === last) {
      digest = nodeOf(other, digest);
      while (at % 2 === 0 && at !== 0) [at, last] = [at >> 1, last >> 1];
    } else digest = nodeOf(digest, other);
    [at, last] = [at >> 1, last >> 1];
  }
  return last === 0 && digest.toString('hex') === seal.root;
}

if (import.meta.main) {
  const [report = '', audit = '', anchor] = process.argv.slice(2);
  const read = (path: string): string => readFileSync(path, 'utf8');
  const verdict = verifyReport(read(report), read(audit), anchor && read(anchor));
  process.stdout.write(`${JSON.stringify(verdict)}\n`);
}

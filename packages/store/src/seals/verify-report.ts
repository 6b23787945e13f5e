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
/** A line of the report; by its kind it has only some of these. */
interface Line {
  readonly kind: 'will.proof' | 'seal' | 'call' | 'end';
  readonly version: number;
  readonly client: string;
  readonly throughSeal: number;
  readonly number: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly root: string;
  readonly clients: number;
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
  const heads = lines.filter(({ kind }) => kind === 'seal');
  const told = new Map(heads.map((line) => [line.number, line]));
  const calls = Map.groupBy(
    lines.filter(({ kind }) => kind !== 'seal'),
    ({ seal }) => seal,
  );
  need(told.size === heads.length, 'a seal is told twice');
  const sealed = sealsIn(entries).filter((seal) => seal.number <= head.throughSeal);
  need(sealed.at(-1)?.number === head.throughSeal, `the audit log does not know seal ${head.throughSeal}`);
  const wanted = sealed.filter(({ fromMs, toMs }) => toMs > head.fromMs && fromMs < head.toMs);
  const verdict = { calls: 0, erased: 0, expired: 0, sealedUntilMs: Math.max(...sealed.map(({ toMs }) => toMs)) };
  for (const seal of wanted) {
    const line = told.get(seal.number);
    need(line, `seal ${seal.number} is missing`);
    need(
      line.root === seal.root && line.clients === seal.clients,
      `seal ${seal.number} is not the one of the audit log`,
    );
    need(
      line.fromMs === seal.fromMs && line.toMs === seal.toMs,
      `seal ${seal.number} has other times in the audit log`,
    );
    const records = (calls.get(seal.number) ?? []).map(({ record }) => record);
    verifySeal(line, records, head.client, entries, seal);
    verdict.calls += records.filter(({ startedAtMs: at }) => at >= head.fromMs && at < head.toMs).length;
    if (line.state === 'erased') verdict.erased += 1;
    if (line.state === 'expired') verdict.expired += 1;
  }
  const known = new Set(wanted.map(({ number }) => number));
  for (const number of [...told.keys(), ...calls.keys()])
    need(known.has(number), `seal ${number} does not belong into the report`);
  const anchoredSeals = wanted.filter(({ sequence }) => sequence <= anchored).length;
  return { ...verdict, anchoredSeals, seals: wanted.length };
}

/** Entries of the audit log, each bound to the one before. */
function chainIn(text: string): readonly Entry[] {
  let previous = '0'.repeat(64);
  return linesOf(text).map((line, index) => {
    const { digest, ...link } = JSON.parse(line) as Entry;
    const holds = link.sequence === index + 1 && link.previous === previous;
    need(holds && sha(JSON.stringify(link)).toString('hex') === digest, `the audit log is wrong at entry ${index + 1}`);
    previous = digest;
    return { ...link, digest };
  });
}

/** The newest end that was kept elsewhere; every end must stand in the log. @returns its sequence; 0: there is none */
function anchorIn(text: string, entries: readonly Entry[]): number {
  const ends = linesOf(text).map((line) => JSON.parse(line) as Entry);
  for (const { sequence, digest } of ends)
    need(
      entries[sequence - 1]?.digest === digest,
      `entry ${sequence} of the audit log is another one than was anchored`,
    );
  return Math.max(0, ...ends.map(({ sequence }) => Number(sequence)));
}

function verifySignature(
  told: readonly string[],
  { digest, publicKey, signature }: Line,
  entries: readonly Entry[],
): void {
  need(
    sha(told.map((line) => `${line}\n`).join('')).toString('hex') === digest,
    'the report was changed after it was made',
  );
  const isKnown = entries.some(({ action, object }) => action === 'proof.key' && object === publicKey);
  need(isKnown, `the audit log does not know the key ${publicKey}`);
  const key = createPublicKey({
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey, 'base64').toString('base64url') },
    format: 'jwk',
  });
  need(
    verify(null, Buffer.from(digest, 'hex'), key, Buffer.from(signature, 'base64')),
    'the signature is not of this report',
  );
}

interface SealEntry {
  readonly number: number;
  readonly root: string;
  readonly clients: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly sequence: number;
}

/** By number, from 1; one that stands there twice says the same twice. */
function sealsIn(entries: readonly Entry[]): readonly SealEntry[] {
  const seals: SealEntry[] = [];
  for (const { action, object, detail, sequence } of entries) {
    if (action !== 'calls.sealed') continue;
    const found = /^root=([0-9a-f]{64}) records=\d+ clients=(\d+) from=(\d+) to=(\d+)$/.exec(detail);
    need(found, `entry ${sequence} of the audit log is no seal`);
    const [root = '', clients, fromMs, toMs] = found.slice(1);
    const seal = {
      number: Number(object.slice('seal '.length)),
      root,
      clients: Number(clients),
      fromMs: Number(fromMs),
      toMs: Number(toMs),
      sequence,
    };
    const present = seals[seal.number - 1];
    if (present) need(present.root === root, `seal ${seal.number} stands in the audit log twice, with two roots`);
    else need(seals.push(seal) === seal.number, `seal ${seals.length} is missing in the audit log`);
  }
  return seals;
}

/** That the client's records are those that were sealed, all of them and no other; or that there are none. */
function verifySeal(
  line: Line,
  records: readonly Line['record'][],
  client: string,
  entries: readonly Entry[],
  seal: SealEntry,
): void {
  const wrong = (what: string): string => `seal ${line.number}: ${what}`;
  const key = sha(`will.seal\n${line.number}\n${client}`).toString('hex');
  if (line.state === 'absent') {
    const { before, after } = line;
    need(records.length === 0, wrong('it holds no record of the client, and the report tells some'));
    for (const leaf of [before, after]) need(!leaf || isInTree(leaf, line), wrong('a neighbour is not in the tree'));
    const areNeighbours = (before ? before.index + 1 : 0) === (after ? after.index : line.clients);
    need(
      areNeighbours && (!before || before.key < key) && (!after || after.key > key),
      wrong('the client’s absence is not proved'),
    );
    need(line.clients > 0 || line.root === sha().toString('hex'), wrong('it is said to be empty'));
    return;
  }
  need(line.leaf.key === key && isInTree(line.leaf, line), wrong('the client’s leaf is not in the tree'));
  if (line.state !== 'kept') {
    need(
      records.length === 0 && isGone(line, client, entries, seal),
      wrong(`the audit log knows of nothing that ${line.state} it`),
    );
    return;
  }
  const leaves = records.map((record) => leafOf(`${line.salt}\n${JSON.stringify(record)}`));
  need(
    records.length === line.leaf.records && rootOf(leaves) === line.leaf.root,
    wrong('a record was changed, added or dropped'),
  );
  const isRight = ({ client: of, startedAtMs: at }: Line['record']): boolean =>
    of === client && at >= seal.fromMs && at < seal.toMs;
  need(records.every(isRight), wrong('a record is of another client or time'));
}

/** Records go only by what the audit log says, and after they were sealed. */
const isGone = ({ number, state }: Line, client: string, entries: readonly Entry[], seal: SealEntry): boolean =>
  entries.some(({ action, object, detail, sequence }) => {
    if (sequence < seal.sequence) return false;
    if (state === 'erased') return action === 'calls.erased' && object === client;
    const [first, last] = /^first=(\d+) last=(\d+)$/.exec(detail)?.slice(1).map(Number) ?? [];
    return action === 'seals.expired' && number >= (first ?? Infinity) && number <= (last ?? 0);
  });

function rootOf(leaves: readonly Buffer[]): string {
  let level = leaves;
  while (level.length > 1)
    level = level.flatMap((left, at) =>
      at % 2 === 1 ? [] : [level[at + 1] ? nodeOf(left, level[at + 1] as Buffer) : left],
    );
  return (level[0] ?? sha()).toString('hex');
}

/** RFC 9162, 2.1.3.2. */
function isInTree({ key, records, root, index, path }: Leaf, seal: Line): boolean {
  let [at, last, digest] = [Number(index), seal.clients - 1, leafOf(`${key} ${records} ${root}`)];
  if (at > last) return false;
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

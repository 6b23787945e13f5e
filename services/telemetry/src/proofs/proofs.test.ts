import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAuditLog, openCallLog, verifyReport, type AuditLog, type CallLog, type LogEvent } from '@will/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventsFromWire } from '../adapters/events-from-wire.ts';
import { batchOf, callEvent, wireRecord } from '../samples.ts';
import { Sealing } from '../seals/sealing.ts';
import { inTurn } from '../turns.ts';
import { Proofs, type ProofQuestion } from './proofs.ts';
import { signingKeyAt } from './signing-key.ts';

const hourMs = 3_600_000;
const startMs = Date.parse('2026-11-23T00:00:00Z');

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'will-proof-'));
});
afterAll(() => rm(folder, { recursive: true }));

const calls = (client: string, ...starts: readonly number[]): readonly LogEvent[] =>
  eventsFromWire(
    batchOf(
      ...starts.map((at, n) =>
        callEvent(wireRecord({ client, attemptId: `${client}-${at}-${n}`, startedUnixMs: BigInt(startMs + at) })),
      ),
    ),
    (error) => {
      throw error;
    },
  );

interface World {
  readonly log: CallLog;
  readonly sealing: Sealing;
  readonly audit: AuditLog;
  readonly auditPath: string;
  /** What telemetry and the stream of events take for now. */
  readonly clock: { nowMs: number };
  /** The report of a client over all time, signed. */
  report(client: string, stated?: Partial<ProofQuestion>): Promise<string>;
  auditText(): Promise<string>;
}

let worlds = 0;
async function onWorld(body: (world: World) => Promise<void>): Promise<void> {
  worlds += 1;
  const place = join(folder, String(worlds));
  const log = await openCallLog(join(place, 'telemetry.sqlite'));
  const auditPath = join(place, 'audit.jsonl');
  const audit = await openAuditLog(auditPath);
  const clock = { nowMs: startMs };
  const note = async (words: { action: string; object: string; detail: string }): Promise<void> =>
    void (await audit.append([{ atMs: clock.nowMs, service: 'telemetry', actor: 'telemetry', ...words }]));
  const progress = { readUntilMs: async () => clock.nowMs };
  const sealing = new Sealing({
    log,
    progress,
    snapshot: () => undefined,
    nowMs: () => clock.nowMs,
    inTurn: inTurn(),
    recordsPerSeal: 1_500,
    note,
  });
  const key = await signingKeyAt(join(place, 'proof-key.pem'));
  await note({ action: 'proof.key', object: key.publicKey, detail: 'ed25519' });
  const proofs = new Proofs(log);
  try {
    await body({
      log,
      sealing,
      audit,
      auditPath,
      clock,
      auditText: () => readFile(auditPath, 'utf8'),
      async report(client, stated = {}) {
        const throughSeal = (await log.lastSeal())?.number ?? 0;
        const question = { client, fromMs: 0, toMs: clock.nowMs, throughSeal, madeAtMs: clock.nowMs, ...stated };
        const lines: string[] = [];
        for (let at: Parameters<Proofs['page']>[1] | undefined = { seal: 0, told: 0 }; at; ) {
          const page = await proofs.page(question, at);
          lines.push(...page.lines);
          at = page.next;
        }
        return [...lines, await proofs.signature(question, key), ''].join('\n');
      },
    });
  } finally {
    await audit.close();
    await log.close();
  }
}

/** Three hours: Acme calls in the first and last, Globex in all, Solo in the second. */
async function threeHours({ log, sealing, clock }: World): Promise<void> {
  await log.ingest([...calls('acme', 1, 2, 3), ...calls('globex', 4)]);
  clock.nowMs = startMs + hourMs + 300_000;
  await sealing.run();
  await log.ingest([...calls('globex', hourMs + 1), ...calls('solo', hourMs + 2)]);
  clock.nowMs += hourMs;
  await sealing.run();
  await log.ingest([...calls('globex', 2 * hourMs + 1), ...calls('acme', 2 * hourMs + 2, 5)]);
  clock.nowMs += hourMs;
  await sealing.run();
}

/** What the verifier finds wrong; '': nothing. */
function problemOf(...texts: Parameters<typeof verifyReport>): string {
  try {
    verifyReport(...texts);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
}

/** A report as somebody with a key of the audit log signs it, whatever it says. */
function signedAnew(lines: readonly string[], privateKey: Parameters<typeof sign>[2], publicKey: string): string {
  const told = lines.map((line) => `${line}\n`).join('');
  const digest = createHash('sha256').update(told).digest();
  const signature = sign(null, digest, privateKey).toString('base64');
  return `${told}${JSON.stringify({ kind: 'end', digest: digest.toString('hex'), publicKey, signature })}\n`;
}

test('every call of a client is proved, from its first to its last hour, and of another client none is told', () =>
  onWorld(async (world) => {
    await threeHours(world);
    const report = await world.report('acme');
    expect(report).not.toContain('globex');
    expect(verifyReport(report, await world.auditText())).toMatchObject({ calls: 5, seals: 3, erased: 0, expired: 0 });
    const late = await world.report('acme', { fromMs: startMs + hourMs });
    // One that started in the first hour came late, so the last seal reaches back to it.
    expect(verifyReport(late, await world.auditText())).toMatchObject({ calls: 1, seals: 2 });
    expect(verifyReport(await world.report('nobody'), await world.auditText())).toMatchObject({ calls: 0, seals: 3 });
    expect(await world.sealing.run()).toBe(0);
  }));

test('a hour without a call is sealed too, and what is closed now can be sealed at once', () =>
  onWorld(async (world) => {
    const { log, sealing, clock } = world;
    expect(await sealing.sealNow()).toBeUndefined();
    await log.ingest(calls('acme', 1));
    clock.nowMs = startMs + 1_000;
    expect(await sealing.sealNow()).toMatchObject({ number: 1, records: 1, toMs: startMs + 1_000 });
    clock.nowMs = startMs + 2 * hourMs;
    expect(await sealing.run()).toBe(1);
    expect(await log.lastSeal()).toMatchObject({
      number: 2,
      records: 0,
      fromMs: startMs + 1_000,
      toMs: startMs + hourMs,
    });
    expect(verifyReport(await world.report('acme'), await world.auditText())).toMatchObject({ calls: 1, seals: 2 });
  }));

test('a flipped bit in any line is found', () =>
  onWorld(async (world) => {
    await threeHours(world);
    const [report, audit] = [await world.report('acme'), await world.auditText()];
    const bytes = Buffer.from(report);
    const unseen: number[] = [];
    // Line breaks carry nothing: only that they are there.
    for (let at = 0; at < bytes.length; at += 7) {
      if (bytes[at] === 10) continue;
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
      if (problemOf(bytes.toString('latin1'), audit) === '') unseen.push(at);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
    }
    expect(unseen).toEqual([]);
    expect(verifyReport(bytes.toString('latin1'), audit)).toMatchObject({ calls: 5 });
  }));

test('nobody who has the signing key can change, drop, add, move or hide a record', () =>
  onWorld(async (world) => {
    await threeHours(world);
    const { privateKey } = generateKeyPairSync('ed25519');
    const { x = '' } = privateKey.export({ format: 'jwk' });
    const publicKey = Buffer.from(x, 'base64url').toString('base64');
    await world.audit.append([
      { atMs: 1, service: 'telemetry', actor: 'telemetry', action: 'proof.key', object: publicKey, detail: 'ed25519' },
    ]);
    const audit = await world.auditText();
    const lines = (await world.report('acme')).trimEnd().split('\n').slice(0, -1);
    const isCall = (line: string): boolean => line.startsWith('{"kind":"call"');
    const [first, second] = [lines.findIndex(isCall), lines.findIndex(isCall) + 1];
    const record = lines[first] ?? '';
    const other = (await world.report('solo')).split('\n').find(isCall) ?? '';
    const absent = (await world.report('nobody')).split('\n').find((line) => line.includes('"number":1,')) ?? '';
    const gone = (state: string): string[] =>
      lines
        .filter((line) => !line.startsWith('{"kind":"call","seal":1,'))
        .map((line) =>
          line
            .replace('"number":1,', '"number":1,')
            .replace(line.includes('"number":1,') ? '"state":"kept"' : '\0', `"state":"${state}"`),
        );
    const forged: Readonly<Record<string, readonly string[]>> = {
      'a changed model': lines.with(first, record.replace(/"status":"\w+"/, '"status":"Other"')),
      'a dropped record': lines.toSpliced(first, 1),
      'a doubled record': lines.toSpliced(first, 0, record),
      'a record of somebody else': lines.toSpliced(first, 0, other),
      'two records in another order': lines.with(first, lines[second] ?? '').with(second, record),
      'a dropped seal': lines.filter(
        (line) => !line.includes('"number":1,') && !line.startsWith('{"kind":"call","seal":1,'),
      ),
      'a client said to be absent': lines
        .filter((line) => !line.startsWith('{"kind":"call","seal":1,'))
        .map((line) => (line.includes('"number":1,') ? absent : line)),
      'records said to be erased': gone('erased'),
      'records said to be past their age': gone('expired'),
      // Of two texts as places, "1" and 1 make "11": leaves far apart could be told as neighbours.
      'a leaf at a place that is a text': lines.map((line) => line.replace(/("kept".*"index":)(\d+)/, '$1"$2"')),
      'no seal at all': [(lines[0] ?? '').replace(/"throughSeal":\d+/, '"throughSeal":0')],
      'fewer seals': lines.with(0, (lines[0] ?? '').replace(/"throughSeal":\d+/, '"throughSeal":9')),
    };
    const signed = (told: readonly string[]): string => signedAnew(told, privateKey, publicKey);
    expect(verifyReport(signed(lines), audit)).toMatchObject({ calls: 5 });
    for (const told of Object.values(forged)) expect(told).not.toEqual(lines);
    const unseen = Object.entries(forged).filter(([, told]) => problemOf(signed(told), audit) === '');
    expect(unseen.map(([what]) => what)).toEqual([]);
  }));

test('an audit log that was changed, cut or written anew is found by its end that was kept elsewhere', () =>
  onWorld(async (world) => {
    await threeHours(world);
    const [report, audit] = [await world.report('acme'), await world.auditText()];
    const anchor = `${JSON.stringify({ atMs: 1, ...world.audit.head })}\n`;
    expect(verifyReport(report, audit, anchor)).toMatchObject({ seals: 3, anchoredSeals: 3 });
    const lines = audit.trimEnd().split('\n');
    const changed = [
      ['a changed root', lines.with(1, (lines[1] ?? '').replace(/root=./, 'root=0').replace('root=0', 'root=g'))],
      ['a dropped entry', lines.toSpliced(1, 1)],
      ['a log that was cut', lines.slice(0, -1)],
    ] as const;
    for (const [what, told] of changed)
      expect([what, problemOf(report, told.join('\n'), anchor)]).toEqual([what, expect.stringContaining('audit log')]);
    // All of it again, with other calls: it holds in itself.
    await onWorld(async (other) => {
      await other.log.ingest(calls('acme', 1));
      await threeHours(other);
      const [otherReport, otherAudit] = [await other.report('acme'), await other.auditText()];
      expect(verifyReport(otherReport, otherAudit)).toMatchObject({ anchoredSeals: 0 });
      expect(() => verifyReport(otherReport, otherAudit, anchor)).toThrow(/another one than was anchored/);
    });
  }));

test('after an erasure and past their age records are gone, and every digest still holds', () =>
  onWorld(async (world) => {
    await threeHours(world);
    await world.log.erase('acme', 100);
    // Nobody told the audit log: somebody dropped them.
    const dropped = await world.report('acme');
    await expect(world.auditText().then((audit) => verifyReport(dropped, audit))).rejects.toThrow(/erased/);
    await world.audit.append([
      { atMs: 1, service: 'telemetry', actor: 'ada', action: 'calls.erased', object: 'acme', detail: '' },
    ]);
    const report = await world.report('acme');
    expect(report).not.toContain('"kind":"call"');
    expect(verifyReport(report, await world.auditText())).toMatchObject({ calls: 0, seals: 3, erased: 2 });
    await world.sealing.expire(startMs + 2 * hourMs);
    const globex = await world.report('globex');
    expect(verifyReport(globex, await world.auditText())).toMatchObject({ calls: 1, seals: 3, expired: 2 });
    // What is erased once may call again, and is proved again.
    await world.log.ingest(calls('acme', 3 * hourMs + 1));
    world.clock.nowMs += hourMs;
    await world.sealing.run();
    expect(verifyReport(await world.report('acme'), await world.auditText())).toMatchObject({ calls: 1, erased: 2 });
  }));

test('a seal that the audit log did not confirm is told again, and once is enough for a report', () =>
  onWorld(async (world) => {
    await world.log.ingest(calls('acme', 1));
    let fails = true;
    const { log, clock, audit } = world;
    clock.nowMs = startMs + hourMs + 300_000;
    const sealing = new Sealing({
      log,
      progress: { readUntilMs: async () => clock.nowMs },
      snapshot: () => undefined,
      nowMs: () => clock.nowMs,
      inTurn: inTurn(),
      note: async (words) => {
        await audit.append([{ atMs: 1, service: 'telemetry', actor: 'telemetry', ...words }]);
        if (fails) throw new Error('the answer was lost');
      },
    });
    await expect(sealing.run()).rejects.toThrow('the answer was lost');
    fails = false;
    expect(await sealing.run()).toBe(0);
    const sealed = (await world.auditText()).split('\n').filter((line) => line.includes('calls.sealed'));
    expect(sealed).toHaveLength(2);
    expect(verifyReport(await world.report('acme'), await world.auditText())).toMatchObject({ calls: 1 });
  }));

test('many records come in pages and in several seals', () =>
  onWorld(async (world) => {
    await world.log.ingest(calls('acme', ...Array.from({ length: 2_000 }, (_, n) => n)));
    world.clock.nowMs = startMs + hourMs + 300_000;
    expect(await world.sealing.run()).toBe(2);
    const report = await world.report('acme');
    expect(report.length).toBeGreaterThan(512 * 1024);
    expect(verifyReport(report, await world.auditText())).toMatchObject({ calls: 2_000, seals: 2 });
  }));

test('the signing key is made once, for its owner alone, and a file that holds none is named', async () => {
  const path = join(folder, 'keys', 'key.pem');
  const [first, again] = [await signingKeyAt(path), await signingKeyAt(path)];
  expect(again.publicKey).toBe(first.publicKey);
  expect((await stat(path)).mode & 0o077).toBe(0);
  await writeFile(path, 'not a key');
  await expect(signingKeyAt(path)).rejects.toThrow(/WILL_PROOF_KEY_FILE .* holds no private key/);
});

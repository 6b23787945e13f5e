import type { AnyDocument } from '@will/core';
import { expect, test } from 'vitest';
import type { Authorizer } from '../../services/provider-worker/src/call/authorize.ts';
import { compileRevision, House, type SeenCall, staleAfterMs } from './house.ts';
import { hasRuleOnData, whyForbidden } from './oracle.ts';
import { Random } from './random.ts';
import { addresses, changeDocuments, makeDocuments, makeTask } from './world.ts';

// Random worlds in one process. The whole is 100,000 tasks: WILL_POLICY_TASKS=100000.

const wanted = Number(process.env['WILL_POLICY_TASKS'] ?? 2_000);
const firstSeed = Number(process.env['WILL_POLICY_SEED'] ?? 1);
const tasksPerWorld = 60;
const startMs = Date.UTC(2026, 10, 23, 11, 59, 30);

/** Why a call must not have been made; undefined: it was right. Both the record in force and the one that was called count. */
function wrongIn({ task, opened, worker, nowMs }: SeenCall): string | undefined {
  const { documents } = worker.revision;
  if (worker.silentForMs > staleAfterMs && hasRuleOnData(documents, task)) return 'a rule on data, on old documents';
  const called: AnyDocument[] = documents.map((document) =>
    document.kind === 'model' && document.body.slug === opened.slug
      ? { kind: 'model', body: { ...document.body, ...addressOf(opened.document) } }
      : document,
  );
  return whyForbidden(documents, task, opened.slug, nowMs) ?? whyForbidden(called, task, opened.slug, nowMs);
}

const addressOf = ({ call_method, endpoint, local }: SeenCall['opened']['document']) =>
  // Undefined here takes back what the record in force says.
  ({ call_method, endpoint, local }) as { call_method: typeof call_method };

interface Count {
  tasks: number;
  calls: number;
  answered: number;
  blocked: number;
  unknownClients: number;
  unknownProjects: number;
  /** How often cooldowns started, and trial calls were made. */
  cooldowns: number;
  trials: number;
  forbidden: string[];
}

async function runWorld(seed: number, count: Count, authorize?: Authorizer): Promise<void> {
  const random = new Random(seed);
  let nowMs = startMs;
  const options = { addresses, mayBeFiles: true, nowMs };
  const revisions = [compileRevision(1, makeDocuments(random, options))];
  for (let n = 2; n <= 4; n += 1)
    revisions.push(compileRevision(n, changeDocuments(revisions.at(-1)?.documents ?? [], random, options)));
  const onCall = (call: SeenCall): void => {
    count.calls += 1;
    const wrong = wrongIn(call);
    if (wrong !== undefined)
      count.forbidden.push(`seed ${seed}: ${call.opened.slug}, ${wrong}: ${JSON.stringify(call.task)}`);
  };
  const house = new House({ revisions, random, nowMs: () => nowMs, onCall, ...(authorize && { authorize }) });
  await house.start();
  for (let phase = 0; phase < 3; phase += 1) {
    const tasks = Array.from({ length: tasksPerWorld / 3 }, () => makeTask(random));
    // Twice the same: the second finds the kept decision, across whatever changed in between.
    const running = tasks.map((task) => house.run(task));
    random.pick(house.outlooks).moveOn();
    for (const end of await Promise.all(running)) {
      count.tasks += 1;
      if (end === 'end') count.answered += 1;
      if (end === 'BLOCKED') count.blocked += 1;
      if (end === 'UNKNOWN_CLIENT') count.unknownClients += 1;
      if (end === 'UNKNOWN_PROJECT') count.unknownProjects += 1;
    }
    nowMs += random.pick([1_000, 40_000, 70_000]);
    if (random.chance(0.4)) random.pick(house.outlooks).silentForMs = random.pick([0, staleAfterMs, staleAfterMs + 1]);
    if (random.chance(0.7)) random.pick(house.outlooks).moveOn();
  }
  count.cooldowns += house.cooldowns.counts.cooldowns;
  count.trials += house.cooldowns.counts.trials;
  await house.stop();
}

async function runWorlds(tasks: number, authorize?: Authorizer): Promise<Count> {
  const count: Count = {
    tasks: 0,
    calls: 0,
    answered: 0,
    blocked: 0,
    unknownClients: 0,
    unknownProjects: 0,
    cooldowns: 0,
    trials: 0,
    forbidden: [],
  };
  const seeds = Array.from({ length: Math.ceil(tasks / tasksPerWorld) }, (_, n) => firstSeed + n).values();
  const lane = async (): Promise<void> => {
    for (const seed of seeds) await runWorld(seed, count, authorize);
  };
  // Side by side, so that calls that are waited for cost no time.
  await Promise.all(Array.from({ length: 16 }, lane));
  return count;
}

test(`in ${wanted} random tasks of worlds that change meanwhile, fallbacks included, no call is forbidden`, async () => {
  const { forbidden, ...figures } = await runWorlds(wanted);
  process.stdout.write(`${JSON.stringify({ ...figures, forbidden: forbidden.length })}\n`);
  expect(forbidden.slice(0, 3)).toEqual([]);
  expect(figures.tasks).toBeGreaterThanOrEqual(wanted);
  expect(figures.calls).toBeGreaterThan(wanted / 3);
  expect(figures.answered).toBeGreaterThan(wanted / 8);
  expect(figures.blocked).toBeGreaterThan(wanted / 8);
  expect(figures.unknownClients).toBeGreaterThan(wanted / 20);
  expect(figures.unknownProjects).toBeGreaterThan(wanted / 80);
  expect(figures.cooldowns).toBeGreaterThan(wanted / 200);
  expect(figures.trials).toBeGreaterThan(wanted / 400);
});

test('the count sees what it is there for: where workers do not look at the rules themselves, calls are forbidden', async () => {
  const { forbidden } = await runWorlds(900, () => undefined);
  expect(forbidden.length).toBeGreaterThan(0);
});

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

/**
 * Bugs planted into the product, one at a time, as its files are loaded: some seed of the simulation must see each.
 *
 *   node test/simulation/planted.ts [--seeds 500] [name …]
 */
interface Planted {
  readonly world: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const worker = 'services/provider-worker/src';
const planted: Readonly<Record<string, Planted>> = {
  'a call is not settled': {
    world: 'limits',
    file: `${worker}/quota/allowances.ts`,
    from: 'if (!isLost) allowance.give(',
    to: 'if (isLost) allowance.give(',
  },
  'what lies idle in a stopped worker is not given back': {
    world: 'limits',
    file: `${worker}/quota/allowance.ts`,
    from: 'this.#deps.ledger.addSurely(this.counter, -amount, this.#deps.holder, id);',
    to: '',
  },
  'what a dead worker held is ended twice': {
    world: 'limits',
    file: 'services/telemetry/src/ledger.ts',
    from: 'endOfHold(holder, name.key, ends.get(holder) ?? 0)',
    to: 'String(Math.random())',
  },
  'a worker holds on to a name it lost': {
    world: 'limits',
    file: `${worker}/adapters/bus-ledger.ts`,
    from: 'if (this.#isBroken) this.#epoch += 1;',
    to: '',
  },
  'what lies idle is given back while NATS is not connected': {
    world: 'limits',
    file: `${worker}/quota/allowances.ts`,
    from: 'this.#deps.ledger.isReachable && ',
    to: '',
  },
  'what is above the limit is granted': {
    world: 'limits',
    file: `${worker}/quota/allowance.ts`,
    from: 'if (remaining < missing) return false;',
    to: '',
  },
  'an end by an older fence is written': {
    world: 'tasks',
    file: 'packages/store/src/sqlite/tasks.ts',
    from: 'AND fence = ?',
    to: 'AND ? IS NOT NULL',
  },
  'a delivery does not expire': {
    world: 'cooldowns',
    file: `${worker}/call/start-window.ts`,
    from: 'startUntilMs: this.#untilMs,',
    to: 'startUntilMs: Number.POSITIVE_INFINITY,',
  },
  'a call starts in a cooldown': {
    world: 'cooldowns',
    file: `${worker}/model/served-model.ts`,
    from: 'else if (pause) pausing(call, pause);',
    to: '',
  },
  'a process without the trial call makes it': {
    world: 'cooldowns',
    file: `${worker}/model/served-model.ts`,
    from: "if (trial !== 'trial') return pausing(call, trial);",
    to: '',
  },
  'a trial call is acquired without regard to its lease': {
    world: 'cooldowns',
    file: 'packages/bus/src/state/cooldowns.ts',
    from: ' && Number(present.trialUntilUnixMs) <= now;',
    to: ';',
  },
  'a trial call that told nothing is not released': {
    world: 'cooldowns',
    file: `${worker}/model/model-circuit.ts`,
    from: 'this.#told(this.#deps.cooldowns.releaseTrial(this.#model().slug));',
    to: '',
  },
  'a model is not known to be healthy again': {
    world: 'cooldowns',
    file: `${worker}/model/model-circuit.ts`,
    from: 'this.#told(cooldowns.recover(slug));',
    to: 'this.releaseTrial();',
  },
  'a slot is never given back': {
    world: 'cooldowns',
    file: `${worker}/model/served-model.ts`,
    from: 'this.slots.give(claim);',
    to: '',
  },
  'a full model takes calls': {
    world: 'cooldowns',
    file: `${worker}/model/slots.ts`,
    from: "if (this.free === 0) return this.#refused('full');",
    to: '',
  },
  'nobody is let go from a queue': {
    world: 'cooldowns',
    file: 'services/router/src/task/slots.ts',
    from: "this.finish(waiter, 'try');",
    to: '',
  },
  'the deadline of a task is not kept': {
    world: 'cooldowns',
    file: 'services/router/src/task/task-run.ts',
    from: '() => this.#deadlinePassed(),',
    to: '() => {},',
  },
  'a task that has its answer is tried on': {
    world: 'cooldowns',
    file: 'services/router/src/task/cascade.ts',
    from: "if (end.kind === 'answered') {",
    to: "if (end.kind === 'answered') {\n      return 'next';",
  },
  'content of a call whose acceptance was lost is not taken for it': {
    world: 'cooldowns',
    file: 'services/router/src/task/attempt.ts',
    from: 'if (!this.isAccepted) this.#accepted(',
    to: 'if (this.isAccepted) this.#accepted(',
  },
  'an unanswered delivery before a busy one is forgotten': {
    world: 'cooldowns',
    file: 'services/router/src/task/attempts.ts',
    from: ' && !attempt.isUnheard;',
    to: ';',
  },
  'a worker does not join again after a cooldown': {
    world: 'cooldowns',
    file: `${worker}/model/model-circuit.ts`,
    from: 'contained(() => this.#changed())',
    to: 'contained(() => {})',
  },
};

const name = process.env['WILL_PLANTED'];
if (name === undefined) plantAll(process.argv.slice(2));
else plant(planted[name] as Planted);

function plant({ file, from, to }: Planted): void {
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!url.endsWith(file)) return loaded;
      const source = String(readFileSync(new URL(url)));
      if (!source.includes(from)) throw new Error(`${file} does not hold ${from}`);
      return { ...loaded, source: source.replace(from, () => to) };
    },
  });
}

function plantAll(chosen: readonly string[]): void {
  for (const [one, { world, file }] of Object.entries(planted)) {
    if (chosen.length > 0 && !chosen.includes(one)) continue;
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--import', import.meta.filename, `${import.meta.dirname}/main.ts`, '--world', world, '--seeds', '1000'],
      { env: { ...process.env, WILL_PLANTED: one }, encoding: 'utf8' },
    );
    const isSeen = status === 1 && stdout.includes('seed ');
    if (!isSeen) process.exitCode = 1;
    const seed = /seed (\d+)/.exec(stdout)?.[1];
    const how = isSeen ? `seen at seed ${seed}: ${stdout.split('\n')[0]}` : `NOT SEEN ${stderr.slice(0, 300)}`;
    process.stdout.write(`${world}: ${one} (${file}): ${how}\n`);
  }
}

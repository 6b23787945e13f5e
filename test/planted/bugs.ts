/** A bug that a person could make, and the suites of which at least one must fail with it. */
export interface PlantedBug {
  readonly name: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
  readonly suites: readonly { readonly project: 'parts' | 'system'; readonly file: string }[];
}

const parts = (file: string) => ({ project: 'parts', file }) as const;
const system = (file: string) => ({ project: 'system', file }) as const;
const [tasks, worker, router] = ['services/tasks/src', 'services/provider-worker/src', 'services/router/src'];
const [telemetry, registry] = ['services/telemetry/src', 'services/registry/src'];

export const plantedBugs: readonly PlantedBug[] = [
  {
    name: 'durable: a task that runs does not show it',
    file: `${tasks}/runner.ts`,
    from: 'queued.working();',
    to: '',
    suites: [system('test/e2e/durable.test.ts')],
  },
  {
    name: 'durable: tasks without a message are never put into the queue again',
    file: `${tasks}/main.ts`,
    from: 'await tasks.reconcile(nowMs() - lostAfterMs)',
    to: '0',
    suites: [system('test/e2e/deaths.test.ts'), system('test/faults/durable-deaths.test.ts')],
  },
  {
    name: 'durable: the same key with another input is the same task',
    file: `${tasks}/service.ts`,
    from: 'bodyHash: hashOf(request),',
    to: "bodyHash: '',",
    suites: [system('test/e2e/durable.test.ts')],
  },
  {
    name: 'durable: another client with the same key has the same task',
    file: 'packages/store/src/sqlite/tasks.ts',
    from: "prepare('SELECT * FROM tasks WHERE client = ? AND idempotency_key = ?')",
    to: "prepare('SELECT * FROM tasks WHERE ? IS NOT NULL AND idempotency_key = ?')",
    suites: [parts('packages/store/src/sqlite')],
  },
  {
    name: 'durable: a task that was cancelled runs on',
    file: `${tasks}/runner.ts`,
    from: 'return abort.abort(fencedOff);',
    to: 'return;',
    suites: [system('test/e2e/durable.test.ts')],
  },
  {
    name: 'durable: a message is acknowledged before its task has an end',
    file: `${tasks}/runner.ts`,
    from: '    const { client, taskId, fence } = task;\n    const ending',
    to: '    const { client, taskId, fence } = task;\n    await queued.done();\n    const ending',
    suites: [system('test/faults/durable-deaths.test.ts')],
  },
  {
    name: 'shutdown: a stopping tasks service does not wait for what runs',
    file: `${tasks}/main.ts`,
    from: 'await runner.stop(config.drainMs);',
    to: 'await runner.stop(0);',
    suites: [system('test/e2e/groups.test.ts'), system('test/e2e/durable.test.ts')],
  },
  {
    name: 'bills: usage of a failed call is not recorded',
    file: `${worker}/call/worker-call.ts`,
    from: 'this.#deps.record(this.#report.record(summary, usage));',
    to: 'this.#deps.record(this.#report.record(summary, undefined));',
    suites: [parts(worker)],
  },
  {
    name: 'bills: a call whose worker died costs nothing',
    file: `${router}/task/task-records.ts`,
    from: 'costNanoUsd: attempt?.reserve.costNanoUsd,',
    to: '',
    suites: [parts(router), system('test/e2e/deaths.test.ts')],
  },
  {
    name: 'bills: a call costs what is the price at its end',
    file: `${worker}/call/call-report.ts`,
    from: 'const price = priceAt(model, this.#startedAtMs);',
    to: 'const price = priceAt(model, this.#deps.nowMs());',
    suites: [parts(worker)],
  },
  {
    name: 'limits: what a refused call reserved is kept',
    file: `${worker}/quota/allowances.ts`,
    from: '  for (const { allowance, amount } of parts) allowance.give(amount);',
    to: '  void parts;',
    suites: [parts(`${worker}/quota`)],
  },
  {
    name: 'wiring: calls whose end nobody reported are never swept',
    file: `${telemetry}/main.ts`,
    from: 'await telemetry.sweep()',
    to: '0',
    suites: [system('test/e2e/deaths.test.ts'), system('test/e2e/records.test.ts')],
  },
  {
    name: 'wiring: kept content is never dropped',
    file: `${telemetry}/main.ts`,
    from: 'async () => void (await log.dropContent(Date.now()))',
    to: 'async () => {}',
    suites: [system('test/e2e/wiring.test.ts')],
  },
  {
    name: 'wiring: retention never runs',
    file: `${telemetry}/main.ts`,
    from: 'hourly(() => retention.run(), onError)',
    to: 'hourly(async () => {}, onError)',
    suites: [system('test/e2e/wiring.test.ts')],
  },
  {
    name: 'wiring: durable tasks are never forgotten',
    file: `${tasks}/main.ts`,
    from: '() => tasks.forget()',
    to: 'async () => {}',
    suites: [system('test/e2e/wiring.test.ts')],
  },
  {
    name: 'wiring: an answer does not wait for its entry in the audit log',
    file: `${registry}/main.ts`,
    from: 'onChange: (action, author, { id, client, role }) => noted(author, action, id, `${role} of ${client}`),',
    to: 'onChange: async (action, author, { id, client, role }) => void setTimeout(() => noted(author, action, id, `${role} of ${client}`), 500),',
    suites: [system('test/e2e/wiring.test.ts')],
  },
  {
    name: 'rules: policy checks only the first model',
    file: 'packages/core/src/routing/decide.ts',
    from: 'const exclusion = model ? exclusionOf(',
    to: 'const exclusion = model && considered.size > 1 ? undefined : model ? exclusionOf(',
    suites: [parts('packages/core/src')],
  },
];

/** The text with the bug in it. @throws {Error} the text does not hold, once, what is replaced */
export function planted({ name, file, from, to }: PlantedBug, text: string): string {
  const [before, after, ...more] = text.split(from);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`"${name}": ${file} must hold this once: ${from}`);
  return before + to + after;
}

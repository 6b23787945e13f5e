import { TaskError } from '@will/client';
import { pageOfCalls, previewBetween } from '@will/operator';
import { type AdminWorld, post } from './admin-world.ts';

// Random edits of documents: what the preview says of recorded tasks, beside what the same tasks do once the edit holds.

export interface EditFigures {
  readonly edits: number;
  /** Edits that the registry refused; they are not counted. */
  readonly refusedEdits: number;
  readonly tasks: number;
  readonly movedTasks: number;
  /** Greatest difference between the money that was said and that was spent, as a share. */
  readonly worstMoneyShare: number;
  /** Edits whose moves are not those of the real run, in words. */
  readonly wrong: readonly string[];
}

/** Who sends what: each of them is one task of a round. */
const kinds = ['acme', 'globex', 'legal'].flatMap((client) =>
  ['text_gen', 'code'].flatMap((type) =>
    (['open', 'sensitive'] as const).map((dataClass) => ({ client, type, dataClass })),
  ),
);

interface Ran {
  /** The model that was to be tried first; '' for a task that was refused. */
  readonly models: readonly string[];
  /** Of each task. */
  readonly nanoUsd: readonly bigint[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** Runs rounds of tasks with an edit between each two. */
export async function runEdits(
  world: AdminWorld,
  edits: number,
  seed: number,
  say: (line: string) => void,
): Promise<EditFigures> {
  const draw = drawing(seed);
  const wrong: string[] = [];
  let [refusedEdits, movedTasks, worstMoneyShare, done] = [0, 0, 0, 0];
  let before = await runAll(world);
  while (done < edits) {
    const text = randomEdit(draw, world.upstream.url);
    const files = [{ path: 'edit.yaml', text }];
    const said = await previewOf(world, files, before);
    const applied = said && (await applies(world, files));
    if (!said || !applied) {
      refusedEdits += 1;
      continue;
    }
    const after = await runAll(world);
    const moved = movesOf(before, after);
    if (JSON.stringify(said.moves) !== JSON.stringify(moved))
      wrong.push(`${JSON.stringify(text)}: said ${said.moves.join('; ')}, did ${moved.join('; ')}`);
    movedTasks += moved.length;
    const spent = spentOnKnown(before, after);
    const share = Math.abs(Number(said.nanoUsd - spent)) / Math.max(1, Number(spent));
    worstMoneyShare = Math.max(worstMoneyShare, share);
    done += 1;
    say(`${done} of ${edits}: ${moved.length} of ${kinds.length} moved, money ${(100 * share).toFixed(2)} % off`);
    before = after;
  }
  return { edits, refusedEdits, tasks: done * kinds.length, movedTasks, worstMoneyShare, wrong };
}

async function runAll(world: AdminWorld): Promise<Ran> {
  const fromMs = Date.now();
  const ids: string[] = [];
  for (const { client, type, dataClass } of kinds)
    ids.push(
      await world.system.client.run({ type, client, dataClass, input: 'ping' }).then(
        ({ taskId }) => taskId,
        (error: unknown) => {
          if (error instanceof TaskError) return error.taskId;
          throw error;
        },
      ),
    );
  const calls = await Promise.all(ids.map((taskId) => callsOf(world, taskId)));
  const first = calls.map((ofTask) => ofTask.at(-1)?.model ?? '');
  const nanoUsd = calls.map((ofTask) => ofTask.reduce((sum, { costNanoUsd }) => sum + (costNanoUsd ?? 0n), 0n));
  return { models: first, nanoUsd, fromMs, toMs: Date.now() + 1 };
}

/** Newest first, once telemetry has them. */
async function callsOf({ system }: AdminWorld, taskId: string): ReturnType<typeof pageOfCalls> {
  for (;;) {
    const calls = await pageOfCalls(system.bus, { taskId }, undefined, 20);
    if (calls.length > 0) return calls;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A task that was refused left no tokens, so that what it will cost is said to be unknown. */
const spentOnKnown = (before: Ran, after: Ran): bigint =>
  after.nanoUsd.reduce((sum, nanoUsd, at) => (before.models[at] === '' ? sum : sum + nanoUsd), 0n);

const inWords = (type: string, client: string, from: string, to: string): string =>
  `${type} ${client}: ${from} > ${to}`;

const movesOf = (before: Ran, after: Ran): readonly string[] =>
  kinds
    .flatMap(({ type, client }, at) => {
      const [from, to] = [before.models[at] ?? '', after.models[at] ?? ''];
      return from === to ? [] : [inWords(type, client, from, to)];
    })
    .sort();

type Files = readonly { readonly path: string; readonly text: string }[];

/** Undefined: the documents do not fit together. */
async function previewOf(
  { system }: AdminWorld,
  files: Files,
  { fromMs, toMs }: Ran,
): Promise<{ readonly moves: readonly string[]; readonly nanoUsd: bigint } | undefined> {
  const preview = await previewBetween(system.bus, { files, prune: false }, fromMs, toMs).catch(() => undefined);
  if (!preview) return undefined;
  if (preview.tasks !== kinds.length) throw new Error(`the preview saw ${preview.tasks} of ${kinds.length} tasks`);
  const moves = preview.moves.flatMap(({ taskType, client, from, to, tasks }) =>
    from === to ? [] : Array.from({ length: tasks }, () => inWords(taskType, client, from, to)),
  );
  return { moves: moves.sort(), nanoUsd: preview.afterNanoUsd };
}

async function applies({ ask, keys }: AdminWorld, files: Files): Promise<boolean> {
  const response = await ask(
    '/admin/v1/apply',
    keys.owner,
    post({ files, note: 'a random edit', allow_loosening: true }),
  );
  const { problems = ['refused'] } = (await response.json()) as { readonly problems?: readonly unknown[] };
  return response.ok && problems.length === 0;
}

type Draw = <T>(values: readonly T[]) => T;

/** Equal seeds give equal edits. */
function drawing(seed: number): Draw {
  let state = seed >>> 0;
  return (values) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return values[Math.floor((state / 2 ** 32) * values.length)] as (typeof values)[number];
  };
}

const models = ['Cloud', 'Home', 'Far', 'Near'];

const randomEdit = (draw: Draw, upstream: string): string =>
  draw([clientEdit, routeEdit, routeEdit, modelEdit])(draw, upstream);

function clientEdit(draw: Draw): string {
  const rules = [
    draw(['', 'avoid_cloud: true']),
    draw(['', 'data_residency: US', 'data_residency: EU']),
    draw(['', 'use_compliant_only: true']),
  ].filter((rule) => rule !== '');
  return [
    `kind: client\nname: ${draw(['Acme', 'Globex', 'Legal'])}`,
    ...(rules.length > 0 ? [`data_rules: { ${rules.join(', ')} }`] : []),
    ...draw([[], ['data_class: customer'], ['data_class: sensitive']]),
  ].join('\n');
}

function routeEdit(draw: Draw): string {
  const order = models.toSorted(() => draw([-1, 1])).slice(0, draw([1, 2, 3, 4]));
  const steps = order.map((model, at) => `${at === 0 ? 'primary' : `fallback_${at}`}: ${model}`);
  return [`kind: route\nname: ${draw(['text_gen', 'code'])}`, ...steps].join('\n');
}

function modelEdit(draw: Draw, upstream: string): string {
  return editedModel(draw(models), upstream, {
    callMethod: draw(['API', 'container']),
    residency: draw(['US', 'EU', 'Global']),
    compliance: draw(['none', '[HIPAA]', '[HIPAA, GDPR]']),
    security: draw(['safe_for_sensitive', 'safe_for_sensitive', 'non_sensitive_only']),
    seesCustomerData: draw(['yes', 'yes', 'no']),
    dollars: draw([0.1, 1, 2.5, 10]),
  });
}

interface ModelValues {
  readonly callMethod: string;
  readonly residency: string;
  readonly compliance: string;
  readonly security: string;
  readonly seesCustomerData: string;
  readonly dollars: number;
}

function editedModel(name: string, upstream: string, values: ModelValues): string {
  return `kind: model
name: ${name}
tags: [text_gen, code]
call_method: ${values.callMethod}
provider: openai-compatible
endpoint: ${upstream}/v1
data_residency: ${values.residency}
compliance: ${values.compliance}
security_level: ${values.security}
allowed_tasks: { can_this_model_see_customer_data: ${values.seesCustomerData} }
prices: { input: ${values.dollars}, output: ${values.dollars * 4} }
adaptive_timeout: no`;
}

/** Four models and three clients to edit. */
export async function prepareEdits(world: AdminWorld): Promise<void> {
  const open = { compliance: '[HIPAA, GDPR]', security: 'safe_for_sensitive', seesCustomerData: 'yes' };
  const texts = models.map((name, at) =>
    editedModel(name, world.upstream.url, {
      ...open,
      callMethod: at % 2 === 0 ? 'API' : 'container',
      residency: at < 2 ? 'US' : 'EU',
      dollars: at + 1,
    }),
  );
  const routes = ['text_gen', 'code'].map((type) => `kind: route\nname: ${type}\nprimary: Cloud\nfallback_1: Home`);
  const clients = ['Acme', 'Globex', 'Legal'].map((name) => `kind: client\nname: ${name}`);
  const files = [...texts, ...routes, ...clients].map((text, at) => ({ path: `${at}.yaml`, text }));
  if (!(await applies(world, files))) throw new Error('the documents to edit were not applied');
  await world.system.untilServed('cloud', 'home', 'far', 'near');
}

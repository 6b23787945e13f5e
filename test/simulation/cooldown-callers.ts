import { create } from '@bufbuild/protobuf';
import { dataClassToWire, priorityToWire, wire } from '@will/contracts';
import type { Router } from '../../services/router/src/service.ts';
import type { Standstills } from './standstills.ts';
import type { Actor, VirtualTime } from './virtual-time.ts';

/** After its deadline a task has its end within this. */
const graceMs = 2_000;
/** Longer than any cooldown, and a trial call whose holder died. */
const backWithinMs = 120_000;
export const maxTaskMs = 30_000;

interface Asked {
  readonly deadlineMs: number;
  ends: number;
  /** An attempt that was given up may still speak, and the caller was told which one counts. */
  wasChosen: boolean;
  /** The worker whose word ended it; undefined: its router's. */
  answeredBy: Actor | undefined;
  how: string;
}

/** A router that callers give tasks to. */
export interface AskedRouter {
  readonly router: Router;
  readonly actor: Actor;
}

/** Callers of one client: each of their tasks has one end by its deadline, unless its router died. */
export class CooldownCallers {
  readonly #time: VirtualTime;
  readonly #standstills: Standstills;
  readonly #client: string;
  readonly #models: readonly string[];
  readonly #routers: ReadonlySet<AskedRouter>;
  readonly #asked = new Map<string, Asked>();
  #isCalm = false;

  constructor(
    time: VirtualTime,
    standstills: Standstills,
    client: string,
    models: readonly string[],
    routers: ReadonlySet<AskedRouter>,
  ) {
    this.#time = time;
    this.#standstills = standstills;
    this.#client = client;
    this.#models = models;
    this.#routers = routers;
  }

  /** No caller that asks on and on asks any more. */
  calm(): void {
    this.#isCalm = true;
  }

  async askOn(): Promise<void> {
    const { random } = this.#time;
    const meanMs = random.pick([50, 500, 3_000]);
    while (!this.#isCalm) {
      await this.#time.pause(random.next() * 2 * meanMs);
      await this.#ask(random.chance(0.3) ? random.pick(this.#models) : '', random.pick([1_000, 5_000, maxTaskMs]));
    }
  }

  /** @param isBack whether the model's cooldown is over for everybody. */
  async checkBack(model: string, isBack: () => boolean): Promise<void> {
    const untilMs = this.#time.sinceStartMs + backWithinMs;
    for (;;) {
      const how = await this.#ask(model, 5_000);
      if (how === 'end' && isBack()) return;
      if (this.#time.sinceStartMs > untilMs) this.#time.fail(`${model} is well, and not back: ${how}`);
      await this.#time.pause(500);
    }
  }

  /** More tasks at once than there are slots: each has its turn. */
  async checkTurns(model: string, count: number): Promise<void> {
    const ends = await Promise.all(Array.from({ length: count }, () => this.#ask(model, maxTaskMs)));
    const inVain = ends.filter((how) => how !== 'end');
    if (inVain.length > 0) this.#time.fail(`${inVain.length} of ${count} tasks of ${model} wait in vain: ${inVain[0]}`);
  }

  /** Gives a task to some router; resolves with its end. */
  async #ask(model: string, withinMs: number): Promise<string> {
    const { random, nowMs } = this.#time;
    const taskId = `task-${String(this.#asked.size).padStart(8, '0')}`;
    const asked: Asked = {
      deadlineMs: nowMs + withinMs,
      ends: 0,
      wasChosen: false,
      answeredBy: undefined,
      how: '',
    };
    this.#asked.set(taskId, asked);
    const { router, actor } = random.pick([...this.#routers]);
    const task = create(wire.TaskSchema, {
      taskId,
      type: 'text_gen',
      model,
      priority: priorityToWire(random.pick(['high', 'normal', 'background'])),
      dataClass: dataClassToWire('open'),
      deadlineUnixMs: BigInt(Math.floor(asked.deadlineMs)),
      stream: true,
      inputTokens: 1,
      inputKind: 'chat',
      input: new TextEncoder().encode('{"messages":[{"role":"user","content":"x"}]}'),
    });
    this.#time.after(
      1,
      () =>
        router.take(task, this.#client, { inbox: `_INBOX.${this.#client}.c.t`, send: (frame) => this.frame(frame) }),
      actor,
    );
    while (asked.ends === 0) {
      await this.#time.pause(20);
      if (actor.isDead) return 'its router died';
      if (this.#time.nowMs <= Math.max(asked.deadlineMs, this.#standstills.endMs(actor)) + graceMs) continue;
      this.#time.wrong(`${taskId} has no end ${graceMs} ms after its deadline`);
      break;
    }
    return asked.how;
  }

  frame({ taskId, kind }: wire.Frame, worker?: Actor): void {
    const asked = this.#asked.get(taskId);
    if (asked && kind.case === 'counts') asked.wasChosen = true;
    if (!asked || (kind.case !== 'end' && kind.case !== 'failure')) return;
    asked.ends += 1;
    const how = kind.case === 'end' ? 'end' : (wire.FailureCode[kind.value.code] ?? '');
    this.#time.note(`${taskId}: ${how}${kind.case === 'failure' ? `, ${kind.value.message}` : ''}`);
    // Of several attempts that may have content the caller was told which counts. At its deadline its router and its worker
    // may both say how it ended: the caller goes by the first word. So it does where a worker died whose last words to the
    // router were lost.
    if (
      asked.ends > 1 &&
      !asked.answeredBy?.isDead &&
      how !== 'DEADLINE' &&
      asked.how !== 'DEADLINE' &&
      !asked.wasChosen
    )
      this.#time.wrong(`${taskId} ends by ${how}, and ended by ${asked.how} before`);
    if (asked.ends === 1) asked.answeredBy = worker;
    asked.how = how;
  }
}

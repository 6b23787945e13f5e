import { dayMs, type CallLog } from '@will/store';
import type { Sealing } from './seals/sealing.ts';

export interface RetentionSettings {
  /** Calls, decisions and their sets. */
  readonly logDays: number;
  /** The oldest go when the log takes more; 0: no limit. */
  readonly logMaxMb: number;
  /** Sums of calls. */
  readonly usageDays: number;
}

export interface Kept {
  readonly log: CallLog;
  readonly sealing: Pick<Sealing, 'expire'>;
}

export interface RetentionDeps {
  readonly nowMs: () => number;
  readonly logger: { info(facts: object, what: string): void };
  readonly onError: (what: string, error: unknown) => void;
}

/** One transaction's worth, so that records go on being taken in between. */
const perPart = 2_000;
/** What goes at once when the log is too large: a twentieth, and then it is measured again. */
const shareWhenTooLarge = 20;
const maxMeasurements = 100;

/** Keeps the log within its age and size. Repeating it, also by another process, changes nothing more. */
export class Retention {
  readonly #log: CallLog;
  readonly #sealing: Kept['sealing'];
  readonly #settings: RetentionSettings;
  readonly #deps: RetentionDeps;

  constructor({ log, sealing }: Kept, settings: RetentionSettings, deps: RetentionDeps) {
    this.#log = log;
    this.#sealing = sealing;
    this.#settings = settings;
    this.#deps = deps;
  }

  async run(): Promise<void> {
    const nowMs = this.#deps.nowMs();
    const tooOld = await this.#removeBefore(nowMs - this.#settings.logDays * dayMs);
    await this.#sealing.expire(nowMs - this.#settings.logDays * dayMs);
    const tooMany = await this.#removeWhatIsTooMuch();
    const sums = await this.#log.pruneSums(nowMs - this.#settings.usageDays * dayMs);
    if (tooOld + tooMany + sums > 0)
      this.#deps.logger.info({ tooOld, tooMany, sums }, 'removed from the call log by age and by size');
  }

  async #removeBefore(beforeMs: number): Promise<number> {
    let [removed, part] = [0, 1];
    while (part > 0) {
      part = await this.#log.prune(beforeMs, perPart);
      removed += part;
    }
    return removed;
  }

  async #removeWhatIsTooMuch(): Promise<number> {
    const most = this.#settings.logMaxMb * 1024 * 1024;
    let removed = 0;
    for (let measured = 0; most > 0 && measured < maxMeasurements; measured += 1) {
      const { calls, bytes } = await this.#log.size();
      if (bytes <= most || calls === 0) return removed;
      const startMs = await this.#log.startOfOldest(Math.min(calls - 1, Math.ceil(calls / shareWhenTooLarge)));
      if (startMs === undefined) return removed;
      // Those that started at one instant go together.
      removed += await this.#removeBefore(startMs + 1);
      await this.#sealing.expire(startMs + 1);
      if (removed === 0) {
        this.#deps.onError('the call log is too large and nothing can be removed', new Error(`${bytes} bytes`));
        return removed;
      }
    }
    return removed;
  }
}

import type { KeptAuditEnd } from '@will/bus';
import type { AuditLog, AuditNote, AuditReport } from '@will/store';

/** The audit log with its end kept at two places. */
export class Audit {
  readonly #log: AuditLog;
  readonly #kept: KeptAuditEnd;
  readonly #onError: (what: string, error: unknown) => void;
  /** Not empty: a file that did not fit its kept end was found once, and nothing makes that unseen. */
  #broken = '';
  #keeping: Promise<void> = Promise.resolve();

  constructor(log: AuditLog, kept: KeptAuditEnd, onError: (what: string, error: unknown) => void) {
    this.#log = log;
    this.#kept = kept;
    this.#onError = onError;
  }

  /** Looks once at the whole file, with the end that was kept before this process began. */
  async start(): Promise<void> {
    const kept = await this.#kept.read();
    this.#broken = kept?.broken ?? '';
    const { wrong } = await this.#log.verify(kept?.head);
    if (wrong && this.#broken === '') this.#broken = `${wrong.position}: ${wrong.problem}`;
    if (this.#broken !== '') this.#onError('the audit log', new Error(`it is wrong at ${this.#broken}`));
    await this.#keep();
  }

  /** Resolves once it is on the disk. */
  async append(notes: readonly AuditNote[]): Promise<void> {
    if (notes.length === 0) return;
    await this.#log.append(notes);
    this.#keeping = this.#keeping
      .then(() => this.#keep())
      .catch((error: unknown) => this.#onError('keeping the end of the audit log', error));
  }

  get head(): AuditLog['head'] {
    return this.#log.head;
  }

  list: AuditLog['list'] = (limit, before) => this.#log.list(limit, before);

  async verify(): Promise<AuditReport> {
    const report = await this.#log.verify(this.#log.head);
    if (report.wrong || this.#broken === '') return report;
    const [position = '0', ...problem] = this.#broken.split(': ');
    return {
      ...report,
      wrong: { position: Number(position), problem: `found at an earlier start: ${problem.join(': ')}` },
    };
  }

  async close(): Promise<void> {
    await this.#keeping;
    await this.#log.close();
  }

  async #keep(): Promise<void> {
    await this.#kept.write(this.#log.head, this.#broken);
  }
}

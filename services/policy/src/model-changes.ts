import { isoDate, type ModelChange } from '@will/core';

/** How long a change is shown, and how many are. */
const shownMs = 7 * 24 * 3_600_000;
const maxShown = 20;

/** Silent changes of models that were found lately, the newest first. */
export class ModelChanges {
  #found: readonly ModelChange[] = [];

  add(change: ModelChange): void {
    this.#found = [change, ...this.#found].slice(0, maxShown);
  }

  /** In words, with the day on which each was found. */
  inWords(nowMs: number): readonly string[] {
    return this.#found
      .filter(({ atMs }) => nowMs - atMs < shownMs)
      .map(({ model, taskType, words, atMs }) => {
        const of = taskType === undefined ? model : `${model}, ${taskType}`;
        return `${of}: ${words} (${isoDate(atMs)})`;
      });
  }
}

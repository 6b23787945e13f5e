import { contain } from '@will/core';
import { toBinary } from '@bufbuild/protobuf';
import { create, subjects, wire } from '@will/contracts';
import type { Bus } from '../api.ts';
import { type AuditWords, GatheredRefusals } from '../access/refusals.ts';

/** Notes of a service on their way to the audit log. */
export interface AuditNotes {
  /** Never throws and never waits. */
  note(words: AuditWords): void;
  /**
   * Notes a refusal. Those of one actor, object and reason within a minute become two entries at most: the first, and the
   * number of the others with their first and last instant. What the detail quotes is no part of the reason.
   */
  refused(words: AuditWords): void;
  /** Sends what waits, at most once more. */
  stop(): Promise<void>;
}

const gatherMs = 100;
const retryMs = 1_000;
const maxWaiting = 2_000;
/** Of refusals: the one that causes many leaves room for what else has to be noted. */
const maxRefusalsWaiting = 1_000;
const refusalWindowMs = 60_000;
const maxAtOnce = 200;
const answerMs = 3_000;

/**
 * Takes notes to the audit log in batches and repeats them until they were stored. While they cannot be, it keeps the
 * first two thousand, of which refusals take at most half, and a count of the rest.
 */
export function auditNotes(bus: Bus, service: string, onError: (what: string, error: unknown) => void): AuditNotes {
  const waiting: wire.AuditEntry[] = [];
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  let sending: Promise<void> = Promise.resolve();
  const entryOf = (words: AuditWords): wire.AuditEntry =>
    create(wire.AuditEntrySchema, { ...words, service, atUnixMs: BigInt(Date.now()) });

  let active: Promise<void> | undefined;
  // One batch after another: two under way at once would both hold the same notes, and each take its number from those that wait.
  const send = (): Promise<void> => {
    timer = undefined;
    active ??= sendBatch().finally(() => {
      active = undefined;
    });
    return active;
  };
  const sendBatch = async (): Promise<void> => {
    const entries = waiting.slice(0, maxAtOnce);
    if (entries.length === 0) return;
    try {
      const note = toBinary(wire.AuditNoteSchema, create(wire.AuditNoteSchema, { entries }));
      await bus.request(subjects.audit('note'), note, answerMs);
      waiting.splice(0, entries.length);
      if (dropped > 0 && waiting.length < maxWaiting) {
        const lost = { actor: service, action: 'audit.shortened', object: '', detail: `${dropped} notes had no room` };
        waiting.push(entryOf(lost));
        dropped = 0;
      }
      if (waiting.length > 0) schedule(0);
    } catch (error) {
      onError('notes for the audit log wait', error);
      schedule(retryMs);
    }
  };
  const schedule = (afterMs: number): void => {
    const sendNow = (): Promise<void> => {
      sending = send();
      return sending;
    };
    timer ??= setTimeout(
      contain(sendNow, (error) => onError('notes for the audit log wait', error)),
      afterMs,
    );
  };
  const take = (words: AuditWords, most: number): void => {
    if (waiting.length >= most) {
      dropped += 1;
      return;
    }
    waiting.push(entryOf(words));
    schedule(gatherMs);
  };
  const refusals = new GatheredRefusals((words) => take(words, maxRefusalsWaiting), refusalWindowMs, Date.now);
  return {
    note: (words) => take(words, maxWaiting),
    refused: (words) => refusals.add(words),
    async stop() {
      refusals.flush();
      clearTimeout(timer);
      await sending;
      await send();
      clearTimeout(timer);
    },
  };
}

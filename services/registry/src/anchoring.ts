import type { AuditAnchor } from '@will/observe';
import { repeat } from '@will/runtime';
import type { AuditHead } from '@will/store';

export interface AnchoringOptions {
  /** Where the log ends now. */
  readonly head: () => AuditHead;
  readonly anchor: AuditAnchor;
  readonly everyMs: number;
  readonly nowMs: () => number;
  readonly onError: (what: string, error: unknown) => void;
}

/** Anchors the end of the audit log at its start, every so often where it has grown, and at the last moment. */
export function anchorHead({ head, anchor, everyMs, nowMs, onError }: AnchoringOptions): { stop(): Promise<void> } {
  let anchored = 0;
  const anchorNow = async (): Promise<void> => {
    const { sequence, digest } = head();
    if (sequence === anchored) return;
    try {
      await anchor.write({ atMs: nowMs(), sequence, digest });
      anchored = sequence;
    } catch (error) {
      onError('the end of the audit log is not anchored; it is tried again', error);
    }
  };
  const first = anchorNow();
  const turns = repeat(everyMs, anchorNow, onError);
  return {
    async stop() {
      await turns.stop();
      await first;
      await anchorNow();
    },
  };
}

import type { DataClass, Facts, Model, StyleOrder, TaskTypeDocument } from '@will/core';
import type { wire } from '@will/contracts';
import type { CallHook } from '@will/extension';
import type { ModelConnection, ProviderOutcome } from '@will/providers';
import type { PayloadSource } from '../ports.ts';
import type { Refusal } from './authorize.ts';
import type { CallIndex } from './call-index.ts';
import type { StartWindow } from './start-window.ts';
import type { WholeAsStream } from './whole-as-stream.ts';

/** Ports and facts that one call of a model is made with. */
export interface CallDeps {
  readonly calls: Pick<CallIndex, 'add' | 'remove' | 'ended'>;
  /** What is done to the messages for this model; undefined: they go as they came. */
  readonly style: StyleOrder | undefined;
  readonly window: StartWindow;
  readonly workerId: string;
  /** Output tokens it may make; undefined: no limit that we know of. */
  readonly maxOutputTokens: number | undefined;
  readonly model: Model;
  readonly connection: ModelConnection;
  readonly wholeAsStream: WholeAsStream;
  readonly payloads: PayloadSource;
  readonly hooks: readonly CallHook[];
  readonly facts: Facts | undefined;
  /** The rules once more, for data that counts so. */
  readonly authorizeAgain: (dataClass: DataClass) => Refusal | undefined;
  readonly onError: (what: string, error: unknown) => void;
  /** What documents say of the task's type. */
  readonly taskType: TaskTypeDocument | undefined;
  readonly nowMs: () => number;
  readonly record: (record: wire.CallRecord) => void;
  /** Told what was said, where the client's document switches that on; undefined: nobody listens. */
  readonly keepContent: ((input: Uint8Array, output: string) => void) | undefined;
  /** Told of its first content, where that comes before its end. */
  readonly onFirstContent: () => void;
  /** Told of each piece of content. */
  readonly onChunk: () => void;
  /** What became of the call at the provider, told before anybody else hears of it. */
  readonly onOutcome: (outcome: ProviderOutcome) => void;
}

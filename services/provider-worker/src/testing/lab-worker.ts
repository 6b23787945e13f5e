import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { create, wire } from '@will/contracts';
import type { ModelDocument } from '@will/core';
import { createProviders, type ModelConnection } from '@will/providers';
import { exactClock, modelFor } from '@will/testkit';
import type { IncomingCall } from '../ports.ts';
import { CallIndex } from '../call/call-index.ts';
import { StartWindow } from '../call/start-window.ts';
import { WholeAsStream } from '../call/whole-as-stream.ts';
import { WorkerCall } from '../call/worker-call.ts';

/** What became of one call, as a caller, a router and the records see it. */
export interface LabRan {
  readonly record: wire.CallRecord;
  readonly text: string;
  readonly refusal: string;
  readonly reasoning: string;
  readonly calls: readonly LabCall[];
  /** Words to the router. */
  readonly words: readonly string[];
  readonly errors: readonly string[];
}

export interface LabCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

export interface LabAsked {
  readonly inputKind?: string;
  readonly input: string;
  readonly stream: boolean;
  /** Default: 20 s. */
  readonly timeoutMs?: number;
}

/** A model of the lab: 2,000 nano-USD for a token that goes in, 10,000 for one that comes out. */
export const labModel = (fields: Partial<ModelDocument>): ReturnType<typeof modelFor> =>
  modelFor({ api_key: 'env://LAB_PROVIDER_KEY', prices: { input: 2, output: 10 }, ...fields });

export function openLabModel(fields: Partial<ModelDocument>): Promise<ModelConnection> {
  const model = labModel(fields);
  const provider = createProviders({ dataDir: '.', threads: 1 }).get(model.provider);
  if (!provider) throw new Error(`there is no provider ${model.provider}`);
  return provider.open(model);
}

/** One call by the worker's own code; what it says goes through the wire's bytes, as it does on the bus. */
export async function askInLab(connection: ModelConnection, asked: LabAsked, attemptId = 'a'): Promise<LabRan> {
  const { inputKind = 'chat', input, stream, timeoutMs = 20_000 } = asked;
  const frames: wire.Frame[] = [];
  const words: string[] = [];
  const errors: string[] = [];
  const records: wire.CallRecord[] = [];
  const request = create(wire.CallRequestSchema, {
    attemptId,
    taskId: attemptId,
    attempt: 1,
    mayCommit: true,
    stream,
    inputKind,
    input: Buffer.from(input),
    inputTokens: 256,
    deadlineUnixMs: BigInt(Date.now() + timeoutMs),
    startUntilUnixMs: BigInt(Date.now() + timeoutMs),
    facts: { client: 'lab' },
  });
  const toRouter = (kind: wire.CallEvent['kind']): void => {
    toBinary(wire.CallEventSchema, create(wire.CallEventSchema, { attemptId, workerId: 'lab', kind }));
    words.push(kind.case ?? '');
  };
  const incoming: IncomingCall = {
    request,
    dataClass: 'open',
    toCaller: (frame) => frames.push(fromBinary(wire.FrameSchema, toBinary(wire.FrameSchema, frame))),
    toRouter,
    endToRouter(kind) {
      toRouter(kind);
      return { sayAgain: () => toRouter(kind) };
    },
  };
  const call = new WorkerCall(
    {
      calls: new CallIndex(),
      style: undefined,
      window: new StartWindow(exactClock(), incoming),
      wholeAsStream: new WholeAsStream(),
      workerId: 'lab',
      maxOutputTokens: undefined,
      model: labModel({}),
      connection,
      payloads: { get: () => Promise.reject(new Error('no payload')) },
      hooks: [],
      facts: undefined,
      authorizeAgain: () => undefined,
      onError: (what, error) => errors.push(`${what}: ${String(error)}`),
      taskType: undefined,
      nowMs: Date.now,
      record: (record) => records.push(fromBinary(wire.CallRecordSchema, toBinary(wire.CallRecordSchema, record))),
      keepContent: undefined,
      onFirstContent: () => {},
      onChunk: () => {},
      onOutcome: () => {},
    },
    incoming,
  );
  await call.run();
  const [record] = records;
  if (!record) throw new Error('the call left no record');
  return { record, words, errors, ...contentOf(frames) };
}

function contentOf(frames: readonly wire.Frame[]): Pick<LabRan, 'text' | 'refusal' | 'reasoning' | 'calls'> {
  const deltas = frames.flatMap(({ kind }) =>
    kind.case === 'delta' ? [kind.value] : kind.case === 'end' && kind.value.output ? [kind.value.output] : [],
  );
  const pieces = deltas.flatMap(({ toolCalls }) =>
    toolCalls.length === 0 ? [] : (JSON.parse(Buffer.from(toolCalls).toString()) as readonly Piece[]),
  );
  return {
    text: deltas.map(({ text }) => text).join(''),
    refusal: deltas.map(({ refusal }) => refusal).join(''),
    reasoning: deltas.map(({ reasoning }) => reasoning).join(''),
    calls: joined(pieces),
  };
}

interface Piece {
  readonly index: number;
  readonly id?: string;
  readonly function: { readonly name?: string; readonly arguments?: string };
}

/** As clients put them together: by index, names and arguments appended. */
function joined(pieces: readonly Piece[]): LabCall[] {
  const calls: { id: string; name: string; arguments: string }[] = [];
  for (const { index, id = '', function: called } of pieces) {
    const call = (calls[index] ??= { id: '', name: '', arguments: '' });
    call.id += id;
    call.name += called.name ?? '';
    call.arguments += called.arguments ?? '';
  }
  return calls;
}

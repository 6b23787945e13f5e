import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChangeBook, type ChangeSignal, type ComparedRecord } from '@will/core';

/**
 * Replays recorded requests in their order, again and again for a day each, and tells how many silent changes were found
 * where there was none, and after how many calls planted ones were.
 *
 *   WILL_TRACES=folder npm run simulate:changes
 *
 * The folder holds `azure*.csv` (t_ms, prompt_tokens, output_tokens) and `llmperf*.csv`, as `npm run simulate` reads them.
 */
const folder = process.env['WILL_TRACES'];
if (folder === undefined) {
  process.stderr.write('WILL_TRACES must name a folder with azure*.csv and llmperf*.csv\n');
  process.exit(2);
}
const rowsOf = (file: string): string[][] =>
  readFileSync(join(folder, file), 'utf8')
    .trim()
    .split('\n')
    .slice(1)
    .map((row) => row.trim().split(','));

interface Request {
  readonly atMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}
const requestsOf = (file: string): Request[] =>
  rowsOf(file).map(([at, input, output]) => ({
    atMs: Number(at),
    inputTokens: Number(input),
    outputTokens: Number(output),
  }));
/** Milliseconds of calls over their tokens, of one provider and model, in the order of the recording. */
const paces = rowsOf('llmperf_provider_latency.csv')
  .filter(([provider, model, , , , , , error]) => provider === 'anyscale' && model === '70b' && (error ?? '') === '')
  .map(([, , , , endToEnd, , output]) => (Number(endToEnd) * 1_000) / (Number(output) + 50));

interface Change {
  readonly length?: number;
  readonly latency?: number;
  readonly refusals?: number;
}

function callOf(
  { inputTokens, outputTokens }: Request,
  n: number,
  startedAtMs: number,
  change: Change,
): ComparedRecord {
  const tokens = Math.round(outputTokens * (change.length ?? 1));
  const isRefused = change.refusals !== undefined && (n * 7_919) % 1_000 < change.refusals * 1_000;
  return {
    model: 'm',
    client: 'all',
    modelVersion: '',
    servedVersion: '',
    taskType: 'text_gen',
    startedAtMs,
    durationMs: Math.round((tokens + 50) * (paces[n % paces.length] ?? 1) * (change.latency ?? 1)),
    outcome: 'Success',
    status: 'Success',
    finish: isRefused ? 'content_filter' : 'stop',
    usage: { inputTokens, outputTokens: tokens, cachedInputTokens: 0, reasoningTokens: 0, estimated: false },
  };
}

const dayMs = 24 * 3_600_000;
const planted: readonly (readonly [ChangeSignal, Change])[] = [
  ['length', { length: 2 }],
  ['length', { length: 0.5 }],
  ['latency', { latency: 1.5 }],
  ['refusals', { refusals: 0.2 }],
];

for (const file of ['azure2023_conv.csv', 'azure2023_code.csv']) {
  const requests = requestsOf(file);
  const lengthMs = (requests.at(-1)?.atMs ?? 0) + 1_000;
  const falsely = new ChangeBook();
  let calls = 0;
  let alarms = 0;
  for (let turn = 0; turn * lengthMs < dayMs; turn += 1)
    for (const request of requests) {
      alarms += falsely.record(callOf(request, calls, turn * lengthMs + request.atMs, {})).length;
      calls += 1;
    }
  process.stdout.write(`${file}: ${alarms} changes found in ${calls} calls without any, in their order\n`);
  for (const [signal, change] of planted) {
    const delays = Array.from({ length: 20 }, (_, run) => delayOf(requests, change, signal, run / 20)).toSorted(
      (a, b) => a - b,
    );
    const shown = [0.5, 0.95, 1].map((share) => delays[Math.ceil(share * delays.length) - 1]);
    process.stdout.write(
      `  ${signal} ${JSON.stringify(change)}: found after ${shown.join(', ')} calls (median, 95 %, most)\n`,
    );
  }
}

/** Calls from a change at this place of the recording, after one whole turn of it, until it is found. */
function delayOf(requests: readonly Request[], change: Change, signal: ChangeSignal, place: number): number {
  const book = new ChangeBook();
  const from = requests.length + Math.floor(place * requests.length);
  for (let n = 0; n < from + 5_000; n += 1) {
    const request = requests[n % requests.length] as Request;
    const found = book.record(callOf(request, n, n * 1_000, n < from ? {} : change));
    if (n >= from && found.some((one) => one.signal === signal)) return n - from + 1;
  }
  return Number.POSITIVE_INFINITY;
}

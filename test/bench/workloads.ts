import type { Pool } from 'undici';
import type { Way } from './ways.ts';

/** What callers do, over and over. */
export interface Workload {
  readonly name: string;
  readonly concurrency: number;
  /** A floor passes bytes to one path. */
  isFor(way: Way): boolean;
  /** Milliseconds until the first content. @throws the answer is not whole; the message says why, and nothing of the run. */
  call(pool: Pool, headers: Readonly<Record<string, string>>): Promise<number>;
}

interface Dialect {
  readonly name: string;
  readonly path: string;
  readonly body: object;
  /** The end of a whole stream. */
  readonly end: string;
}

const prompt = 'x'.repeat(1_000);
const dialects: readonly Dialect[] = [
  {
    name: 'chat',
    path: '/v1/chat/completions',
    body: { messages: [{ role: 'user', content: prompt }] },
    end: '[DONE]',
  },
  {
    name: 'messages',
    path: '/v1/messages',
    body: { max_tokens: 256, messages: [{ role: 'user', content: prompt }] },
    end: 'message_stop',
  },
  { name: 'responses', path: '/v1/responses', body: { input: prompt }, end: 'response.completed' },
];
const [chat] = dialects as [Dialect];

function workload(dialect: Dialect, model: string, stream: boolean, concurrency: number): Workload {
  const body = JSON.stringify({ model, ...dialect.body, ...(stream && { stream }) });
  return {
    name: `${dialect.name}, ${stream ? (model === 'paced' ? '100 chunks 5 ms apart' : 'streamed') : 'plain'}, c${concurrency}`,
    concurrency,
    isFor: ({ name }) => dialect === chat || !name.startsWith('floor'),
    async call(pool, headers) {
      const startedMs = performance.now();
      const answer = await pool.request({
        method: 'POST',
        path: dialect.path,
        headers: { 'content-type': 'application/json', authorization: 'Bearer none', ...headers },
        body,
      });
      let firstMs = Number.NaN;
      let tail = '';
      for await (const chunk of answer.body) {
        const text = tail + String(chunk);
        // The empty piece with the role comes before it.
        if (Number.isNaN(firstMs) && /"(content|text|delta)": ?"[^"]/.test(text))
          firstMs = performance.now() - startedMs;
        tail = text.slice(-1_000);
      }
      if (answer.statusCode !== 200) throw new Error(`status ${answer.statusCode}`);
      if (stream && !tail.includes(dialect.end)) throw new Error(`a stream without ${dialect.end}`);
      return firstMs;
    },
  };
}

/** One at a time and 32 at once; streams; and six as other gateways publish theirs: three dialects, plain and streamed, ten at once. */
export const workloads: readonly Workload[] = [
  workload(chat, 'bench', false, 32),
  workload(chat, 'bench', false, 1),
  workload(chat, 'paced', true, 1),
  workload(chat, 'paced', true, 32),
  ...dialects.flatMap((dialect) => [false, true].map((stream) => workload(dialect, 'bench', stream, 10))),
];

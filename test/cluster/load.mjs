// node load.mjs URL KEY CALLERS SECONDS: bounded load; each call on a connection of its own. Prints counts by result.
import { setTimeout as wait } from 'node:timers/promises';

const [url, key, callers, seconds] = process.argv.slice(2);
const until = Date.now() + Number(seconds) * 1000;
const counts = {};

async function call() {
  const started = { method: 'POST', signal: AbortSignal.timeout(60_000) };
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', connection: 'close' };
  const body = JSON.stringify({ model: 'text_gen', messages: [{ role: 'user', content: 'Hello' }] });
  try {
    const answer = await fetch(url, { ...started, headers, body });
    await answer.text();
    return answer.status;
  } catch (error) {
    await wait(200);
    return error.cause?.code ?? error.name;
  }
}

async function caller() {
  while (Date.now() < until) {
    const result = await call();
    counts[result] = (counts[result] ?? 0) + 1;
  }
}

await Promise.all(Array.from({ length: Number(callers) }, caller));
console.log(JSON.stringify(counts));
process.exit(Object.keys(counts).every((result) => result === '200') ? 0 : 1);

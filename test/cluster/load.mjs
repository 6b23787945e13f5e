// node load.mjs '{"url", "key", "model", "perSecond", "seconds", "durableShare", "out"}'
// Starts tasks at a constant rate, whatever becomes of the earlier ones: plain answers on new and on kept connections,
// streams, and durable tasks. Each durable task that was accepted is asked for until it has ended. Prints what became of
// them as JSON; `out` gets a line for each second. Exit code 0: no interactive task failed and no durable one was lost.
import { appendFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';

const { url, key, model, perSecond, seconds, durableShare = 0.1, out } = JSON.parse(process.argv[2]);
const kept = new Agent({ keepAlive: true, maxSockets: 100 });
const startedMs = Date.now();
const results = {};
const times = [];
const failures = [];
const durable = { accepted: 0, succeeded: 0, ended_otherwise: 0, lost: 0, refused: {} };
let bySecond = { ok: 0, failed: 0 };

const noted = (counts, name) => (counts[name] = (counts[name] ?? 0) + 1);
const atSecond = () => Math.round((Date.now() - startedMs) / 100) / 10;

/** Status and text of an answer, or the code of the error by which the connection ended. */
function send(method, path, body, agent, headers = {}) {
  return new Promise((resolve) => {
    const sent = request(new URL(path, url), {
      method,
      agent,
      // As long as the vendors' own libraries wait.
      timeout: 600_000,
      headers: {
        host: 'gateway.will.svc',
        authorization: `Bearer ${key}`,
        'content-type': 'application/json',
        ...headers,
      },
    });
    const failed = (error) => resolve({ status: error.code ?? error.message, text: '' });
    sent.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (piece) => (text += piece));
      response.on('end', () => resolve({ status: response.statusCode, text }));
      response.on('error', failed);
    });
    sent.on('timeout', () => sent.destroy(Object.assign(new Error(), { code: 'TIMEOUT' })));
    sent.on('error', failed);
    sent.end(body && JSON.stringify(body));
  });
}

async function interactive(name, agent, stream) {
  const begunMs = Date.now();
  const body = { model, stream, messages: [{ role: 'user', content: 'Hello' }] };
  const { status, text } = await send('POST', '/v1/chat/completions', body, agent);
  const isWhole = status === 200 && (!stream || text.endsWith('data: [DONE]\n\n'));
  noted(results, `${name} ${isWhole ? 'ok' : status}`);
  if (isWhole) {
    bySecond.ok += 1;
    times.push(Date.now() - begunMs);
  } else {
    bySecond.failed += 1;
    failures.push([atSecond(), name, status, text.slice(0, 400)]);
  }
}

/** Its own idempotency key makes a submission repeatable: one that was not answered is sent again, as a caller would. */
async function submitted() {
  const headers = { 'idempotency-key': crypto.randomUUID() };
  for (let attempt = 1; ; attempt += 1) {
    const answer = await send('POST', '/v1/tasks', { type: 'text_gen', model, input: 'Hello' }, kept, headers);
    if (answer.status === 202 || answer.status === 200) {
      durable.accepted += 1;
      return await ended(JSON.parse(answer.text).task_id);
    }
    noted(durable.refused, answer.status);
    if (answer.status < 500) failures.push([atSecond(), 'submission', answer.status, answer.text.slice(0, 400)]);
    if (attempt === 30) return;
    await wait(1_000);
  }
}

async function ended(taskId) {
  const untilMs = Date.now() + (seconds + 240) * 1000;
  while (Date.now() < untilMs) {
    const { status, text } = await send('GET', `/v1/tasks/${taskId}?wait_ms=10000`, undefined, kept);
    const state = status === 200 ? JSON.parse(text).state : undefined;
    if (state === 'succeeded') return void (durable.succeeded += 1);
    if (['failed', 'dead', 'cancelled', 'expired'].includes(state)) {
      failures.push([atSecond(), 'durable', state, text.slice(0, 400)]);
      return void (durable.ended_otherwise += 1);
    }
    if (status !== 200) await wait(1_000);
  }
  failures.push([atSecond(), 'durable', 'lost', taskId]);
  durable.lost += 1;
}

function messageOf(text) {
  const [, message = text] = /"message":"((?:[^"\\\\]|\\\\.)*)"/.exec(text) ?? [];
  return message.replaceAll(/[A-Za-z0-9_-]{20,}/g, '…').slice(0, 200);
}

const kinds = [
  () => interactive('plain, new connection', new Agent(), false),
  () => interactive('stream, kept connection', kept, true),
  () => interactive('plain, kept connection', kept, false),
];
const underWay = [];
const tick = setInterval(() => {
  if (out) appendFileSync(out, `${JSON.stringify({ atMs: Date.now(), ...bySecond })}\n`);
  bySecond = { ok: 0, failed: 0 };
}, 1000);
const count = perSecond * seconds;
for (let made = 0; made < count; made += 1) {
  await wait(Math.max(0, startedMs + (made * 1000) / perSecond - Date.now()));
  const isDurable = Math.floor(made * durableShare) !== Math.floor((made + 1) * durableShare);
  underWay.push(isDurable ? submitted() : kinds[made % kinds.length]());
}
await Promise.all(underWay);
clearInterval(tick);
times.sort((a, b) => a - b);
/** Failures by their message, ids left out: which kinds there were, and how many of each. */
const kindsOfFailure = {};
for (const [, name, status, text] of failures)
  noted(kindsOfFailure, `${name.includes('connection') ? '' : `${name} `}${status} ${messageOf(text)}`);
const at = (share) => times[Math.min(times.length - 1, Math.floor(times.length * share))];
/** Of durable tasks: those are told first. */
const isRare = ([, name]) => !name.includes('connection');
const failed = failures.filter(([, name]) => name.includes('connection')).length;
const lost = durable.accepted - durable.succeeded;
console.log(
  JSON.stringify({
    perSecond,
    seconds,
    interactive: times.length + failed,
    failed,
    results,
    ms: { p50: at(0.5), p99: at(0.99), max: times.at(-1) },
    durable,
    kindsOfFailure,
    failures: failures.toSorted((a, b) => isRare(b) - isRare(a)).slice(0, 20),
  }),
);
kept.destroy();
process.exit(failed === 0 && lost === 0 ? 0 : 1);

import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Behaviour, SeenRequest } from './behaviour.ts';
import type { Content, Dialect, Finish } from './vendor-dialects.ts';

const words = 'The quick brown fox jumps over the lazy dog and runs away.';
/** What no vendor's dialect reads, with what ends a good stream behind it. */
export const malformedEvent = 'data: {"choices":[{"delta":\n\ndata: [DONE]\n\n';
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Plays what has a form of its own in each vendor's dialect; false: this behaviour is the same for all. */
export function playVendor(
  dialect: Dialect,
  behaviour: Behaviour,
  seen: SeenRequest,
  response: ServerResponse,
): boolean {
  if (behaviour.kind === 'answer') void answer(dialect, behaviour, seen, response);
  else if (behaviour.kind === 'filtered') send(dialect, seen, response, { kind: 'refused' });
  else if (behaviour.kind === 'tool_call') send(dialect, seen, response, { kind: 'tool_call' });
  else if (behaviour.kind === 'breaks') void breakOff(dialect, behaviour, seen, response);
  else return false;
  return true;
}

async function answer(
  dialect: Dialect,
  { text = words, chunks, gapMs = 0, delayMs = 0, finish }: Extract<Behaviour, { kind: 'answer' }>,
  seen: SeenRequest,
  response: ServerResponse,
): Promise<void> {
  const ended = finish === 'length' ? 'length' : 'stop';
  if (delayMs > 0) await pause(delayMs);
  if (!seen.stream) return send(dialect, seen, response, { kind: 'text', text, finish: ended });
  const pieces = chunks === undefined ? text.split(/(?<= )/) : Array.from({ length: chunks }, (_, n) => `piece ${n} `);
  begin(dialect, seen, response);
  for (const piece of pieces) {
    if (gapMs > 0) await pause(gapMs);
    if (response.destroyed) return;
    response.write(dialect.piece(piece));
  }
  response.end(dialect.end(ended));
}

const finishOf: Readonly<Record<Content['kind'], Finish>> = {
  text: 'stop',
  tool_call: 'tool_calls',
  refused: 'refused',
};

function send(dialect: Dialect, seen: SeenRequest, response: ServerResponse, content: Content): void {
  if (!seen.stream) {
    response.writeHead(200, { 'content-type': 'application/json' });
    return void response.end(JSON.stringify(dialect.whole(seen.model, content)));
  }
  begin(dialect, seen, response);
  if (content.kind === 'tool_call') response.write(dialect.toolCall());
  response.end(dialect.end(finishOf[content.kind]));
}

function begin(dialect: Dialect, seen: SeenRequest, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(dialect.begin(seen.model));
}

async function breakOff(
  dialect: Dialect,
  behaviour: Extract<Behaviour, { kind: 'breaks' }>,
  seen: SeenRequest,
  response: ServerResponse,
): Promise<void> {
  begin(dialect, seen, response);
  for (let n = 0; n < behaviour.after; n += 1) response.write(dialect.piece(`piece ${n} `));
  // What was written is on its way before the break.
  if (response.writableNeedDrain) await once(response, 'drain');
  await pause(10);
  if (behaviour.how === 'cut') response.socket?.destroy();
  else if (behaviour.how === 'error_event') response.end(dialect.errorEvent);
  else if (behaviour.how === 'malformed') response.end(malformedEvent);
  else if (behaviour.how === 'end_without_marker') response.end();
}

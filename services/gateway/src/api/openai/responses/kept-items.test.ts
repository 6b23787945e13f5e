import { expect, test } from 'vitest';
import { KeptItems } from './kept-items.ts';

const hour = 3_600_000;

test('an item is found by its id alone, for an hour', () => {
  let nowMs = 0;
  const kept = new KeptItems(() => nowMs).of('acme');
  const id = kept.newId('msg');
  kept.keep(id, { type: 'message', content: 'pong' });
  expect(kept.find(id)).toEqual({ type: 'message', content: 'pong' });
  expect([kept.find(kept.newId('msg')), kept.find('msg_1')]).toEqual([undefined, undefined]);
  nowMs = hour;
  expect(kept.find(id)).toBeUndefined();
});

test('an item is found by nobody but its owner, also with its id', () => {
  const kept = new KeptItems(() => 0);
  const id = kept.of('acme').newId('msg');
  kept.of('acme').keep(id, { content: 'pong' });
  expect(kept.of('acme').find(id)).toEqual({ content: 'pong' });
  expect(kept.of('globex').find(id)).toBeUndefined();
});

test('of more than fits the oldest go, and one that is too large is not kept', () => {
  const kept = new KeptItems(() => 0).of('acme');
  const huge = kept.newId('msg');
  kept.keep(huge, { text: 'x'.repeat(300 * 1024) });
  expect(kept.find(huge)).toBeUndefined();
  const ids = Array.from({ length: 200 }, () => kept.newId('msg'));
  for (const id of ids) kept.keep(id, { text: 'x'.repeat(250 * 1024) });
  const found = ids.map((id) => kept.find(id) !== undefined);
  expect(found.slice(0, 60)).not.toContain(true);
  expect(found.slice(-100)).not.toContain(false);
});

test('what is kept cannot be read by who was not given the id', () => {
  const kept = new KeptItems(() => 0).of('acme');
  const id = kept.newId('msg');
  kept.keep(id, { content: 'said in confidence' });
  const seen: string[] = [];
  const look = (value: unknown): void => {
    if (Buffer.isBuffer(value)) seen.push(value.toString('latin1'));
    else seen.push(JSON.stringify(value) ?? '');
  };
  // Its only state is a map of places to sealed bytes, which the map's own methods show.
  const { set } = Map.prototype;
  Map.prototype.set = function spied(place: unknown, value: unknown) {
    look(place);
    look((value as { sealed?: unknown }).sealed);
    return set.call(this, place, value);
  };
  try {
    kept.keep(id, { content: 'said in confidence' });
  } finally {
    Map.prototype.set = set;
  }
  expect(seen).toHaveLength(2);
  expect(seen.join()).not.toContain('confidence');
  expect(seen.join()).not.toContain(id.slice(4));
});

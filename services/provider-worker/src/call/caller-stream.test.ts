import { create } from '@bufbuild/protobuf';
import { wire } from '@will/contracts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CallerStream } from './caller-stream.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const started = create(wire.StartedSchema, { workerId: 'w', model: 'm' });
function stream(): { frames: wire.Frame[]; stream: CallerStream; texts: () => string[] } {
  const frames: wire.Frame[] = [];
  const texts = (): string[] => frames.flatMap(({ kind }) => (kind.case === 'delta' ? [kind.value.text] : []));
  return { frames, texts, stream: new CallerStream((frame) => frames.push(frame), 'task', 2) };
}

test('the first piece goes out at once, later ones of the same moment together', () => {
  const { stream: own, texts } = stream();
  own.start(started);
  own.add({ text: 'a' });
  expect(texts()).toEqual(['a']);
  own.add({ text: 'b' });
  own.add({ text: 'c' });
  expect(texts()).toEqual(['a']);
  vi.advanceTimersByTime(10);
  expect(texts()).toEqual(['a', 'bc']);
});

test('what waits goes out before the end, and frames are numbered without gaps', () => {
  const { stream: own, frames, texts } = stream();
  own.start(started);
  own.add({ text: 'a' });
  own.add({ text: 'b' });
  own.end(create(wire.EndSchema));
  expect(texts()).toEqual(['a', 'b']);
  expect(frames.map(({ sequence, attempt }) => [sequence, attempt])).toEqual([
    [1, 2],
    [2, 2],
    [3, 2],
    [4, 2],
  ]);
  vi.advanceTimersByTime(100);
  expect(frames).toHaveLength(4);
});

test('a tool call keeps its place between the texts', () => {
  const { stream: own, frames } = stream();
  own.start(started);
  own.add({ text: 'a' });
  own.add({ text: 'b' });
  own.add({ toolCalls: '[]' });
  own.add({ text: 'c' });
  own.flush();
  const kinds = frames.flatMap(({ kind }) => (kind.case === 'delta' ? [kind.value.text || 'tool'] : []));
  expect(kinds).toEqual(['a', 'b', 'tool', 'c']);
});

import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, expect, test, vi } from 'vitest';
import { PacedWriter } from './paced-writer.ts';

/** A response whose socket can be full. */
class FakeResponse extends EventEmitter {
  readonly writes: string[] = [];
  destroyed = false;
  isFull = false;
  write(text: string): boolean {
    this.writes.push(text);
    return !this.isFull;
  }
  writableEnded = false;
  end(text: string): void {
    this.writableEnded = true;
    this.writes.push(`${text}|end`);
    if (!this.isFull) this.emit('close');
  }
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function open(): { response: FakeResponse; writer: PacedWriter; stalls: number[] } {
  const response = new FakeResponse();
  const stalls: number[] = [];
  const givenUp = (): string => {
    stalls.push(1);
    return 'too slow';
  };
  return { response, writer: new PacedWriter(response as unknown as ServerResponse, givenUp), stalls };
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('the first piece leaves before the turn of the event loop ends', async () => {
  const { response, writer } = open();
  writer.write('a');
  await Promise.resolve();
  expect(response.writes).toEqual(['a']);
});

test('pieces of one turn leave in one write', async () => {
  const { response, writer } = open();
  writer.write('a');
  await turn();
  for (const piece of ['b', 'c', 'd']) {
    writer.write(piece);
    await Promise.resolve();
  }
  await turn();
  expect(response.writes).toEqual(['a', 'bcd']);
});

test('the end takes along what waits', () => {
  const { response, writer } = open();
  writer.write('a');
  writer.end('z');
  writer.write('too late');
  expect(response.writes).toEqual(['az|end']);
});

test('while the reader is slow pieces wait, and none is lost', async () => {
  const { response, writer } = open();
  response.isFull = true;
  writer.write('a');
  await turn();
  writer.write('b');
  await turn();
  writer.write('c');
  await turn();
  expect(response.writes).toEqual(['a']);
  response.isFull = false;
  response.emit('drain');
  expect(response.writes).toEqual(['a', 'bc']);
});

test('two megabytes at once, whole or in pieces, all reach a reader that is slow for a moment', async () => {
  for (const pieces of [1, 200]) {
    const { response, writer, stalls } = open();
    response.isFull = true;
    const piece = 'x'.repeat(2_000_000 / pieces);
    for (let n = 0; n < pieces; n += 1) writer.write(piece);
    writer.end('z');
    await turn();
    expect(response.writes).toHaveLength(1);
    while (!response.writableEnded) response.emit('drain');
    expect(response.writes.join('')).toBe(`${piece.repeat(pieces)}z|end`);
    expect(stalls).toEqual([]);
  }
});

test('a reader that takes nothing for 30 s gets an error as its last event, and is closed where it does not take that either', async () => {
  const { response, writer, stalls } = open();
  response.isFull = true;
  writer.write('a');
  await turn();
  vi.useFakeTimers();
  response.emit('drain');
  writer.write('b');
  vi.advanceTimersByTime(1);
  writer.write('c');
  vi.advanceTimersByTime(29_000);
  expect(response.writes).toEqual(['a', 'b']);
  vi.advanceTimersByTime(1_000);
  expect(response.writes).toEqual(['a', 'b', 'too slow|end']);
  expect(stalls).toEqual([1]);
  writer.write('d');
  writer.end('e');
  expect(response.destroyed).toBe(false);
  vi.advanceTimersByTime(5_000);
  expect(response.destroyed).toBe(true);
  expect(response.writes).toHaveLength(3);
});

test('a reader that takes a little now and then is never given up', async () => {
  const { response, writer, stalls } = open();
  response.isFull = true;
  writer.write('a');
  await turn();
  vi.useFakeTimers();
  const piece = 'x'.repeat(100_000);
  for (let n = 0; n < 10; n += 1) writer.write(piece);
  writer.end('z');
  while (!response.writableEnded) {
    vi.advanceTimersByTime(29_000);
    response.emit('drain');
  }
  expect(response.writes.join('')).toBe(`a${piece.repeat(10)}z|end`);
  expect(stalls).toEqual([]);
});

test('what waits for one reader is bounded: one that lets too much pile up is given up, once', async () => {
  const { response, writer, stalls } = open();
  response.isFull = true;
  writer.write('a');
  await turn();
  for (let n = 0; n < 30; n += 1) writer.write('x'.repeat(1_000_000));
  expect(response.writes).toEqual(['a', 'too slow|end']);
  expect(stalls).toEqual([1]);
});

afterEach(() => {
  vi.useRealTimers();
});

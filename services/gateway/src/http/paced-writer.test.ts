import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
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
  end(text: string): void {
    this.writes.push(`${text}|end`);
    this.emit('close');
  }
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}

function open(): { response: FakeResponse; writer: PacedWriter; stalls: number[] } {
  const response = new FakeResponse();
  const stalls: number[] = [];
  return { response, writer: new PacedWriter(response as unknown as ServerResponse, () => stalls.push(1)), stalls };
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

test('a reader that lets a megabyte pile up is given up, once', async () => {
  const { response, writer, stalls } = open();
  response.isFull = true;
  writer.write('a');
  await turn();
  for (let n = 0; n < 30; n += 1) writer.write('x'.repeat(100_000));
  expect(response.destroyed).toBe(true);
  expect(stalls).toEqual([1]);
  expect(response.writes).toEqual(['a']);
});

import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { printJson } from './terminal.ts';
import { fakeTerminal } from './testing/fake-terminal.ts';

/** Every control character of ASCII and Latin-1, and every one that changes the direction of text. */
const evil = [
  ...Array.from({ length: 0xa0 }, (_, code) => code).filter((code) => code < 0x20 || code > 0x7e),
  0x061c,
  0x200e,
  0x200f,
  ...Array.from({ length: 5 }, (_, at) => 0x202a + at),
  ...Array.from({ length: 4 }, (_, at) => 0x2066 + at),
].map((code) => String.fromCodePoint(code));
const steering = evil.filter((character) => character !== '\n' && character !== '\t');
const text = `a${evil.join('b')}c`;

const holdsNone = (written: string): boolean => steering.every((character) => !written.includes(character));

test('no control character reaches a terminal, by stdout or stderr, and all else does', () => {
  const terminal = fakeTerminal({ isInteractive: true });
  terminal.out(text);
  terminal.content(text);
  terminal.err(text);
  expect(steering.length).toBe(75);
  expect(holdsNone(terminal.stdout() + terminal.stderr())).toBe(true);
  expect(terminal.stdout()).toContain('\n');
  terminal.out('Ünïcödé 漢字 \u{1f600} אבג');
  expect(terminal.stdout()).toContain('Ünïcödé 漢字 \u{1f600} אבג');
});

test('content goes to a file or program as it is; names and errors never do', () => {
  const terminal = fakeTerminal();
  terminal.content(text);
  expect(terminal.stdout()).toBe(text);
  terminal.out(text);
  terminal.err(text);
  expect(holdsNone(terminal.stdout().slice(text.length) + terminal.stderr())).toBe(true);
});

test('JSON holds none of them either, and says the same', () => {
  const terminal = fakeTerminal();
  printJson(terminal, { [text]: text });
  expect(holdsNone(terminal.stdout())).toBe(true);
  expect(JSON.parse(terminal.stdout())).toEqual({ [text]: text });
});

test('colour is put around text, and what is in the text cannot end it', () => {
  const terminal = fakeTerminal({ hasColour: true });
  terminal.err('\u001b[22mfacts', 'dim');
  expect(terminal.stderr()).toBe('\u001b[2m[22mfacts\u001b[22m');
});

test('no command writes past the terminal', () => {
  const files = readdirSync(new URL('.', import.meta.url), { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.ts') && !name.endsWith('.test.ts'),
  );
  const writers = files.filter((name) =>
    /process\.std(out|err)\.write|console\.|u001b/.test(readFileSync(new URL(name, import.meta.url), 'utf8')),
  );
  expect(files.length).toBeGreaterThan(40);
  expect(writers).toEqual(['terminal.ts']);
});

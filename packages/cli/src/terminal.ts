import { escapedJson, printable } from '@will/core';

/** The streams and signals of a process. Tests bring their own. */
export interface RawTerminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes to stdout as it is. */
  out(text: string): void;
  /** Writes to stderr as it is. */
  err(text: string): void;
  /** Somebody looks at stdout, so JSON is set out for eyes. */
  readonly isInteractive: boolean;
  /** stderr takes colour. */
  readonly hasColour: boolean;
  /** Somebody looks at stderr. */
  readonly isWatched: boolean;
  /** Everything that comes on stdin. */
  readInput(): Promise<string>;
  /** Calls back at the first Ctrl-C; a second one ends the process. Returns how to stop listening. */
  onInterrupt(listener: () => void): () => void;
}

/**
 * The streams that a command reads and writes. Names, answers and errors come from outside: control characters, which
 * a terminal obeys, are taken out of all that is written here.
 */
export interface Terminal extends Omit<RawTerminal, 'out' | 'err' | 'hasColour' | 'isWatched'> {
  /** Writes to stdout, without control characters. */
  out(text: string): void;
  /** Writes to stderr, without control characters; `dim` where it takes colour. */
  err(text: string, style?: 'dim'): void;
  /** Writes content to stdout: as it is to a file or program, without control characters where somebody looks. */
  content(text: string): void;
  /** Says how far long work is, in the place of what it said before; '' takes that away. Nothing where nobody looks at stderr. */
  progress(text: string): void;
  /** Clears the screen, where somebody looks at stdout. */
  clear(): void;
}

/** The one place where text meets a terminal. */
export function safeTerminal(raw: RawTerminal): Terminal {
  const out = (text: string): void => raw.out(printable(text));
  let isLineOpen = false;
  const endLine = (): void => {
    if (isLineOpen) raw.err('\r\u001b[K');
    isLineOpen = false;
  };
  return {
    env: raw.env,
    isInteractive: raw.isInteractive,
    out,
    progress(text) {
      endLine();
      if (!raw.isWatched || text === '') return;
      raw.err(printable(text));
      isLineOpen = true;
    },
    err(text, style) {
      endLine();
      const safe = printable(text);
      raw.err(style === 'dim' && raw.hasColour ? `\u001b[2m${safe}\u001b[22m` : safe);
    },
    content: (text) => (raw.isInteractive ? out(text) : raw.out(text)),
    clear: () => void (raw.isInteractive && raw.out('\u001b[H\u001b[2J')),
    readInput: () => raw.readInput(),
    onInterrupt: (listener) => raw.onInterrupt(listener),
  };
}

/** The process's own terminal. */
export function processTerminal(): Terminal {
  return safeTerminal({
    env: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isInteractive: process.stdout.isTTY === true,
    isWatched: process.stderr.isTTY === true,
    hasColour: process.stderr.isTTY === true && !process.env['NO_COLOR'],
    async readInput() {
      const chunks: Buffer[] = [];
      for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
      return Buffer.concat(chunks).toString('utf8');
    },
    onInterrupt(listener) {
      process.once('SIGINT', listener);
      return () => process.off('SIGINT', listener);
    },
  });
}

/** One JSON value on stdout: one line for programs, indented for people. */
export function printJson(terminal: Terminal, value: unknown): void {
  terminal.out(`${escapedJson(JSON.stringify(value, plainValue, terminal.isInteractive ? 2 : undefined))}\n`);
}

/** What JSON does not know: big integers become numbers where they fit, bytes become text, names of messages go. */
function plainValue(key: string, value: unknown): unknown {
  if (key === '$typeName' || key === '$unknown') return undefined;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  return value;
}

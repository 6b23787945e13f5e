/** Where a command reads and writes. Tests bring their own. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Writes to stdout as it is. */
  out(text: string): void;
  /** Writes to stderr as it is. */
  err(text: string): void;
  /** Somebody looks at stdout, so JSON is set out for eyes. */
  readonly isInteractive: boolean;
  /** stderr takes colour. */
  readonly hasColour: boolean;
  /** Everything that comes on stdin. */
  readInput(): Promise<string>;
  /** Calls back at the first Ctrl-C; a second one ends the process. Returns how to stop listening. */
  onInterrupt(listener: () => void): () => void;
}

/** The process's own terminal. */
export function processTerminal(): Terminal {
  return {
    env: process.env,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    isInteractive: process.stdout.isTTY === true,
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
  };
}

export const dim = ({ hasColour }: Terminal, text: string): string => (hasColour ? `\u001b[2m${text}\u001b[22m` : text);

/** One JSON value on stdout: one line for programs, indented for people. */
export function printJson(terminal: Terminal, value: unknown): void {
  terminal.out(`${JSON.stringify(value, plainValue, terminal.isInteractive ? 2 : undefined)}\n`);
}

/** What JSON does not know: big integers become numbers where they fit, bytes become text, names of messages go. */
function plainValue(key: string, value: unknown): unknown {
  if (key === '$typeName' || key === '$unknown') return undefined;
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  return value;
}

import { safeTerminal, type Terminal } from '../terminal.ts';

export interface FakeTerminal extends Terminal {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** As Ctrl-C. */
  interrupt(): void;
}

/** A terminal that keeps what it was told. */
export function fakeTerminal(
  options: {
    env?: Record<string, string>;
    input?: string;
    isInteractive?: boolean;
    hasColour?: boolean;
    isWatched?: boolean;
  } = {},
): FakeTerminal {
  let stdout = '';
  let stderr = '';
  const interrupted = new Set<() => void>();
  const terminal = safeTerminal({
    env: options.env ?? {},
    out: (text) => {
      stdout += text;
    },
    err: (text) => {
      stderr += text;
    },
    isInteractive: options.isInteractive ?? false,
    hasColour: options.hasColour ?? false,
    isWatched: options.isWatched ?? false,
    readInput: async () => options.input ?? '',
    onInterrupt(listener) {
      interrupted.add(listener);
      return () => interrupted.delete(listener);
    },
  });
  return {
    ...terminal,
    stdout: () => stdout,
    stderr: () => stderr,
    interrupt: () => {
      for (const listener of interrupted) listener();
    },
  };
}

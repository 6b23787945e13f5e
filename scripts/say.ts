/** Progress goes to stderr; stdout is for what a command answers. */
export function say(text: string): void {
  process.stderr.write(`will: ${text}\n`);
}

/** Something that the reader can mend: shown as its one line, without a stack. */
export class Mendable extends Error {
  override readonly name = 'Mendable';
}

export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

export const seconds = (sinceMs: number): string => `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

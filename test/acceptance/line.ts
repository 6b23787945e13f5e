import type { World } from './world.ts';

/** One line of the specification, and what shows from outside that the product keeps it. */
export interface Line {
  /** The line, as docs/reference/specification.md names it. */
  readonly line: string;
  /** What is shown, and by which way: the command line, HTTP, gRPC or the bus. */
  readonly title: string;
  /** @throws the product does not keep the line */
  check(world: World): Promise<void>;
}

/** The lines below one heading of the specification, and the documents that they need. */
export interface Section {
  readonly heading: string;
  readonly documents: (world: World) => readonly string[];
  /** Blocks in the specification's notation, word for word. */
  readonly notation?: readonly string[];
  readonly lines: readonly Line[];
}

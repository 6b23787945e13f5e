import type { LogEvent } from '@will/store';

/** One message of the stream of events. */
export interface Delivery {
  /** Size of what {@link read} decodes. */
  readonly bytes: number;
  /** Its events, decoded anew each time: until they are stored only its bytes are kept. What is no event is left out. */
  read(): readonly LogEvent[];
  /** Says that it is stored. A delivery that is never done is redelivered. */
  done(): void;
}

/** The progress of reading and storing the stream. */
export interface StreamProgress {
  /**
   * The instant up to which everything that was told is in the log; undefined: not known.
   * Rejects while NATS is not connected.
   */
  readUntilMs(): Promise<number | undefined>;
}

/** The part of the stream of events that is kept after it was stored. All reject while NATS is not connected. */
export interface EventHistory {
  /** Waits until everything that is in the stream now was stored; false: it was not within `limitMs`. */
  untilTaken(limitMs: number): Promise<boolean>;
  /** Removes every message that tells of a client, whole. @returns how many */
  erase(client: string): Promise<number>;
}

import { isWindowOpen, type ScheduleDocument, type Snapshot } from '@will/core';
import cron, { type ScheduledTask } from 'node-cron';

/** A window of a schedule opened or closed, in one of the zones in which it is read. */
export interface Edge {
  readonly schedule: string;
  readonly timeZone: string;
  /** After the edge. */
  readonly isOpen: boolean;
  readonly atMs: number;
}

/** When an edge may be: a time of day in a zone. Whether the window is open then is looked at when the time comes. */
export interface EdgeTime {
  readonly schedule: ScheduleDocument;
  readonly timeZone: string;
  /** Minute and hour, as cron writes them. */
  readonly pattern: string;
}

/** The edges of every schedule that decisions hang on: in its own zone, and in those of the clients that have one. */
export function edgeTimesOf(snapshot: Snapshot): readonly EdgeTime[] {
  const clientZones = [...snapshot.clients.values()].flatMap(({ time_zone }) => (time_zone ? [time_zone] : []));
  const times: EdgeTime[] = [];
  for (const schedule of snapshot.schedules.values()) {
    if (schedule.prefer === undefined) continue;
    for (const timeZone of new Set([schedule.time_zone, ...clientZones]))
      for (const time of new Set([schedule.from, schedule.to]))
        times.push({ schedule, timeZone, pattern: patternOf(time) });
  }
  return times;
}

/** `21:30` → `30 21 * * *`; `24:00` is midnight. */
function patternOf(time: string): string {
  const [hour = 0, minute = 0] = time.split(':').map(Number);
  return `${minute} ${hour % 24} * * *`;
}

/**
 * Announces each edge when it comes. Decisions end at their edge by themselves, since they carry it; the word is for
 * those whose clock runs behind.
 */
export class Edges {
  readonly #announce: (edge: Edge) => void;
  readonly #nowMs: () => number;
  #tasks: readonly ScheduledTask[] = [];

  constructor(announce: (edge: Edge) => void, nowMs: () => number) {
    this.#announce = announce;
    this.#nowMs = nowMs;
  }

  /** Takes over another snapshot's schedules; undefined: none. */
  follow(snapshot: Snapshot | undefined): void {
    for (const task of this.#tasks) void task.destroy();
    this.#tasks = (snapshot ? edgeTimesOf(snapshot) : []).map((time) => this.#schedule(time));
  }

  #schedule({ schedule, timeZone, pattern }: EdgeTime): ScheduledTask {
    const tell = (): void => {
      const atMs = this.#nowMs();
      this.#announce({ schedule: schedule.slug, timeZone, isOpen: isWindowOpen(schedule, timeZone, atMs), atMs });
    };
    return cron.schedule(pattern, tell, { timezone: timeZone, unref: true, suppressMissedWarning: true });
  }
}

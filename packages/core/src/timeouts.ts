/**
 * The default timeouts of the whole product, in one place; `docs/reference/timeouts.md` says where each may be set, who may
 * raise or lower it, and what happens when it passes. All in milliseconds.
 */

/** A task ends at the latest so long after it was accepted, where nothing else is said. A stream that flows may use all of it. */
export const defaultMaxDurationMs = 600_000;

/** No document and no caller may ask for more. */
export const longestMaxDurationMs = 3_600_000;

/** A reader of a stream that takes nothing for so long gets an error and is closed. */
export const readerStallMs = 30_000;

/** A test waits this long for an event: only what never comes is given up, and a busy machine is slow. */
export const eventTimeoutMs = 300_000;

import { totalmem } from 'node:os';

/**
 * The memory that this process may have at most, in bytes: the machine's memory, or less where its container says so.
 * What else runs here is not counted: that changes by the second.
 */
export function machineMemory(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}

/** The memory that models in a process take together where nobody says more: three quarters of the machine. */
export const defaultModelMemory = (): number => Math.floor(machineMemory() * 0.75);

/** Bytes in mebibytes, rounded up. */
export const inMib = (bytes: number): number => Math.ceil(bytes / 1024 / 1024);

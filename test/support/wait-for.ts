import { vi } from 'vitest';
import { eventTimeoutMs } from './event-timeout-ms.ts';

// `expect.poll` has its timeout from the configuration; for `vi.waitFor` there is no such setting.
const { waitFor } = vi;
vi.waitFor = (work, options = {}) =>
  waitFor(work, { timeout: eventTimeoutMs, ...(typeof options === 'number' ? { timeout: options } : options) });

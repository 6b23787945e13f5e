import { type Bus, followCalls, type ProcessesView, watchProcesses } from '@will/bus';
import { CallWindow, servedModels, type WindowLine } from '@will/operator';
import { type ExitCode, exitCodes } from '../cli-error.ts';
import { type TextColumn, dollars, duration, table } from '../table.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { withBus } from '../with-bus.ts';

export interface TopOptions {
  /** One look, then the end. */
  readonly once?: boolean;
  readonly json?: boolean;
  /** Milliseconds between two looks. Default 1000. */
  readonly every?: number;
}

/** What is shown is of the last minute. */
const windowMs = 60_000;
/** Records come by up to this much after the end of their call. */
const lateMs = 2_000;

interface TopLine extends WindowLine {
  readonly inFlight: number;
  readonly slots: number;
  /** End of the cooldown; 0: none. */
  readonly coolingMs: number;
  /** '' while it is served. */
  readonly reason: string;
}

/** `willm top`: models and what they do just now, every second until Ctrl-C. */
export async function top(terminal: Terminal, options: TopOptions, nowMs = Date.now): Promise<ExitCode> {
  await withBus(terminal, async (bus) => {
    const view = await watchProcesses(bus);
    const startedMs = nowMs() - windowMs;
    const window = new CallWindow(windowMs, startedMs);
    const calls = await followCalls(bus, startedMs - lateMs, (call) => window.add(call));
    const look = (): readonly TopLine[] => linesOf(window, view, nowMs());
    try {
      if (options.once || options.json) show(terminal, look(), options);
      else await repeat(terminal, bus, () => screen(terminal, look(), nowMs()), options.every ?? 1_000);
    } finally {
      await calls.stop();
      await view.stop();
    }
  });
  return exitCodes.success;
}

/** Until Ctrl-C, or the bus is closed for good. */
async function repeat(terminal: Terminal, bus: Bus, draw: () => void, everyMs: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const stopListening = terminal.onInterrupt(resolve);
  draw();
  const timer = setInterval(draw, everyMs);
  await Promise.race([promise, bus.connection.closed()]);
  clearInterval(timer);
  stopListening();
}

const idle = {
  calls: 0,
  errors: 0,
  callsPerMinute: 0,
  p95Ms: undefined,
  firstTokenP95Ms: undefined,
  outputTokensPerSecond: 0,
  nanoUsdPerHour: 0,
  unknownCosts: 0,
};

/** Models with calls first, then those that are served or not without any. */
function linesOf(window: CallWindow, { processes }: ProcessesView, nowMs: number): readonly TopLine[] {
  const served = new Map(servedModels([...processes.values()]).map((line) => [line.model, line]));
  const lines = window.lines(nowMs);
  const called = new Set(lines.map(({ model }) => model));
  const others = [...served.keys()].filter((model) => !called.has(model)).map((model) => ({ ...idle, model }));
  return [...lines, ...others].map((line) => {
    const { inFlight = 0, slots = 0, coolingUntilMs = 0, reason = '' } = served.get(line.model) ?? {};
    return { ...line, inFlight, slots, coolingMs: Math.max(0, coolingUntilMs - nowMs), reason };
  });
}

function show(terminal: Terminal, lines: readonly TopLine[], { json }: TopOptions): void {
  if (json) printJson(terminal, { windowMs, models: lines });
  else if (lines.length === 0) terminal.err('no model is served, and none was called in the last minute\n');
  else terminal.out(table(lines, columns));
}

/** From the upper left corner, over what stood there, and nothing behind it. */
function screen(terminal: Terminal, lines: readonly TopLine[], nowMs: number): void {
  const inFlight = lines.reduce((sum, line) => sum + line.inFlight, 0);
  const title = `${new Date(nowMs).toLocaleTimeString('sv-SE')}  last minute, ${inFlight} in flight; Ctrl-C ends\n\n`;
  const body = lines.length === 0 ? 'no model is served, and none was called\n' : table(lines, columns);
  terminal.clear();
  terminal.out(`${title}${body}`);
}

const perHour = ({ nanoUsdPerHour, unknownCosts, calls }: TopLine): string => {
  if (calls === 0) return '';
  if (unknownCosts === calls) return '?';
  return `${dollars(BigInt(Math.round(nanoUsdPerHour)))}${unknownCosts > 0 ? '+' : ''}`;
};

const columns: readonly TextColumn<TopLine>[] = [
  { title: 'MODEL', value: ({ model }) => model || '(none)' },
  { title: 'BUSY', value: ({ inFlight, slots }) => (slots > 0 ? `${inFlight}/${slots}` : ''), align: 'right' },
  { title: 'CALLS/MIN', value: ({ callsPerMinute }) => callsPerMinute.toFixed(1), align: 'right' },
  {
    title: 'ERRORS',
    value: ({ errors, calls }) => (errors === 0 ? '' : `${((100 * errors) / calls).toFixed(1)} %`),
    align: 'right',
  },
  { title: 'P95', value: ({ p95Ms }) => (p95Ms === undefined ? '' : duration(p95Ms)), align: 'right' },
  {
    title: 'TOKENS/S',
    value: ({ outputTokensPerSecond, calls }) => (calls === 0 ? '' : outputTokensPerSecond.toFixed(1)),
    align: 'right',
  },
  { title: 'COST/H', value: perHour, align: 'right' },
  {
    title: 'STATE',
    value: ({ reason, coolingMs }) => (reason !== '' ? reason : coolingMs > 0 ? `cooling ${duration(coolingMs)}` : ''),
  },
];

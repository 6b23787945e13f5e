import { appendFileSync } from 'node:fs';
import { connectBus, openCounters } from '@will/bus';
import { holderName, type Limit } from '@will/core';
import { answerRecalls, BusLedger } from '../../services/provider-worker/src/adapters/bus-ledger.ts';
import { Allowances } from '../../services/provider-worker/src/quota/allowances.ts';

// One process that takes from a limit until it is refused, as often as it is told, and writes down each grant before
// anything else knows of it. Its arguments: server, its id, file of grants, limit as JSON, callers, processes, and how many
// times faster than the wall its clock runs.

const [servers = '', processId = '', file = '', stated = '', callers = '', processes = '', speed = '1'] =
  process.argv.slice(2);
const nowMs = (): number => Date.now() * Number(speed);
const { most, ...rest } = JSON.parse(stated) as Omit<Limit, 'most'> & { readonly most: string };
const limit: Limit = { ...rest, most: BigInt(most) };
const bus = await connectBus({ servers, processId, inboxScope: 'worker' });
const lease = { holder: () => holderName(processId, 1) };
const ledger = new BusLedger(bus, await openCounters(bus), lease);
const allowances = new Allowances({
  ledger,
  lease,
  nowMs,
  processes: () => Number(processes),
});

answerRecalls(bus, allowances);

async function takeUntilRefused(): Promise<string> {
  for (;;) {
    const hold = await allowances.take([limit], { requests: 1n, tokens: 1n, nano_usd: 1n });
    if (!('settle' in hold)) {
      if (hold.reason.endsWith('is reached')) return hold.reason;
      // The counter is being opened, or a word was lost.
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    appendFileSync(file, `${processId} ${nowMs()}\n`);
    hold.settle({ requests: 1n, tokens: 1n, nano_usd: 1n });
  }
}

/** Demands without a pause for so long. */
async function demandFor(ms: number): Promise<string> {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs) {
    await takeUntilRefused();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return '';
}

process.on('message', (word: 'take' | 'stop' | number) => {
  if (word === 'stop') return void stop();
  if (typeof word === 'number')
    return void Promise.all(Array.from({ length: Number(callers) }, () => demandFor(word))).then(() =>
      process.send?.({ reason: '' }),
    );
  void Promise.all(Array.from({ length: Number(callers) }, takeUntilRefused)).then((reasons) =>
    process.send?.({ reason: reasons[0] }),
  );
});

async function stop(): Promise<void> {
  allowances.close();
  await ledger.close();
  await bus.close();
  process.disconnect?.();
}
process.send?.('ready');

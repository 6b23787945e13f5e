import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { buildConsole } from '@will/console';
import type { Page } from 'playwright-core';
import { startOpenLoad } from '../support/open-load.ts';
import { type AdminWorld, startAdminWorld } from './admin-world.ts';
import { chromiumPath, launch, openTab, type Tab, whySkipped } from './browser.ts';

/**
 * Two tabs of the console at live traffic: the visible one follows the calls, the hidden one asks nothing, and memory of
 * page and console stays flat.
 *
 *   npm run console:soak -- [--minutes 30] [--per-second 50]
 *
 * Exit code 1: the hidden tab asked something, a call failed, or memory grew by more than a quarter between the second
 * quarter of the time and the last.
 */
const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '30' }, 'per-second': { type: 'string', default: '50' } },
});
const [minutes, perSecond] = [Number(values.minutes), Number(values['per-second'])];
const samples = 60;
const maxGrowth = 1.25;

interface Sample {
  readonly pageMb: number;
  readonly consoleMb: number;
  readonly rows: number;
}

async function signedIn(tab: Tab, { keys }: AdminWorld): Promise<Page> {
  const { page } = tab;
  await page.goto('/');
  await page.getByLabel('Key').fill(keys.operator);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  return page;
}

/** After a collection, so that what is left is what is held. */
async function sampleOf(page: Page, pid: number): Promise<Sample> {
  const session = await page.context().newCDPSession(page);
  await session.send('HeapProfiler.collectGarbage');
  const { usedSize } = await session.send('Runtime.getHeapUsage');
  await session.detach();
  const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
  const rows = await page.locator('tbody tr').count();
  return { pageMb: usedSize / 2 ** 20, consoleMb: Number(resident) / 1_024, rows };
}

const mean = (of: readonly number[]): number => of.reduce((sum, one) => sum + one, 0) / Math.max(1, of.length);

/** The last quarter beside the second: the first one still fills pages and caches. */
function growthOf(found: readonly Sample[], name: 'pageMb' | 'consoleMb'): number {
  const quarter = Math.floor(found.length / 4);
  const part = (from: number): number => mean(found.slice(from, from + quarter).map((one) => one[name]));
  return part(found.length - quarter) / part(quarter);
}

async function soak(world: AdminWorld): Promise<number> {
  const browser = await launch();
  const [visible, hidden] = [
    await openTab(browser, world.system.adminUrl),
    await openTab(browser, world.system.adminUrl),
  ];
  const [page, hiddenPage] = [await signedIn(visible, world), await signedIn(hidden, world)];
  await page.goto('/calls');
  await hiddenPage.goto('/now');
  await hiddenPage.getByText('Models, with their calls').waitFor();
  await hiddenPage.evaluate(`
    Object.defineProperty(document, 'hidden', { configurable: true, value: true });
    document.dispatchEvent(new Event('visibilitychange'));
  `);
  const askedWhenHidden = hidden.asked.length;
  const pid = world.system.of('console')[0]?.pid ?? 0;
  const clients = ['acme', 'globex'];
  let sent = 0;
  const load = startOpenLoad(
    () => world.system.client.run({ type: 'text_gen', client: clients[sent++ % 2] ?? '', input: 'ping' }),
    Math.round(minutes * 60 * perSecond),
    perSecond,
  );
  const found: Sample[] = [];
  while (load.isRunning) {
    await new Promise((resolve) => setTimeout(resolve, (minutes * 60_000) / samples));
    const sample = await sampleOf(page, pid);
    found.push(sample);
    process.stdout.write(`${JSON.stringify({ sent, ...sample })}\n`);
  }
  const failures = await load.failures;
  const figures = {
    minutes,
    perSecond,
    sent,
    failures: failures.length,
    hiddenTabAsked: hidden.asked.length - askedWhenHidden,
    pageGrowth: growthOf(found, 'pageMb'),
    consoleGrowth: growthOf(found, 'consoleMb'),
    complaints: [...visible.complaints, ...hidden.complaints],
  };
  process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
  await browser.close();
  const isFlat = figures.pageGrowth <= maxGrowth && figures.consoleGrowth <= maxGrowth;
  return isFlat && figures.hiddenTabAsked === 0 && failures.length === 0 ? 0 : 1;
}

if (chromiumPath === undefined) throw new Error(whySkipped);
await buildConsole();
const world = await startAdminWorld();
try {
  process.exitCode = await soak(world);
} finally {
  await world.stop();
}

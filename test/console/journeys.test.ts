import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { buildConsole } from '@will/console';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type AdminWorld, callAs, hostileName, type Role, startAdminWorld, untilStored } from './admin-world.ts';
import { axeFindings, chromiumPath, launch, openTab, type Tab, whySkipped } from './browser.ts';

// Journeys through the console in a real browser, against the running product with keys.

/** Where pictures for the documentation go; unset: none are made. */
const pictures = process.env['WILL_PICTURES'];

let world: AdminWorld;
let browser: Browser;
let tab: Tab;
let acmeTask: string;
let fallbackTask: string;
let globexTask: string;
let durableTask: string;

beforeAll(async () => {
  if (chromiumPath === undefined) return;
  await buildConsole();
  [world, browser] = await Promise.all([startAdminWorld(), launch()]);
  const { client } = world.system;
  acmeTask = await callAs(world, 'acme');
  globexTask = await callAs(world, 'globex');
  const { taskId } = await client.run({ type: 'text_gen', client: 'acme', model: hostileName, input: 'ping' });
  world.upstream.script('cloud', { kind: 'status', status: 500 });
  fallbackTask = (await client.run({ type: 'text_gen', client: 'acme', input: 'ping' })).taskId;
  world.upstream.script('cloud', { kind: 'answer' });
  durableTask = (await client.submit({ type: 'text_gen', client: 'acme', input: 'ping' })).taskId;
  await Promise.all([taskId, fallbackTask, durableTask].map((id) => untilStored(world, id)));
});
afterAll(async () => {
  await browser?.close();
  await world?.stop();
});

beforeEach(async ({ skip }) => {
  skip(chromiumPath === undefined, whySkipped);
  tab = await openTab(browser, world.system.adminUrl);
});
afterEach(() => tab?.close());

async function signIn(role: Role): Promise<Page> {
  return signInWith(world.keys[role]);
}
async function signInWith(key: string): Promise<Page> {
  const { page } = tab;
  await page.goto('/');
  await page.getByLabel('Key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Sign out' }).waitFor();
  return page;
}
/** A text field, as far as its selection is looked at. */
interface Area {
  readonly value: string;
  readonly selectionStart: number;
  readonly selectionEnd: number;
}
const title = (page: Page, name: string) => page.getByRole('heading', { level: 1, name }).waitFor();

/** What every journey must hold to its end: the browser has nothing to complain of, and no other host was asked. */
function mustBeClean(...allowed: readonly RegExp[]): void {
  const complaints = tab.complaints.filter((text) => !allowed.some((pattern) => pattern.test(text)));
  expect(complaints).toEqual([]);
  expect([...tab.hosts]).toEqual([new URL(world.system.adminUrl).host]);
}

const owners = (): readonly (readonly [path: string, heading: string, until: string])[] => [
  ['/now', 'Now', 'Models, with their calls'],
  ['/calls?client=acme', 'Calls', 'Calls, newest first'],
  [`/tasks/${fallbackTask}`, `Task ${fallbackTask}`, 'Attempts'],
  [`/why/${acmeTask}`, 'Why', 'Candidates, best first'],
  ['/cost?by=client&span=month', 'Cost', 'By client'],
  ['/limits', 'Limits and cooldowns', 'Limits and budgets'],
  ['/durable?client=acme', 'Durable tasks', 'Durable tasks, newest first'],
  ['/documents?kind=model', 'Documents', 'Documents in force'],
  ['/documents/client/legal?field=data_rules.avoid_cloud', 'client legal', 'Versions, newest first'],
  ['/data', 'Data', 'Which model may see'],
  ['/what-if', 'What if', 'What these documents would change'],
  ['/audit', 'Audit and keys', 'Changes and refusals'],
  ['/playground', 'Playground', 'What to say'],
];

test('each view shows itself, is clean for axe in light and dark, and comes back from its address', async () => {
  const page = await signIn('owner');
  const findings: string[] = [];
  for (const [path, heading, until] of owners()) {
    await page.goto(path);
    await title(page, heading);
    await page.getByText(until).first().waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      findings.push(...(await axeFindings(page)).map((finding) => `${path} ${colorScheme} ${finding}`));
    }
    await page.emulateMedia({ colorScheme: 'light' });
    if (pictures) await picture(page, path.split(/[/?]/)[1] ?? '');
    const shown = await headings(page);
    await page.reload();
    await page.getByText(until).first().waitFor();
    expect(await headings(page)).toEqual(shown);
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe(path);
  }
  expect(findings).toEqual([]);
  mustBeClean();
}, 120_000);

const headings = (page: Page): Promise<string[]> => page.locator('h1, h2, caption').allInnerTexts();

async function picture(page: Page, name: string): Promise<void> {
  const folder = pictures ?? '';
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.jpg`), type: 'jpeg', quality: 70 });
}

test('an operator sees what is wrong now, and follows a model to its calls', async () => {
  const page = await signIn('operator');
  await title(page, 'Now');
  await page.getByRole('link', { name: 'cloud', exact: true }).click();
  await title(page, 'Calls');
  expect(new URL(page.url()).search).toBe('?model=cloud');
  await page.getByRole('table').getByText('cloud').first().waitFor();
  mustBeClean();
});

test('a live list obeys its filter', async () => {
  const page = await signIn('operator');
  await page.goto('/calls?client=acme');
  await page.getByText('Calls, newest first').waitFor();
  const before = await page.locator('tbody tr').count();
  await world.system.client.run({ type: 'text_gen', client: 'globex', input: 'ping' });
  await world.system.client.run({ type: 'text_gen', client: 'acme', input: 'ping' });
  await page.locator('tbody tr').nth(before).waitFor();
  expect(await page.locator('tbody tr').count()).toBe(before + 1);
  expect(await page.locator('tbody').innerText()).not.toContain('globex');
  mustBeClean();
});

test('a filter that is chosen stands in the address, and acts on the server', async () => {
  const page = await signIn('auditor');
  await page.goto('/calls');
  await page.getByLabel('Outcome').selectOption('Blocked');
  await page.waitForURL(/outcome=Blocked/);
  await expect.poll(() => tab.asked.some((path) => path.includes('outcome=Blocked'))).toBe(true);
  mustBeClean();
});

test('one task shows each attempt, also the one that failed', async () => {
  const page = await signIn('operator');
  await page.goto(`/tasks/${fallbackTask}`);
  const attempts = page.getByRole('region', { name: 'Attempts' });
  await attempts.getByRole('rowheader', { name: '1. cloud' }).waitFor();
  await attempts.getByRole('rowheader', { name: '2. home' }).waitFor();
  expect(await page.locator('.bar').count()).toBe(2);
  mustBeClean();
});

test('an exclusion leads to the line of the document that states the rule', async () => {
  const page = await signIn('operator');
  await page.goto('/why');
  await page.getByLabel('Client').fill('Legal');
  await page.getByRole('button', { name: 'Explain' }).click();
  const row = page.getByRole('row').filter({ hasText: 'avoid_cloud' }).filter({ hasText: 'cloud' }).first();
  await row.getByRole('link', { name: 'client legal' }).click();
  await title(page, 'client legal');
  const selected = await page
    .locator('textarea')
    .evaluate((area: Area) => area.value.slice(area.selectionStart, area.selectionEnd));
  expect(selected).toContain('avoid_cloud');
  mustBeClean();
});

test('a decision is replayed, identical to the last bit', async () => {
  const page = await signIn('auditor');
  await page.goto(`/why/${acmeTask}`);
  await page.getByRole('button', { name: 'Replay' }).click();
  await page.getByText(/^Identical with revision/).waitFor();
  mustBeClean();
});

test('cost by client leads to the models of that client', async () => {
  const page = await signIn('operator');
  await page.goto('/cost?by=client');
  await page.getByRole('link', { name: 'acme', exact: true }).click();
  await page.waitForURL(/by=model&client=acme/);
  await page.getByRole('rowheader', { name: 'home' }).waitFor();
  mustBeClean();
});

test('cost over two days is a chart, which the policy of the pages admits', async () => {
  const page = await signIn('operator');
  const day = (startMs: number) => ({
    start_unix_ms: startMs,
    model: 'cloud',
    calls: 1,
    successes: 1,
    input_tokens: 1,
    output_tokens: 1,
    cached_input_tokens: 0,
    cost_nano_usd: 5_000,
    unknown_costs: 0,
  });
  const answer = {
    from: 0,
    to: 172_800_000,
    groups: [day(0)],
    total: day(0),
    series: [day(0), day(86_400_000)],
    budgets: [],
    saved_by_caching: { nano_usd: 0, unknown_tokens: 0 },
  };
  await page.route('**/admin/v1/cost?*', (route) => route.fulfill({ json: answer }));
  await page.goto('/cost');
  await page.getByRole('img', { name: 'Cost over time by model' }).locator('canvas').waitFor();
  expect(await axeFindings(page)).toEqual([]);
  mustBeClean();
});

test('an owner edits a document: a problem leads to its line, then it applies with a note', async () => {
  const page = await signIn('owner');
  await page.goto('/documents/client/globex');
  const text = page.locator('textarea');
  await text.waitFor();
  const before = await text.inputValue();
  await text.fill(`${before}data_rulez: {}\n`);
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByRole('button', { name: /^Line \d+$/ }).click();
  expect(await text.evaluate((area: Area) => area.value.slice(area.selectionStart, area.selectionEnd))).toBe(
    'data_rulez: {}',
  );
  await text.fill(`${before}data_rules:\n  avoid_cloud: true\n`);
  const apply = page.getByRole('button', { name: 'Apply' });
  expect(await apply.isDisabled()).toBe(true);
  await page.getByLabel('Note, why').fill('at home from now on');
  await apply.click();
  await page.getByRole('cell', { name: 'at home from now on' }).waitFor();
  mustBeClean();
});

test('an operator tries a change and cannot make it', async () => {
  const page = await signIn('operator');
  await page.goto('/what-if');
  await page.locator('textarea').fill('kind: client\nname: Acme\ndata_rules: { avoid_cloud: true }\n');
  await page.getByRole('button', { name: 'Dry run' }).click();
  await page.getByText(/dry run, revision \d+ stays/).waitFor();
  expect(await page.getByRole('button', { name: 'Apply' }).count()).toBe(0);
  mustBeClean();
});

test('data shows the rule in the cell where a model may not see a client', async () => {
  const page = await signIn('auditor');
  await page.goto('/data?client=legal');
  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'legal', exact: true }) });
  await row.getByRole('link', { name: 'avoid_cloud' }).first().waitFor();
  await row.getByText('may', { exact: true }).first().waitFor();
  mustBeClean();
});

test('a durable task is found by its client', async () => {
  const page = await signIn('operator');
  await page.goto('/durable?client=acme');
  await page.getByRole('link', { name: durableTask }).click();
  await title(page, `Task ${durableTask}`);
  mustBeClean();
});

test('an owner makes a key, sees it once, revokes it, and verifies the log', async () => {
  const page = await signIn('owner');
  await page.goto('/audit');
  await page.getByRole('form', { name: 'New key' }).getByLabel('Client').fill('Globex');
  await page.getByRole('button', { name: 'Make a key' }).click();
  const key = await page.locator('code').filter({ hasText: 'sk-will-' }).innerText();
  const id = key.split('-')[2] ?? '';
  await page.getByRole('button', { name: `Revoke ${id}` }).click();
  await page
    .getByRole('row')
    .filter({ hasText: id })
    .getByText(/revoked/)
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'Verify the log' }).click();
  await page.getByText(/entries, all as they were written/).waitFor();
  await page.reload();
  await page.getByText('Changes and refusals').waitFor();
  expect(await page.content()).not.toContain(key.slice(21));
  mustBeClean();
});

test('the playground streams an answer and shows its decision beside it', async () => {
  const page = await signIn('caller');
  await page.goto('/playground');
  await page.getByLabel('What to say').fill('ping');
  await page.getByRole('button', { name: 'Run' }).click();
  await page.getByRole('link', { name: 'the task' }).waitFor();
  expect(await page.locator('pre').innerText()).not.toBe('');
  await page.getByText(/Tried in this order/).waitFor();
  // It asks for the decision until that is stored.
  mustBeClean(/status of 404/);
});

test('a caller sees its own, and the session of one client opens nothing of another', async () => {
  const page = await signIn('caller');
  await title(page, 'Calls');
  expect(await page.getByRole('link', { name: 'Documents' }).count()).toBe(0);
  await page.goto(`/tasks/${globexTask}`);
  await page.getByText(/no call and no decision is known/).waitFor();
  await page.goto('/calls?client=globex');
  await page.getByText(/client "globex" is not this key's/).waitFor();
  expect(await page.locator('tbody').count()).toBe(0);
  mustBeClean(/status of 40[34]/);
});

test('a hostile name is a text on every view that shows it', async () => {
  const page = await signIn('owner');
  for (const path of ['/calls?client=acme', '/documents?kind=model', '/documents/model/hostile', '/cost', '/now']) {
    await page.goto(path);
    await page.getByText('hostile').first().waitFor();
    expect(await page.evaluate(() => 'hostile' in globalThis)).toBe(false);
    expect(await page.locator('main img').count()).toBe(0);
  }
  await page.goto('/documents?kind=model');
  await page.getByRole('cell', { name: hostileName }).waitFor();
  mustBeClean();
});

test('everything is reached by the keyboard, and a new view takes the focus', async () => {
  const page = await signIn('operator');
  await title(page, 'Now');
  await page.reload();
  await title(page, 'Now');
  const reached: string[] = [];
  for (let presses = 0; presses < 14; presses += 1) {
    await page.keyboard.press('Tab');
    reached.push(await page.evaluate<string>(`document.activeElement?.textContent?.trim() ?? ''`));
  }
  expect(reached).toEqual(
    expect.arrayContaining(['To the view', 'Now', 'Calls', 'Audit and keys', 'Playground', 'Sign out']),
  );
  await page.getByRole('link', { name: 'Limits and cooldowns' }).press('Enter');
  await title(page, 'Limits and cooldowns');
  mustBeClean();
});

test('at twice the size, on a small screen, no view is wider than the screen', async () => {
  const page = await signIn('owner');
  await page.setViewportSize({ width: 640, height: 400 });
  for (const [path, heading] of owners()) {
    await page.goto(path);
    await title(page, heading);
    const isWider = await page.evaluate<boolean>('document.documentElement.scrollWidth > innerWidth');
    expect([path, isWider]).toEqual([path, false]);
  }
  mustBeClean();
});

test('a hidden page asks nothing', async () => {
  await tab.page.clock.install();
  const page = await signIn('operator');
  await page.getByText('Models, with their calls').waitFor();
  const seen = tab.asked.length;
  await page.clock.runFor(6_000);
  await expect.poll(() => tab.asked.length).toBeGreaterThan(seen);
  await page.evaluate(`
    Object.defineProperty(document, 'hidden', { configurable: true, value: true });
    document.dispatchEvent(new Event('visibilitychange'));
  `);
  const before = tab.asked.length;
  await page.clock.runFor(30_000);
  expect(tab.asked.length).toBe(before);
  mustBeClean();
});

test('a wrong key is told so, and signing out ends the session', async () => {
  const { page, context } = tab;
  await page.goto('/');
  await page.getByLabel('Key').fill('sk-will-nothing');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('the key is not valid').waitFor();
  await signIn('operator');
  const [cookie] = await context.cookies();
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
  expect(await page.evaluate<string>('document.cookie')).toBe('');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in to Will' }).waitFor();
  const answer = await fetch(`${world.system.adminUrl}/admin/v1/calls`, {
    headers: { cookie: `will_session=${cookie?.value}` },
  });
  expect(answer.status).toBe(401);
  mustBeClean(/status of 401/);
});

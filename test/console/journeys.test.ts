import { buildConsole } from '@will/console';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type AdminWorld, callAs, hostileName, post, type Role, startAdminWorld, untilStored } from './admin-world.ts';
import { headings, ownersViews, picture } from './views.ts';
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

const owners = () => ownersViews({ fallbackTask, acmeTask });

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
    if (pictures) await picture(page, pictures, path.split(/[/?]/)[1] ?? '');
    const shown = await headings(page);
    await page.reload();
    await page.getByText(until).first().waitFor();
    expect(await headings(page)).toEqual(shown);
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe(path);
  }
  expect(findings).toEqual([]);
  mustBeClean();
});

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

test('what is filtered may be named as people name it, and an error leaves no rows of the question before', async () => {
  const page = await signIn('operator');
  await page.goto('/calls?client=ACME');
  await page.getByRole('cell', { name: 'acme', exact: true }).first().waitFor();
  await page.goto('/cost?by=client');
  await page.getByRole('rowheader', { name: 'acme' }).waitFor();
  await page.locator('select[name=by]').selectOption('tag');
  await page.getByText('name the key of a cost tag').waitFor();
  expect(await page.locator('tbody').count()).toBe(0);
  mustBeClean(/status of 400/);
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
    saved_nano_usd: 0,
  });
  const answer = {
    by: 'model',
    from: 0,
    to: 172_800_000,
    groups: [day(0)],
    total: day(0),
    series: [day(0), day(86_400_000)],
    budgets: [],
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
  // The version before is taken up again, of this document alone.
  await page.getByRole('link', { name: /^Edit revision/ }).click();
  await page.getByText(/The text below is that of revision/).waitFor();
  await expect.poll(() => text.inputValue()).toBe(before);
  await page.getByLabel('Note, why').fill('it may leave again');
  await apply.click();
  await page.getByRole('cell', { name: 'it may leave again' }).waitFor();
  expect(new URL(page.url()).search).toBe('');
  mustBeClean();
});

test('an owner sees what a revision changed, by whose key, and what a rollback would change before it is made', async () => {
  const page = await signIn('owner');
  const change = { files: [{ path: 'x.yaml', text: 'kind: client\nname: Shown' }], note: 'a client to take back' };
  const { revision } = await world.json('/admin/v1/apply', world.keys.owner, post(change));
  await page.goto('/documents');
  const row = page.getByRole('row').filter({ hasText: 'a client to take back' });
  await row.getByRole('link', { name: `What revision ${String(revision)} changed` }).click();
  await page.getByText(`What revision ${String(revision)} changed`).waitFor();
  await page.getByRole('rowheader', { name: 'client shown' }).last().waitFor();
  await page.getByRole('button', { name: `Roll back to ${Number(revision) - 1}`, exact: true }).click();
  const rollback = page.getByRole('region', { name: `Rollback to revision ${Number(revision) - 1}` });
  await rollback.getByText(/dry run, revision \d+ stays/).waitFor();
  await rollback.getByRole('cell', { name: 'removed' }).waitFor();
  await rollback.getByLabel('Note, why').fill('taken back');
  await rollback.getByRole('button').click();
  await page.getByRole('cell', { name: 'taken back' }).waitFor();
  await row.getByRole('link', { name: /^key / }).click();
  await page.getByText(/^Key \w+ alone/).waitFor();
  await page.getByRole('row').filter({ hasText: 'ops' }).filter({ hasText: 'holds' }).waitFor();
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

test('what retiring a model would do is tried from its own text', async () => {
  const page = await signIn('operator');
  await page.goto('/what-if');
  await page.getByLabel('Begin with').selectOption('model/cloud');
  await page.getByRole('button', { name: 'Retire this model in the text' }).click();
  await page.getByRole('button', { name: 'Preview moves and money' }).click();
  const moves = page.getByRole('region', { name: 'Tasks that move' });
  await moves.getByRole('cell', { name: 'home' }).first().waitFor();
  await page.getByText(/Cost by the documents in force \$.* by these \$/).waitFor();
  expect(new URL(page.url()).search).toBe('?document=model%2Fcloud');
  mustBeClean();
});

test('data shows where the calls of a client ran, over a time that the address holds, and gives the proof', async () => {
  const page = await signIn('auditor');
  await page.goto('/data?client=Acme');
  await page.getByLabel('Calls of').selectOption('today');
  const ran = page.getByRole('region', { name: /^Calls from/ });
  const home = ran.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'home' }) });
  await home.getByRole('cell', { name: 'container' }).waitFor();
  expect(new URL(page.url()).searchParams.get('over')).toBe('today');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Prove where they ran' }).click(),
  ]);
  expect(download.suggestedFilename()).toBe('proof-Acme.jsonl');
  mustBeClean();
});

test('data shows the rule in the cell where a model may not see a client', async () => {
  const page = await signIn('auditor');
  await page.goto('/data?client=legal');
  const row = page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: 'legal', exact: true }) });
  await row.getByText('may', { exact: true }).first().waitFor();
  await row.getByRole('link', { name: 'avoid_cloud' }).first().click();
  await title(page, 'client legal');
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

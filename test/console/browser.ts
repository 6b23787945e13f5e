import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const places = [process.env['WILL_CHROMIUM'] ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser'];

/** Where Chromium is; undefined: nowhere. `npm run chromium` brings it on Debian. */
export const chromiumPath = places.find((path) => path !== '' && existsSync(path));
export const whySkipped = 'no Chromium is installed: run `npm run chromium`, or set WILL_CHROMIUM to one';

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: chromiumPath ?? '',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });

/** A browser's own tab, with what it complained of and whom it asked. */
export interface Tab {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors and warnings of its console, exceptions, and violations of the policy of the pages. */
  readonly complaints: string[];
  readonly hosts: Set<string>;
  /** Requests of the admin API, by path. */
  readonly asked: string[];
  close(): Promise<void>;
}

export interface TabOptions {
  readonly colorScheme?: 'light' | 'dark';
  readonly viewport?: { readonly width: number; readonly height: number };
}

export async function openTab(browser: Browser, base: string, options: TabOptions = {}): Promise<Tab> {
  const context = await browser.newContext({ baseURL: base, viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  const hosts = new Set<string>();
  const asked: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on('pageerror', (error) => complaints.push(`exception: ${error.message}`));
  page.on('request', (request) => {
    const url = new URL(request.url());
    hosts.add(url.host);
    if (url.pathname.startsWith('/admin/v1/')) asked.push(url.pathname + url.search);
  });
  return { page, context, complaints, hosts, asked, close: () => context.close() };
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds wrong with the page as it is, in words. The policy of the pages admits no script tag, so it is evaluated. */
export async function axeFindings(page: Page): Promise<readonly string[]> {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string; failureSummary: string }[] }[] }> };
    };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
    );
  });
}

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

/** Every view as an owner opens it: its path, its heading, and a text that it shows once it is loaded. */
export const ownersViews = ({
  fallbackTask,
  acmeTask,
}: {
  readonly fallbackTask: string;
  readonly acmeTask: string;
}): readonly (readonly [path: string, heading: string, until: string])[] => [
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

/** Texts of the headings and captions that a page shows. */
export const headings = (page: Page): Promise<string[]> => page.locator('h1, h2, caption').allInnerTexts();

/** Saves a picture of a page in a folder. */
export async function picture(page: Page, folder: string, name: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.jpg`), type: 'jpeg', quality: 70 });
}

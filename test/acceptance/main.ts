import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './asks.ts';
import { caller } from './caller.ts';
import { type Options, readOptions } from './options.ts';
import { type Product, startProduct } from './product.ts';
import { attachTo, removeLeftovers } from './running.ts';
import { documentsOf, endOf, sections } from './specification.ts';
import { openWorld, untilLoaded, untilServed, type World } from './world.ts';

/**
 * Checks every line of the specification from outside, by the command line, HTTP, gRPC and the bus, against an upstream that
 * counts what reaches it. Prints one line for each: `ok`, `failed` or `not checked`, and how it was shown or why not.
 *
 *   npm run acceptance -- [--only "Fallback"]
 *   npm run acceptance -- --running [--http URL] [--grpc URL] [--upstream-host ADDRESS] [--upstream-port PORT] [--upstream-url URL]
 *   npm run acceptance -- --remove-left
 *
 * Without `--running` it starts a product. With it, it takes one that runs and may serve others: the documents of the run
 * have names of their own, and are removed at the end, also of a run that fails or is interrupted. `--remove-left` removes
 * those of runs that were killed. The exit code is 1 where a line failed or something is left behind, 130 after a signal.
 */
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const startedMs = performance.now();
const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopped.abort());
const counts = { ok: 0, failed: 0, 'not checked': 0 };
try {
  const options = readOptions(process.argv.slice(2));
  if (options.removeLeft) await removeLeft();
  else await checkProduct(options);
} catch (error) {
  counts.failed += 1;
  say(`failed: ${error instanceof Error ? error.message : String(error)}`);
}
process.exit(stopped.signal.aborted ? 130 : counts.failed > 0 ? 1 : 0);

async function removeLeft(): Promise<void> {
  const removed = await removeLeftovers(process.env);
  for (const path of removed) say(`removed ${path}`);
  say(`${removed.length} documents of earlier runs removed`);
}

async function checkProduct(options: Options): Promise<void> {
  const product = options.running ? await attachTo(process.env, options) : await startProduct();
  try {
    await checkLines(product, options);
  } finally {
    await product.leave();
  }
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  say(`\n${counts.ok} ok, ${counts.failed} failed, ${counts['not checked']} not checked, ${seconds} s`);
  if (counts.ok === 0 && !stopped.signal.aborted) throw new Error('no line was shown');
}

async function checkLines(product: Product, { only }: Options): Promise<void> {
  const world = await openWorld(product);
  try {
    await untilStopped(applyDocuments(world));
    for (const { heading, lines } of sections) {
      const chosen = lines.filter(({ line }) => `${heading} ${line}`.toLowerCase().includes(only));
      if (chosen.length > 0) say(`\n${heading}`);
      for (const line of chosen) {
        const end = await untilStopped(endOf(line, world));
        if (end === undefined) return;
        counts[end.kind] += 1;
        say(
          `${end.kind.padEnd(11)} ${line.line}: ${line.title}${end.kind === 'ok' ? '' : `\n            ${end.reason.replaceAll('\n', '\n            ')}`}`,
        );
      }
    }
  } finally {
    await world.close();
  }
}

/** What comes of work; undefined where a signal comes first. */
async function untilStopped<T>(work: Promise<T>): Promise<T | undefined> {
  const { signal } = stopped;
  if (signal.aborted) return undefined;
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const end = (): void => resolve(undefined);
  signal.addEventListener('abort', end);
  return Promise.race([work, promise]).finally(() => signal.removeEventListener('abort', end));
}

async function applyDocuments(world: World): Promise<void> {
  const { names, isOurs } = world.product;
  const folder = join(world.files.folder, 'documents');
  await mkdir(folder);
  for (const [name, text] of Object.entries(documentsOf(world)))
    await writeFile(join(folder, name), names.documents(text));
  const { code, out, err } = await world.willm('apply', '-f', folder);
  if (code !== 0) throw new Error(`the documents could not be applied:\n${out}${err}`);
  if (!isOurs) say(`the run's documents end in ${names.ours(caller).slice(caller.length)}`);
  await untilServed(world, ['gpt-4']);
  await run(world, 'text_gen', { model: 'GPT-4' }).catch((cause: unknown) => {
    throw new Error(
      `the product does not reach the upstream at ${world.upstream.url}: name an address of this machine that it reaches ` +
        `(--upstream-host, --upstream-url). ${cause instanceof Error ? cause.message : ''}`,
      { cause },
    );
  });
  const models = ['claude-3', 'gemini', 'llama', 'codellama', 'whisper', 'own-server', 'versioned'];
  await untilServed(world, [...models, ...(isOurs ? ['tiny'] : [])]);
  await untilLoaded(world, 'tiny');
}

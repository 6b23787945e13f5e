import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startContainerEngine } from '@will/testkit';
import { attachTo, startProduct } from './product.ts';
import { documentsOf, endOf, sections } from './specification.ts';
import { openWorld, untilServed, type World } from './world.ts';

/**
 * Checks every line of the specification from outside, by the command line, HTTP, gRPC and the bus, against an upstream that
 * counts what reaches it. Prints one line for each: `ok`, `failed` or `not checked`, and how it was shown.
 *
 *   npm run acceptance -- [--only "Fallback"] [--running <data folder> [--grpc host:port]]
 *
 * Without `--running` it starts the product. A running product is found by the run.json in its data folder; its documents
 * are replaced for the time of the run and put back by a rollback, so use one that serves nobody else. The exit code is 1
 * where a line failed.
 */
const { values: options } = parseArgs({
  options: { only: { type: 'string', default: '' }, running: { type: 'string' }, grpc: { type: 'string' } },
});
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const startedMs = performance.now();
const engine = await startContainerEngine({ images: ['acceptance/server'] });
const product =
  options.running === undefined ? await startProduct(engine.address) : await attachTo(options.running, options.grpc);
const counts = { ok: 0, failed: 0, 'not checked': 0 };
try {
  const world = await openWorld(product);
  try {
    await applyDocuments(world);
    for (const { heading, lines } of sections) {
      const chosen = lines.filter(({ line }) =>
        `${heading} ${line}`.toLowerCase().includes(options.only.toLowerCase()),
      );
      if (chosen.length > 0) say(`\n${heading}`);
      for (const line of chosen) {
        const end = await endOf(line, world);
        counts[end.kind] += 1;
        say(
          `${end.kind.padEnd(11)} ${line.line}: ${line.title}${end.kind === 'ok' ? '' : `\n            ${end.reason.replaceAll('\n', '\n            ')}`}`,
        );
      }
    }
  } finally {
    await world.close();
  }
} finally {
  await product.stop();
  await engine.close();
}
const seconds = Math.round((performance.now() - startedMs) / 1_000);
say(`\n${counts.ok} ok, ${counts.failed} failed, ${counts['not checked']} not checked, ${seconds} s`);
process.exit(counts.failed === 0 && counts.ok > 0 ? 0 : 1);

async function applyDocuments(world: World): Promise<void> {
  const folder = join(world.files.folder, 'documents');
  await mkdir(folder);
  for (const [name, text] of Object.entries(documentsOf(world))) await writeFile(join(folder, name), text);
  const { code, out, err } = await world.willm('apply', '-f', folder, '--prune', '--force', '--allow-loosening');
  if (code !== 0) throw new Error(`the documents could not be applied:\n${out}${err}`);
  await untilServed(world, [
    'gpt-4',
    'claude-3',
    'gemini',
    'llama',
    'codellama',
    'whisper',
    'own-server',
    'tiny',
    'versioned',
  ]);
}

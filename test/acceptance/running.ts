import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '@will/contracts';
import { mark, namesEndingIn } from './names.ts';
import type { BusAddress, Product, UpstreamPlace } from './product.ts';
import { said, saidJson, type Willm, willmOf } from './willm.ts';

/** How a product that runs already is found. */
export interface RunningOptions {
  /** Default: what `npm start` wrote down. */
  readonly http?: string | undefined;
  readonly grpc?: string | undefined;
  readonly upstream: UpstreamPlace;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A product that runs already, and may serve others meanwhile. The bus is found as `willm` finds it: by `NATS_URL` and the
 * settings beside it, else by run.json in `WILL_DATA_DIR`. The run's documents have names of their own, and are removed
 * with all traces of their clients at the end. @throws {Error} it cannot be found, or could not be left as it is
 */
export async function attachTo(env: Environment, options: RunningOptions): Promise<Product> {
  const note = await noteOf(env);
  const httpUrl = options.http ?? note.httpUrl;
  if (httpUrl === undefined) throw new Error('the address of the HTTP server is not known: give it by --http');
  const willm = willmOf(note.bus);
  const suffix = mark + newId().slice(-6).toLowerCase();
  await mustBeRemovable(willm);
  return {
    bus: note.bus,
    httpUrl,
    grpcUrl: options.grpc ?? note.grpcUrl,
    names: namesEndingIn(suffix),
    upstream: options.upstream,
    isOurs: false,
    isHere: note.isHere,
    leave: async () => void (await removeDocuments(willm, suffix)),
  };
}

/** Removes what runs left that were killed. Returns its files, as `willm export` names them. */
export async function removeLeftovers(env: Environment): Promise<readonly string[]> {
  const { bus } = await noteOf(env);
  return removeDocuments(willmOf(bus), mark);
}

interface Note {
  /** It wrote the note on this machine. */
  readonly isHere: boolean;
  readonly bus: BusAddress;
  readonly httpUrl?: string;
  readonly grpcUrl?: string;
}

async function noteOf(env: Environment): Promise<Note> {
  const { NATS_URL: url, NATS_SEED_FILE: seedFile } = env;
  const { WILL_NATS_TLS_CA: ca, WILL_NATS_TLS_CERT: cert, WILL_NATS_TLS_KEY: key } = env;
  if (url)
    return {
      isHere: false,
      bus: { url, ...(seedFile && { seedFile }), ...(ca && cert && key && { tls: { ca, cert, key } }) },
    };
  const path = join(env['WILL_DATA_DIR'] || '.will', 'run.json');
  try {
    const { natsUrl, httpUrl, grpcUrl, ...user } = JSON.parse(await readFile(path, 'utf8')) as RunNote;
    return { isHere: true, bus: { url: natsUrl, ...user }, httpUrl, ...(grpcUrl && { grpcUrl }) };
  } catch (cause) {
    throw new Error(
      `no product is found by ${path}: start one (npm start), name its folder by WILL_DATA_DIR, or set NATS_URL`,
      { cause },
    );
  }
}

/** What `npm start` writes down. */
interface RunNote extends Omit<BusAddress, 'url'> {
  readonly natsUrl: string;
  readonly httpUrl: string;
  readonly grpcUrl?: string;
}

/** Tried before anything is changed: what is there now could be put back, by who we are. */
const mustBeRemovable = (willm: Willm): Promise<void> =>
  withExport(willm, async (folder) => {
    await said(willm, 'apply', '-f', folder, '--prune', '--dry-run');
  });

/** Documents are removed by an apply of all others, with every trace of their clients. */
async function removeDocuments(willm: Willm, ending: string): Promise<readonly string[]> {
  const before = await revisionOf(willm);
  const removed = await withExport(willm, async (folder) => {
    const ours = (await readdir(folder, { recursive: true })).filter(
      (path) => path.endsWith('.yaml') && path.includes(ending),
    );
    for (const path of ours) await rm(join(folder, path));
    if (ours.length > 0) await prune(willm, folder, before);
    return ours;
  });
  if (removed.length > 0) await eraseClients(willm, ending);
  return removed;
}

/** Of clients that had calls; nothing is kept of others. */
async function eraseClients(willm: Willm, ending: string): Promise<void> {
  const usage = await saidJson(willm, 'usage', '--by', 'client', '--since', '30d');
  const { groups } = usage as { readonly groups: readonly { readonly client: string }[] };
  const ours = groups.filter(({ client }) => client.includes(ending));
  for (const { client } of ours) await said(willm, 'logs', 'erase', client, '--yes');
}

async function prune(willm: Willm, folder: string, before: number): Promise<void> {
  const flags = ['--prune', '--force', '--allow-loosening', '--note', 'acceptance: removes its documents'];
  const { code, out, err } = await willm('apply', '-f', folder, ...flags, '--json');
  if (code !== 0 && code !== storedUnconfirmed)
    throw new Error(`documents whose names have ${mark} in them could not be removed: ${err || out}`);
  const { revision } = JSON.parse(out) as { readonly revision: number };
  if (revision !== before + 1)
    throw new Error(
      `somebody changed documents while those of the run were removed: see willm diff --from ${before} --to ${revision}`,
    );
}

/** A process that did not confirm a change in time does so later. */
const storedUnconfirmed = 4;

const revisionOf = async (willm: Willm): Promise<number> =>
  Number(((await saidJson(willm, 'status')) as { readonly revision: number | string }).revision);

/** With the documents in force, a file for each. */
async function withExport<T>(willm: Willm, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'will-acceptance-export-'));
  try {
    await said(willm, 'export', folder);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

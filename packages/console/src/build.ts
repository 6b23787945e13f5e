import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { build } from 'esbuild';
import { assetsFolder } from './assets.ts';

const app = fileURLToPath(new URL('./app', import.meta.url));

export interface BuiltConsole {
  /** Files by name, with what each weighs as it is sent. */
  readonly gzipBytes: ReadonlyMap<string, number>;
  /** Of the page, its style and the scripts that it loads before it shows anything. */
  readonly firstLoadBytes: number;
}

/** Builds the console into a folder: hashed scripts and styles, packed, and the page that loads them. */
export async function buildConsole(folder: string = assetsFolder): Promise<BuiltConsole> {
  const { outputFiles, metafile } = await build({
    entryPoints: [join(app, 'main.tsx'), join(app, 'style.css')],
    bundle: true,
    splitting: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    outdir: folder,
    write: false,
    metafile: true,
    absWorkingDir: app,
    logLevel: 'silent',
  });
  const named = (pattern: RegExp): string =>
    outputFiles.map(({ path }) => basename(path)).find((name) => pattern.test(name)) ?? '';
  const [script, style] = [named(/^main-.*\.js$/), named(/^style-.*\.css$/)];
  const page = (await readFile(join(app, 'index.html'), 'utf8'))
    .replace('/main.js', `/${script}`)
    .replace('/style.css', `/${style}`);
  const files = new Map<string, Uint8Array>([
    ['index.html', Buffer.from(page)],
    ['icon.svg', await readFile(join(app, 'icon.svg'))],
    ...outputFiles.map(({ path, contents }): [string, Uint8Array] => [basename(path), contents]),
  ]);
  const gzipBytes = await write(folder, files);
  const first = ['index.html', style, ...staticImports(script, metafile.outputs)];
  return { gzipBytes, firstLoadBytes: first.reduce((sum, name) => sum + (gzipBytes.get(name) ?? 0), 0) };
}

async function write(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<Map<string, number>> {
  await mkdir(folder, { recursive: true });
  const gzipBytes = new Map<string, number>();
  for (const [name, bytes] of files) {
    const packed = await promisify(gzip)(bytes, { level: 9 });
    gzipBytes.set(name, packed.length);
    await writeFile(join(folder, `${name}.gz`), packed);
  }
  // After the new ones: another process may be reading what both builds have.
  for (const name of await readdir(folder))
    if (!files.has(name.replace(/\.gz$/, ''))) await rm(join(folder, name), { force: true });
  return gzipBytes;
}

type Outputs = Readonly<
  Record<string, { readonly imports: readonly { readonly path: string; readonly kind: string }[] }>
>;

/** A script and all that it loads at once, by name. */
function staticImports(script: string, outputs: Outputs): ReadonlySet<string> {
  const byName = new Map(Object.entries(outputs).map(([path, output]) => [basename(path), output]));
  const found = new Set<string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    found.add(name);
    for (const { path, kind } of byName.get(name)?.imports ?? [])
      if (kind === 'import-statement') visit(basename(path));
  };
  visit(script);
  return found;
}

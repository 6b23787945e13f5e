import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { buildPrograms, clusterPrograms, scalingPrograms } from './programs.ts';

// `npm run cluster`: a real Kubernetes, the image, the chart and its checks, and everything down again. README.md tells more.

const folder = import.meta.dirname;
const root = join(folder, '../..');

const packages =
  'podman buildah containerd runc containernetworking-plugins iptables debootstrap conntrack ebtables ipset socat prometheus etcd-server';

function run(program: string, ...args: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? 1));
  });
}

async function must(program: string, ...args: readonly string[]): Promise<void> {
  const code = await run(program, ...args);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with code ${code}`);
}

const script = (name: string): string => join(folder, name);
const build = [
  'podman',
  'build',
  '--format',
  'docker',
  '--network',
  'host',
  '--build-arg',
  'NODE_IMAGE=localhost/will-base:26',
];
process.env['CONTAINERS_CONF'] = script('containers.conf');

try {
  await must('apt-get', 'install', '--yes', '--quiet', '--no-install-recommends', ...packages.split(' '));
  await buildPrograms([...clusterPrograms, ...scalingPrograms], Number(process.env['WILL_CLUSTER_JOBS'] ?? 2));
  await must(script('base-image.sh'), 'localhost/will-base:26');
  const [podman = '', ...args] = build;
  await must(podman, ...args, '--target', 'will', '--tag', 'localhost/will:0.1.0', '.');
  await must(script('clients.sh'), 'prepare');
  await must(script('up.sh'));
  await must(script('check.sh'));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  if (process.env['WILL_CLUSTER_KEEP'] !== '1') await run(script('down.sh'));
}

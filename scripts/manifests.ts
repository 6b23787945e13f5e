// Renders the plain manifests from the chart: `npm run manifests`. The chart is the one source.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bringHelm } from './helm.ts';
import { root } from './paths.ts';
import { runProgram } from './run-program.ts';
import { say } from './say.ts';

const chart = 'deploy/helm/will';

interface Rendering {
  readonly file: string;
  readonly head: string;
  readonly namespace: string;
  readonly args: readonly string[];
  readonly keeps: (text: string) => boolean;
}

const isKind = (kind: string) => (text: string) => new RegExp(`^kind: ${kind}$`, 'm').test(text);
const isNoHook = (text: string): boolean => !text.includes('helm.sh/hook:');

const renderings: readonly Rendering[] = [
  {
    file: 'deploy/kubernetes/will.yaml',
    head: 'All services. Rendered from deploy/helm/will with deploy/helm/plain-manifests.yaml by `npm run manifests`.',
    namespace: 'will',
    args: ['--values', 'deploy/helm/plain-manifests.yaml'],
    keeps: isNoHook,
  },
  {
    file: 'deploy/kubernetes/keda/worker-llama.yaml',
    head: 'Scales the workers of one model with its demand. Rendered from deploy/helm/will by `npm run manifests`.',
    namespace: 'will',
    args: [
      '--set-json',
      'workers=[{"name":"llama","models":"llama","autoscaling":{"kind":"keda","model":"llama"}}]',
      '--show-only',
      'templates/workers.yaml',
    ],
    keeps: isKind('ScaledObject'),
  },
  {
    file: 'deploy/kubernetes/nats/nats.yaml',
    head: 'One nats-server in the namespace nats. Rendered from deploy/helm/will by `npm run manifests`.',
    namespace: 'nats',
    args: ['--set', 'nats.enabled=true', '--show-only', 'templates/nats.yaml'],
    keeps: () => true,
  },
];

/** File → text, as it should be. undefined: helm cannot be had here. */
export async function renderManifests(): Promise<ReadonlyMap<string, string> | undefined> {
  const helm = await bringHelm();
  if (helm === undefined) return undefined;
  const files = new Map<string, string>();
  for (const { file, head, namespace, args, keeps } of renderings) {
    const all = await rendered(helm, ['--namespace', namespace, ...args]);
    files.set(file, `# ${head}\n${namespaceOf(namespace)}${all.filter(keeps).map(documentOf).join('')}`);
  }
  return files;
}

/** What the chart gives with some values: one text for each object. @throws when it refuses them */
export async function rendered(helm: string, args: readonly string[]): Promise<readonly string[]> {
  const { code, output } = await runProgram(helm, ['template', 'will', chart, ...args], { cwd: root });
  if (code !== 0) throw new Error(output);
  return output.split(/^---$/m).filter((text) => /^kind: /m.test(text));
}

const documentOf = (text: string): string => `---\n${text.replace(/^\s*# Source: .*\n/, '').trim()}\n`;

const namespaceOf = (name: string): string =>
  name === 'nats'
    ? documentOf(
        'apiVersion: v1\nkind: Namespace\nmetadata:\n  name: nats\n  labels:\n    pod-security.kubernetes.io/enforce: restricted',
      )
    : '';

if (import.meta.main) {
  const files = await renderManifests();
  if (!files) {
    say('helm is neither on PATH nor to be had from PyPI: nothing was written');
    process.exit(1);
  }
  for (const [file, text] of files) writeFileSync(join(root, file), text);
}

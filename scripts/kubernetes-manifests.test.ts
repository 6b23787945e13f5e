import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { kubernetesSecrets, prepareBusFolder } from '@will/bus-server';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { StatefulSet } from 'kubernetes-models/apps/v1/StatefulSet';
import { Job } from 'kubernetes-models/batch/v1/Job';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import { Pod } from 'kubernetes-models/v1/Pod';
import { Secret } from 'kubernetes-models/v1/Secret';
import { Service } from 'kubernetes-models/v1/Service';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { bringHelm } from './helm.ts';
import { renderManifests, rendered } from './manifests.ts';
import { root } from './paths.ts';
import { programInImage, servicesIn } from './bundle.ts';

// What the manifests say is held to the schemas of Kubernetes and KEDA, and to the product itself.

type Model = new (data: never) => { validate(): void };
const models = {
  Deployment,
  StatefulSet,
  HorizontalPodAutoscaler,
  NetworkPolicy,
  PodDisruptionBudget,
  ConfigMap,
  Namespace,
  Service,
  ScaledObject,
  Job,
  Ingress,
  PersistentVolumeClaim,
  Pod,
} as unknown as Readonly<Record<string, Model>>;

interface Container {
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly env?: readonly { readonly name: string }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly envFrom: readonly { readonly secretRef?: { readonly name: string } }[];
  readonly readinessProbe: { readonly httpGet: { readonly path: string; readonly port: string } };
  readonly livenessProbe: { readonly httpGet: { readonly path: string; readonly port: string } };
}
interface Volume {
  readonly name: string;
  readonly secret?: { readonly secretName: string };
}
interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec: {
    readonly scaleTargetRef?: { readonly name: string };
    readonly triggers?: readonly { readonly metadata: { readonly query: string } }[];
    readonly template: {
      readonly spec: { readonly containers: readonly [Container]; readonly volumes: readonly Volume[] };
    };
  };
}

const objectsIn = (text: string): Manifest[] =>
  parseAllDocuments(text).flatMap((document) => (document.contents === null ? [] : [document.toJS() as Manifest]));
const manifests = globSync('deploy/kubernetes/**/*.yaml', { cwd: root }).flatMap((path) =>
  objectsIn(readFileSync(join(root, path), 'utf8')),
);
const deployments = manifests.filter(({ kind }) => kind === 'Deployment');
const containerOf = ({ spec }: Manifest): Container => spec.template.spec.containers[0];

test('every manifest meets the schema of its kind, and a wrong one would not', () => {
  expect(manifests.length).toBeGreaterThan(15);
  for (const manifest of manifests) {
    const model = models[manifest.kind] as Model;
    expect(Object.keys(models)).toContain(manifest.kind);
    new model(manifest as never).validate();
  }
  const [first] = deployments as [Manifest];
  const wrong = { ...first, spec: { ...first.spec, replicas: 'two' } };
  expect(() => new (models['Deployment'] as Model)(wrong as never).validate()).toThrow('replicas');
});

test('every service has a deployment that starts its program, is probed where it answers, and is told settings it reads', () => {
  const sources = globSync(['services/*/src/config.ts', 'packages/{observe,runtime}/src/*.ts'], { cwd: root })
    .map((path) => readFileSync(join(root, path), 'utf8'))
    .join('\n');
  const started = deployments.map((deployment) => containerOf(deployment).args.at(-1) as string);
  expect(new Set(started)).toEqual(new Set(servicesIn(root).map(programInImage)));
  const shared = manifests.find(({ kind }) => kind === 'ConfigMap')?.data ?? {};
  for (const deployment of deployments) {
    const { args, env = [], ports, readinessProbe, livenessProbe } = containerOf(deployment);
    // No signal opens the inspector, through which keys and prompts could be read.
    expect(args).toContain('--disable-sigusr1');
    expect([livenessProbe.httpGet, readinessProbe.httpGet]).toEqual([
      { path: '/livez', port: 'metrics' },
      { path: '/readyz', port: 'metrics' },
    ]);
    expect(ports).toContainEqual({ name: 'metrics', containerPort: Number(shared['WILL_METRICS_PORT']) });
    for (const name of [...Object.keys(shared), ...env.map((one) => one.name)]) expect(sources).toContain(`'${name}'`);
  }
});

test('providers’ keys are given to the workers that call them and to nobody else; no manifest holds a secret', () => {
  const withKeys = deployments.filter((deployment) =>
    containerOf(deployment).envFrom.some(({ secretRef }) => secretRef?.name === 'will-providers'),
  );
  expect(withKeys.map(({ metadata }) => metadata.name)).toEqual(['worker-cloud']);
  expect(manifests.some(({ kind }) => kind === 'Secret')).toBe(false);
});

test('every service is its own user of the bus, by a secret that `willm bus config` makes, and so is the nats-server', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'will-manifests-'));
  await prepareBusFolder(folder, { nowMs: Date.now() });
  const secrets = new Map(
    parseAllDocuments(await kubernetesSecrets(folder)).map((document) => {
      const made = document.toJS() as Manifest & { readonly stringData: Readonly<Record<string, string>> };
      new Secret(made as never).validate();
      return [made.metadata.name, made.stringData];
    }),
  );
  await rm(folder, { recursive: true });
  const shared = manifests.find(({ kind }) => kind === 'ConfigMap')?.data ?? {};
  const named = ['NATS_SEED_FILE', 'WILL_NATS_TLS_CA', 'WILL_NATS_TLS_CERT', 'WILL_NATS_TLS_KEY'];
  for (const deployment of deployments) {
    const { args, volumeMounts } = containerOf(deployment);
    const service = args.at(-1)?.match(/^programs\/(.+)\.mjs$/)?.[1] ?? '';
    const volume = deployment.spec.template.spec.volumes.find(({ name }) => name === 'bus');
    expect(volume?.secret?.secretName).toBe(`will-bus-${service}`);
    const { mountPath } = volumeMounts.find(({ name }) => name === 'bus') ?? { mountPath: '' };
    const held = Object.keys(secrets.get(`will-bus-${service}`) ?? {});
    expect(held.map((name) => `${mountPath}/${name}`).sort()).toEqual(named.map((name) => shared[name]).sort());
  }
  const server = manifests.find(({ kind }) => kind === 'StatefulSet') as Manifest;
  expect(server.spec.template.spec.volumes[0]?.secret?.secretName).toBe('will-nats-server');
  expect(secrets.get('will-nats-server')?.['nats.conf']).toContain(`include "users.conf"`);
});

test('the folder of the registry, where the audit log is, outlives its pod', () => {
  const registry = deployments.find(({ metadata }) => metadata.name === 'registry') as Manifest;
  const data = registry.spec.template.spec.volumes.find(({ name }) => name === 'data');
  expect(data).toEqual({ name: 'data', persistentVolumeClaim: { claimName: 'registry' } });
  const claims = manifests.filter(({ kind }) => kind === 'PersistentVolumeClaim').map(({ metadata }) => metadata.name);
  expect(claims).toEqual(['registry']);
});

test('what workers are scaled by is measured, and scales a deployment that is there', () => {
  const scaled = manifests.filter(({ kind }) => kind === 'ScaledObject');
  expect(scaled).toHaveLength(1);
  const measured = readFileSync(join(root, 'docs/operations/metrics.md'), 'utf8');
  for (const { spec } of scaled) {
    expect(deployments.map(({ metadata }) => metadata.name)).toContain(spec.scaleTargetRef?.name);
    const figures = [...(spec.triggers?.[0]?.metadata.query ?? '').matchAll(/will_[a-z_]+/g)].map(([name]) => name);
    expect(figures).toEqual(['will_model_demand', 'will_model_in_flight']);
    for (const figure of figures) expect(measured).toContain(`\`${figure}\``);
    // With no worker a figure has no series, and a sum with an empty side is empty.
    expect(spec.triggers?.[0]?.metadata.query.match(/or vector\(0\)/g)).toHaveLength(2);
  }
});

test('a disruption leaves pods of every Deployment that has several, and requests are taken while a gateway stops', () => {
  const budgets = manifests.filter(({ kind }) => kind === 'PodDisruptionBudget').map(({ metadata }) => metadata.name);
  expect(budgets.sort()).toEqual(
    ['gateway', 'nats', 'policy', 'router', 'tasks', 'telemetry', 'worker-cloud', 'worker-llama'].sort(),
  );
  const gateway = deployments.find(({ metadata }) => metadata.name === 'gateway') as Manifest;
  expect(containerOf(gateway).env).toContainEqual({ name: 'WILL_STOP_DELAY_MS', value: '10000' });
});

const files = await renderManifests();

test.skipIf(files === undefined)('the plain manifests are what the chart renders: `npm run manifests`', () => {
  expect(files?.size).toBe(3);
  for (const [path, text] of files ?? []) expect([path, readFileSync(join(root, path), 'utf8')]).toEqual([path, text]);
});

const chartWith = async (values: object): Promise<readonly Manifest[]> => {
  const helm = (await bringHelm()) as string;
  const args = Object.entries(values).flatMap(([name, value]) => ['--set-json', `${name}=${JSON.stringify(value)}`]);
  return (await rendered(helm, ['--namespace', 'will', ...args])).flatMap(objectsIn);
};

test.skipIf(files === undefined)('everything that the chart can render meets the schema of its kind', async () => {
  const worker = { name: 'llama', models: 'llama' };
  const all = await chartWith({
    nats: { enabled: true },
    mongodb: { existingSecret: '' },
    otlp: { endpoint: 'http://collector.observability:4318' },
    documents: { 'a.yaml': 'kind: client\nname: acme\n' },
    ops: { enabled: true },
    gateway: {
      ingress: { enabled: true, host: 'will.example', tlsSecret: 'tls' },
      httpRoute: { enabled: true, host: 'will.example', parentRefs: [{ name: 'edge' }] },
    },
    prometheus: { podMonitor: true, rules: true },
    dashboards: { enabled: true },
    workers: [
      { ...worker, devices: { 'nvidia.com/gpu': 1 }, autoscaling: { kind: 'keda', model: 'llama', minReplicas: 0 } },
      { ...worker, name: 'other', autoscaling: { kind: 'hpa', model: 'other' } },
    ],
  });
  const kinds = new Set(all.map(({ kind }) => kind));
  expect(kinds.size).toBeGreaterThan(12);
  let validated = 0;
  for (const manifest of all) {
    const model = models[manifest.kind];
    if (!model) continue;
    new model(manifest as never).validate();
    validated += 1;
  }
  expect(validated).toBeGreaterThan(25);
  // Custom resources of others, whose schemas are not at hand.
  expect([...kinds].filter((kind) => !(kind in models)).sort()).toEqual(['HTTPRoute', 'PodMonitor', 'PrometheusRule']);
});

test.skipIf(files === undefined)(
  'documents are applied, and operators work, as the bus user `operator`; a document that is refused is not tried again',
  async () => {
    const all = await chartWith({ documents: { 'a.yaml': 'kind: client\nname: acme\n' }, ops: { enabled: true } });
    const podOf = (kind: string, name: RegExp) =>
      (all.find((one) => one.kind === kind && name.test(one.metadata.name)) as Manifest).spec.template.spec;
    for (const { volumes } of [podOf('Job', /^will-documents/), podOf('Deployment', /^ops$/)])
      expect(volumes.find(({ name }) => name === 'bus')?.secret?.secretName).toBe('will-bus-operator');
    const job = all.find(({ kind }) => kind === 'Job');
    expect(job?.spec).toMatchObject({
      podFailurePolicy: {
        // As docs/reference/cli.md states them: refused, and bad usage.
        rules: [{ action: 'FailJob', onExitCodes: { operator: 'In', values: [1, 2] } }],
      },
    });
    expect(job?.metadata).toMatchObject({ annotations: { 'helm.sh/hook-output-log-policy': 'hook-failed' } });
    expect((await chartWith({})).some(({ metadata }) => metadata.name === 'ops')).toBe(false);
  },
);

test.skipIf(files === undefined).each([
  [{ workers: [{ name: 'x' }] }, 'models'],
  [{ workers: [{ name: 'x', models: 'x', autoscaling: { kind: 'keda' } }] }, 'model'],
  [{ gateway: { keys: 'off' } }, 'keys'],
  [{ replicas: 3 }, 'replicas'],
  [{ settings: { WILL_DRAIN_MS: 5 } }, 'WILL_DRAIN_MS'],
])('values that mean nothing are refused by name: %j', async (values, name) => {
  await expect(chartWith(values)).rejects.toThrow(name);
});

import { readFile } from 'node:fs/promises';
import { busServices } from '@will/bus';
import { stringify } from 'yaml';
import { callersOf, openBusFolder } from './folder.ts';
import { serverConf } from './server-conf.ts';

/** The paths at which the manifests mount a Secret's files. */
export const mounted = { server: '/etc/nats', service: '/etc/will/bus' } as const;

/** Kubernetes namespaces that the manifests run in. */
export interface Namespaces {
  readonly services: string;
  readonly nats: string;
}
export const defaultNamespaces: Namespaces = { services: 'will', nats: 'nats' };

/** Names by which the Service `nats` is reached in a cluster. */
export const hostsInCluster = ({ nats }: Namespaces): readonly string[] =>
  ['', '.svc', '.svc.cluster.local'].map((rest) => `nats.${nats}${rest}`);

/**
 * Secrets for the manifests, as YAML: `will-bus-<service>` with a service's seed and certificate, `will-bus-operator` for
 * the one that runs `willm`, and `will-nats-server` with the server's configuration and certificate. It holds private keys.
 *
 * @param folder what `prepareBusFolder` made
 */
export async function kubernetesSecrets(folder: string, namespaces: Namespaces = defaultNamespaces): Promise<string> {
  const files = openBusFolder(folder);
  const read = (path: string): Promise<string> => readFile(path, 'utf8');
  const ca = await read(files.ca);
  const secrets = [
    secret('will-nats-server', namespaces.nats, {
      'nats.conf': serverConf({
        about: 'Made by `willm bus config --kubernetes`.',
        tls: {
          ca: `${mounted.server}/ca.crt`,
          cert: `${mounted.server}/server.crt`,
          key: `${mounted.server}/server.key`,
        },
        users: 'users.conf',
        storeFolder: '/data',
      }),
      'users.conf': await read(`${files.folder}/users.conf`),
      'ca.crt': ca,
      'server.crt': await read(files.certOf('server')),
      'server.key': await read(files.keyOf('server')),
    }),
  ];
  const callers = (await callersOf(folder)).map(({ client }) => `client.${client}`);
  for (const user of ['operator', ...busServices, ...callers])
    secrets.push(
      secret(`will-bus-${user}`, namespaces.services, {
        seed: await read(files.seedOf(user)),
        'ca.crt': ca,
        'tls.crt': await read(files.certOf(user)),
        'tls.key': await read(files.keyOf(user)),
      }),
    );
  return secrets.map((one) => stringify(one)).join('---\n');
}

const secret = (name: string, namespace: string, stringData: Readonly<Record<string, string>>): object => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace, labels: { 'app.kubernetes.io/part-of': 'will' } },
  type: 'Opaque',
  stringData,
});

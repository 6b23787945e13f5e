// node capacity.mjs KUBECTL KUBECONFIG NAMESPACE SECONDS TASKS_A_SECOND: processor time and memory of each service over
// some seconds of a constant load, as the kubelets count them. Prints a table: per 100 tasks a second.
import { execFileSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';

const [kubectl, kubeconfig, namespace, seconds, rate] = process.argv.slice(2);
const ask = (path) =>
  JSON.parse(
    execFileSync(kubectl, ['kubectl', '--kubeconfig', kubeconfig, 'get', '--raw', path], { maxBuffer: 1 << 26 }),
  );
const nodes = ask('/api/v1/nodes').items.map(({ metadata }) => metadata.name);

/** Of each running pod of the namespace: what it used so far. */
function used() {
  const pods = nodes.flatMap((node) => ask(`/api/v1/nodes/${node}/proxy/stats/summary`).pods);
  return new Map(
    pods
      .filter(({ podRef }) => podRef.namespace === namespace)
      .map(({ podRef, cpu, memory }) => [
        podRef.name,
        { atMs: Date.parse(cpu.time), cpuNs: cpu.usageCoreNanoSeconds, bytes: memory.workingSetBytes },
      ]),
  );
}

const before = used();
await wait(Number(seconds) * 1000);
const services = new Map();
for (const [name, { atMs, cpuNs, bytes }] of used()) {
  const was = before.get(name);
  if (!was || atMs === was.atMs) continue;
  const service = name.replace(/-[0-9a-z]+-[0-9a-z]{5}$|-\d+$/, '');
  const sum = services.get(service) ?? { pods: 0, cores: 0, bytes: 0 };
  sum.pods += 1;
  sum.cores += (cpuNs - was.cpuNs) / 1e6 / (atMs - was.atMs);
  sum.bytes += bytes;
  services.set(service, sum);
}
console.log(
  `| service | pods | processors at ${rate} tasks/s | processors per 100 tasks/s | MiB a pod |\n|---|---|---|---|---|`,
);
for (const [name, { pods, cores, bytes }] of [...services].toSorted(([a], [b]) => a.localeCompare(b)))
  console.log(
    `| ${name} | ${pods} | ${cores.toFixed(3)} | ${((cores * 100) / Number(rate)).toFixed(2)} | ${Math.round(bytes / pods / 2 ** 20)} |`,
  );

import { access, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { constants } from 'node:fs';

/** A process that gets only a share of one processor. */
export interface CpuLimit {
  /** By which means, as it is printed. */
  readonly how: string;
  /** After the process has ended. */
  remove(): Promise<void>;
}

const periodMs = 100;

/**
 * Holds a process to a share of one processor in each 100 ms: by a cgroup where this user may make one, else by
 * SIGSTOP and SIGCONT.
 */
export async function limitCpu(pid: number, share: number): Promise<CpuLimit> {
  const [quotaUs, periodUs] = [share * periodMs * 1_000, periodMs * 1_000];
  const root = '/sys/fs/cgroup';
  const name = `will-${pid}`;
  const controllers = await readFile(`${root}/cgroup.controllers`, 'utf8').catch(() => '');
  const isWritable = (path: string): Promise<boolean> =>
    access(path, constants.W_OK).then(
      () => true,
      () => false,
    );
  if (controllers.split(/\s+/).includes('cpu') && (await isWritable(root)))
    return await inGroup(`${root}/${name}`, pid, 'cgroup v2', { 'cpu.max': `${quotaUs} ${periodUs}` });
  if (await isWritable(`${root}/cpu/cgroup.procs`))
    return await inGroup(`${root}/cpu/${name}`, pid, 'cgroup v1', {
      'cpu.cfs_period_us': `${periodUs}`,
      'cpu.cfs_quota_us': `${quotaUs}`,
    });
  return byStops(pid, share);
}

async function inGroup(
  folder: string,
  pid: number,
  how: string,
  files: Readonly<Record<string, string>>,
): Promise<CpuLimit> {
  await mkdir(folder);
  for (const [file, text] of Object.entries(files)) await writeFile(`${folder}/${file}`, text);
  await writeFile(`${folder}/cgroup.procs`, `${pid}`);
  return { how, remove: () => rmdir(folder) };
}

function byStops(pid: number, share: number): CpuLimit {
  process.kill(pid, 'SIGSTOP');
  const timer = setInterval(() => {
    process.kill(pid, 'SIGCONT');
    setTimeout(() => process.kill(pid, 'SIGSTOP'), share * periodMs);
  }, periodMs);
  return {
    how: `SIGSTOP and SIGCONT (${100 * share} % of each ${periodMs} ms), as no cgroup can be made here`,
    remove: async () => clearInterval(timer),
  };
}

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The address of this side of each link, and of the other one. */
const near = { bus: '10.213.71.1', provider: '10.213.73.1' } as const;
const [switchNear, switchFar, far] = ['10.213.71.2', '10.213.72.1', '10.213.72.2'] as const;

const ip = (...args: readonly string[]): void =>
  void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'], env: systemPath });
const systemPath = { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

/** Why no cable can be laid here; undefined: it can. */
export function whyNoCable(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux';
  if (process.getuid?.() !== 0) return 'making network namespaces needs root';
  try {
    ip('netns', 'list');
    return undefined;
  } catch (error) {
    return `\`ip netns\` does not work (install iproute2): ${(error as Error).message.split('\n')[0]}`;
  }
}

/**
 * A network namespace behind a cable with a switch in its middle, and a second cable of its own to providers. Where the
 * first is cut, both ends keep their addresses and routes, and hear nothing.
 */
export class Cable {
  readonly addresses = near;
  readonly #far = `will-far-${process.pid}`;
  readonly #middle = `will-mid-${process.pid}`;

  constructor() {
    const inMiddle = ['-n', this.#middle];
    const inFar = ['-n', this.#far];
    try {
      for (const name of [this.#far, this.#middle]) ip('netns', 'add', name);
      ip('link', 'add', 'willb0', 'type', 'veth', 'peer', 'name', 'b1', 'netns', this.#middle);
      ip(...inMiddle, 'link', 'add', 'b2', 'type', 'veth', 'peer', 'name', 'b3', 'netns', this.#far);
      ip('link', 'add', 'willp0', 'type', 'veth', 'peer', 'name', 'p1', 'netns', this.#far);
      ip('addr', 'add', `${near.bus}/30`, 'dev', 'willb0');
      ip(...inMiddle, 'addr', 'add', `${switchNear}/30`, 'dev', 'b1');
      ip(...inMiddle, 'addr', 'add', `${switchFar}/30`, 'dev', 'b2');
      ip(...inFar, 'addr', 'add', `${far}/30`, 'dev', 'b3');
      ip('addr', 'add', `${near.provider}/30`, 'dev', 'willp0');
      ip(...inFar, 'addr', 'add', '10.213.73.2/30', 'dev', 'p1');
      for (const link of ['willb0', 'willp0']) ip('link', 'set', link, 'up');
      for (const link of ['lo', 'b3', 'p1']) ip(...inFar, 'link', 'set', link, 'up');
      this.mend();
      ip('netns', 'exec', this.#middle, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
      ip('route', 'add', '10.213.72.0/30', 'via', switchNear);
      ip(...inFar, 'route', 'add', '10.213.71.0/30', 'via', switchFar);
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** Runs another command at the far end. */
  get through(): readonly string[] {
    const path = execFileSync('sh', ['-c', 'command -v ip'], { env: systemPath, encoding: 'utf8' }).trim();
    return [path, 'netns', 'exec', this.#far];
  }

  cut(): void {
    for (const link of ['b1', 'b2']) ip('-n', this.#middle, 'link', 'set', link, 'down');
  }

  mend(): void {
    for (const link of ['b1', 'b2']) ip('-n', this.#middle, 'link', 'set', link, 'up');
  }

  remove(): void {
    // Links go with their namespace.
    for (const name of [this.#far, this.#middle])
      try {
        ip('netns', 'del', name);
      } catch {
        // It was not made.
      }
  }
}

/** Whether the server's end, or a process's end, of a connection from the far end to a port stands. */
export function hasConnection(pid: number, port: number): boolean {
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const farHex = Buffer.from(far.split('.').map(Number).toReversed()).toString('hex').toUpperCase();
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .some((line) => {
      const [, local = '', remote = '', state] = line.trim().split(/\s+/);
      return state === '01' && `${local} ${remote}`.includes(`:${hex}`) && `${local} ${remote}`.includes(farHex);
    });
}

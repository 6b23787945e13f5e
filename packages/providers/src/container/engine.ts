import { type EngineAnswer, type EngineSocket, EngineUnreachable } from '../egress/engine-socket.ts';
import { ProviderConfigError } from '../port.ts';

/** The state of a container, as its engine tells it. */
export interface ContainerState {
  readonly id: string;
  readonly isRunning: boolean;
  /** What its own health check says; 'none': it has none. */
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  readonly exitCode: number;
  readonly ranOutOfMemory: boolean;
  /** Ports of this machine by the container's own. */
  readonly ports: ReadonlyMap<number, number>;
}

/** A container as it is to be made. */
export interface ContainerToMake {
  readonly name: string;
  readonly image: string;
  /** Which model it is for. */
  readonly model: string;
  /** The port that the server inside listens on. */
  readonly port: number;
  /** The port of this machine that leads there; undefined: any free one. */
  readonly hostPort: number | undefined;
  readonly memoryBytes: number | undefined;
}

/** Containers made here bear this label, with the model's slug. Only these are ever stopped. */
export const modelLabel = 'will.model';
const stopWithinSeconds = 10;

/**
 * The few words of the Docker engine's API (1.41 and newer, as Podman speaks it too) that are used here.
 * Every method throws {@link ProviderConfigError} where the engine refuses or is not there.
 */
export class Engine {
  readonly #socket: EngineSocket;

  constructor(socket: EngineSocket) {
    this.#socket = socket;
  }

  /** Running containers of an image, those made for the model first. */
  async running(image: string, model: string): Promise<readonly string[]> {
    const filters = encodeURIComponent(JSON.stringify({ ancestor: [image], status: ['running'] }));
    const { json } = await this.#ask('GET', `/containers/json?filters=${filters}`, undefined, [200]);
    const found = (Array.isArray(json) ? json : []) as readonly { Id?: unknown; Labels?: Record<string, unknown> }[];
    const isOwn = (labels: Record<string, unknown> | undefined): number => (labels?.[modelLabel] === model ? 0 : 1);
    return found
      .toSorted((one, other) => isOwn(one.Labels) - isOwn(other.Labels))
      .flatMap(({ Id }) => (typeof Id === 'string' ? [Id] : []));
  }

  /** Undefined: there is none of that name or id. */
  async look(id: string): Promise<ContainerState | undefined> {
    const { status, json } = await this.#ask(
      'GET',
      `/containers/${encodeURIComponent(id)}/json`,
      undefined,
      [200, 404],
    );
    return status === 404 ? undefined : stateOf(json);
  }

  /** Makes a container, or finds the one of that name. Answers its id. An image that is not here is not fetched. */
  async make(wanted: ContainerToMake): Promise<string> {
    const { status, json } = await this.#ask(
      'POST',
      `/containers/create?name=${encodeURIComponent(wanted.name)}`,
      recipeOf(wanted),
      [201, 404, 409],
    );
    if (status === 404)
      throw new ProviderConfigError(
        `image ${wanted.image} is not on this machine; fetch it: docker pull ${wanted.image}`,
      );
    return status === 409 ? wanted.name : (json as { readonly Id: string }).Id;
  }

  /** Starting what runs is no error. */
  async start(id: string): Promise<void> {
    await this.#ask('POST', `/containers/${encodeURIComponent(id)}/start`, undefined, [204, 304]);
  }

  /** Stopping what is stopped or gone is no error. */
  async stop(id: string): Promise<void> {
    const path = `/containers/${encodeURIComponent(id)}/stop?t=${stopWithinSeconds}`;
    await this.#ask('POST', path, undefined, [204, 304, 404]);
  }

  async #ask(
    method: 'GET' | 'POST',
    path: string,
    body: object | undefined,
    expected: readonly number[],
  ): Promise<EngineAnswer> {
    let answer: EngineAnswer;
    try {
      answer = await this.#socket.request(method, path, body);
    } catch (error) {
      if (error instanceof EngineUnreachable) throw new ProviderConfigError(error.message, { cause: error });
      throw error;
    }
    if (expected.includes(answer.status)) return answer;
    const message = (answer.json as { message?: unknown } | undefined)?.message;
    const words = typeof message === 'string' ? `: ${message.slice(0, 200)}` : '';
    throw new ProviderConfigError(`the container engine refused (${answer.status})${words}`);
  }
}

/** Reached from this machine only, with no more rights than it has, and no more memory than stated. */
function recipeOf({ image, model, port, hostPort, memoryBytes }: ContainerToMake): object {
  const inside = `${port}/tcp`;
  return {
    Image: image,
    Labels: { [modelLabel]: model },
    ExposedPorts: { [inside]: {} },
    HostConfig: {
      PortBindings: { [inside]: [{ HostIp: '127.0.0.1', HostPort: hostPort === undefined ? '' : String(hostPort) }] },
      SecurityOpt: ['no-new-privileges'],
      ...(memoryBytes !== undefined && { Memory: memoryBytes }),
    },
  };
}

interface Inspected {
  readonly Id?: string;
  readonly State?: {
    readonly Running?: boolean;
    readonly ExitCode?: number;
    readonly OOMKilled?: boolean;
    readonly Health?: { readonly Status?: string } | null;
  };
  readonly NetworkSettings?: {
    readonly Ports?: Readonly<Record<string, readonly { HostPort?: string }[] | null>> | null;
  };
}

function stateOf(json: unknown): ContainerState {
  const { Id, State, NetworkSettings } = (json ?? {}) as Inspected;
  const health = State?.Health?.Status ?? 'none';
  const ports = new Map<number, number>();
  for (const [inside, bindings] of Object.entries(NetworkSettings?.Ports ?? {})) {
    const hostPort = Number(bindings?.[0]?.HostPort);
    if (inside.endsWith('/tcp') && hostPort > 0) ports.set(Number.parseInt(inside, 10), hostPort);
  }
  return {
    id: Id ?? '',
    isRunning: State?.Running === true,
    health: health === 'starting' || health === 'healthy' || health === 'unhealthy' ? health : 'none',
    exitCode: State?.ExitCode ?? 0,
    ranOutOfMemory: State?.OOMKilled === true,
    ports,
  };
}

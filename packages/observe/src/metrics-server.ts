import { createServer, type Server, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { pathOfTarget, type WebAccess, webRefusal } from '@will/runtime';

/** The server at which a process is asked how it is. */
export interface MetricsServer {
  readonly url: string;
  ready(reason: () => string | undefined): void;
  stop(): Promise<void>;
}

/**
 * `/metrics` for Prometheus; `/livez` answers 200 while the process turns; `/readyz` 200 while it can work, else 503 and
 * why not. Nothing else, and no secrets: programs that reach the port may read it, web pages may not.
 * @throws when the port is taken.
 */
export async function startMetricsServer(
  host: string,
  port: number,
  web: WebAccess,
  scrape: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<MetricsServer> {
  let whyNot = (): string | undefined => 'starting';
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 5_000 }, (request, response) => {
    const refusal = webRefusal(request, host, web);
    if (refusal) return say(response, refusal.status, refusal.message);
    const path = pathOfTarget(request.url ?? '/').split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') return say(response, 405, 'only GET');
    if (path === '/metrics') return scrape(request, response);
    if (path === '/livez') return say(response, 200, 'ok');
    if (path !== '/readyz') return say(response, 404, 'one of /metrics, /livez, /readyz');
    const reason = whyNot();
    return say(response, reason === undefined ? 200 : 503, reason ?? 'ok');
  });
  await listen(server, host, port);
  // It must not keep a process alive that has nothing else to do.
  server.unref();
  const reachedAt = addressFor(host);
  const shownHost = reachedAt.includes(':') ? `[${reachedAt}]` : reachedAt;
  return {
    url: `http://${shownHost}:${(server.address() as AddressInfo).port}`,
    ready(reason) {
      whyNot = reason;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new Error(`cannot listen on ${host}:${port} for metrics (${cause.code}); set WILL_METRICS_PORT to another`, {
          cause,
        }),
      ),
    );
    server.listen(port, host, resolve);
  });
}

/** Who listens on every address is shown by the first that other machines reach, as in a pod; it names itself else. */
function addressFor(host: string): string {
  if (host !== '0.0.0.0' && host !== '::') return host;
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? hostname();
}

function say(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${words}\n`);
}

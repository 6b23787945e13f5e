import { createServer } from 'node:net';

/** Below those that the system gives to connections: one of these could come between the choice and its use. */
const [firstPort, portCount] = [10_000, 20_000] as const;
const maxTries = 100;

/** A port of 127.0.0.1 where nobody listens. Drawn, so that tests side by side choose different ones. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < maxTries; tries += 1) {
    const port = firstPort + Math.floor(Math.random() * portCount);
    if (await isFree(port)) return port;
  }
  throw new Error(`none of ${maxTries} ports from ${firstPort} to ${firstPort + portCount - 1} was free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

import { connect, createServer, type Socket } from 'node:net';

/** What happens to bytes on their way: nothing, a delay, no progress at all, or a reset. */
export type Weather = 'fine' | 'slow' | 'half-open' | 'cut';

/** Stands between processes and a server, and misbehaves when it is told to. */
export interface TcpProxy {
  readonly port: number;
  /** `cut` ends every connection and refuses new ones; `half-open` keeps them and lets nothing through. */
  setWeather(weather: Weather): void;
  close(): Promise<void>;
}

const slowMs = 150;

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let weather: Weather = 'fine';
  const sockets = new Set<Socket>();
  const held: (() => void)[] = [];
  const pass = (from: Socket, to: Socket): void => {
    let before = Promise.resolve();
    from.on('data', (chunk) => {
      from.pause();
      // In order, whatever the weather was when each piece came.
      before = before
        .then(() => fairWeather())
        .then(() => {
          if (!to.destroyed) to.write(chunk);
          from.resume();
        });
    });
    from.once('close', () => to.destroy());
    from.once('error', () => to.destroy());
  };
  const fairWeather = (): Promise<void> =>
    new Promise((resolve) => {
      if (weather === 'slow') setTimeout(resolve, slowMs);
      else if (weather === 'half-open') held.push(resolve);
      else resolve();
    });
  const server = createServer({ noDelay: true }, (socket) => {
    if (weather === 'cut') return void socket.resetAndDestroy();
    const target = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    for (const each of [socket, target]) {
      sockets.add(each);
      each.once('close', () => sockets.delete(each));
    }
    pass(socket, target);
    pass(target, socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    setWeather(next) {
      weather = next;
      if (next === 'cut') for (const socket of sockets) socket.resetAndDestroy();
      if (next !== 'half-open') for (const go of held.splice(0)) go();
    },
    async close() {
      weather = 'fine';
      for (const socket of sockets) socket.destroy();
      for (const go of held.splice(0)) go();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

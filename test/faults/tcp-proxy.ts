import { connect, createServer, type Socket } from 'node:net';

/** What happens to bytes on their way: nothing, a delay, no progress at all, or a reset. */
export type Weather = 'fine' | 'slow' | 'half-open' | 'unread' | 'cut';

/** Stands between processes and a server, and misbehaves when it is told to. */
export interface TcpProxy {
  readonly port: number;
  /**
   * `cut` ends every connection and refuses new ones; `half-open` keeps them and lets nothing through; `unread` reads
   * nothing from the server.
   */
  setWeather(weather: Weather): void;
  /** Resolves when the server has ended a connection that was there at this call. */
  untilServerEnds(): Promise<void>;
  close(): Promise<void>;
}

const slowMs = 150;

export async function startTcpProxy(targetPort: number): Promise<TcpProxy> {
  let weather: Weather = 'fine';
  const sockets = new Set<Socket>();
  const held: (() => void)[] = [];
  const targets = new Set<Socket>();
  const pass = (from: Socket, to: Socket): void => {
    let before = Promise.resolve();
    from.on('data', (chunk) => {
      from.pause();
      // In order, whatever the weather was when each piece came.
      before = before
        .then(() => fairWeather(targets.has(from)))
        .then(() => {
          if (!to.destroyed) to.write(chunk);
          from.resume();
        });
    });
    from.once('close', () => to.destroy());
    from.once('error', () => to.destroy());
  };
  const fairWeather = (isFromServer: boolean): Promise<void> =>
    new Promise((resolve) => {
      if (weather === 'slow') setTimeout(resolve, slowMs);
      else if (weather === 'half-open' || (weather === 'unread' && isFromServer)) held.push(resolve);
      else resolve();
    });
  const server = createServer({ noDelay: true }, (socket) => {
    if (weather === 'cut') return void socket.resetAndDestroy();
    const target = connect({ port: targetPort, host: '127.0.0.1', noDelay: true });
    targets.add(target);
    target.once('close', () => targets.delete(target));
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
      if (next !== 'half-open' && next !== 'unread') for (const go of held.splice(0)) go();
    },
    untilServerEnds: () =>
      Promise.race([...targets].map((target) => new Promise<void>((resolve) => target.once('close', () => resolve())))),
    async close() {
      weather = 'fine';
      for (const socket of sockets) socket.destroy();
      for (const go of held.splice(0)) go();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

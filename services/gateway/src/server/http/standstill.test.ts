import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { startHttpServer } from './server.ts';

/** Another process that asks and leaves at once, or after its answer. */
const asks = (port: number, thenLeaves: string): string =>
  `const s=require('net').connect(${port},'127.0.0.1');s.write('POST /told HTTP/1.1\\r\\nhost: localhost\\r\\ncontent-length: 0\\r\\n\\r\\n',()=>{${thenLeaves}})`;

test('a caller that left while the process stood still starts nothing, and one that waits is answered', async () => {
  const told: string[] = [];
  const server = await startHttpServer(
    0,
    { '/told': { POST: ({ headers }, response) => void (told.push(headers.host ?? ''), response.end('here')) } },
    (what) => told.push(what),
    // Else a machine so busy that it takes a tenth of a second for a turn counts as one that runs again.
    { stoodStillMs: () => 600 },
  );
  const waiting = connect(server.port, '127.0.0.1');
  try {
    await once(waiting, 'connect');
    waiting.write('POST /told HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n');
    // The loop of this process stands still as long as the other one runs.
    const leaves = spawnSync(process.execPath, ['-e', asks(server.port, 'setTimeout(()=>process.exit(),600)')]);
    expect(leaves.status).toBe(0);
    const [answer] = (await once(waiting, 'data')) as [Buffer];
    expect(answer.toString()).toContain('here');
    // By the time another one is answered, the one that left would have been.
    for (const _ of [1, 2, 3]) await (await fetch(`http://127.0.0.1:${server.port}/told`, { method: 'POST' })).text();
    const last = `127.0.0.1:${server.port}`;
    expect(told).toEqual(['127.0.0.1', last, last, last]);
  } finally {
    waiting.destroy();
    await server.stop(100);
  }
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startReplayingUpstream } from '@will/testkit';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem } from '../support/system.ts';
import { type Ended, root, run } from './installed.ts';
import { startPassingRouter } from './passing-router.ts';

// `npm run languages`: the clients in Python and Go, as their users install them, against the running product. Needs
// Python 3.10 and Go 1.25 or newer, and their package indexes once.

let faults = 0;
function told(what: string, { code, out, err }: Ended, wanted?: string): void {
  const isGood = code === 0 && (wanted === undefined || out === wanted);
  process.stdout.write(`${isGood ? 'ok    ' : 'FAILED'} ${what}\n${isGood ? '' : `${out}${err}\n`}`);
  if (!isGood) faults += 1;
}

const folder = await mkdtemp(join(tmpdir(), 'will-languages-'));
const upstream = await startReplayingUpstream();
const system = await startSystem({
  documents: {
    'world.yaml': documentFile(
      openByDefault,
      modelDocument({ name: 'GPT-4', endpoint: `${upstream.url}/v1` }),
      routeDocument('text_gen', 'GPT-4'),
    ),
  },
  callers: ['default'],
  counts: { gateway: 1, tasks: 1 },
});
try {
  await system.untilServed('gpt-4');
  const addresses = { NATS: system.nats.url, gRPC: `grpc://${system.grpcAddress}` };

  const python = join(folder, 'venv/bin/python');
  await run('python3', ['-m', 'venv', join(folder, 'venv')], root);
  const packages = ['clients/python', 'mypy==2.4.1', 'types-protobuf'];
  told('Python: install', await run(python, ['-m', 'pip', 'install', '--quiet', ...packages], root));
  const checked = [join(root, 'clients/python/src/will_client'), join(root, 'examples/client-python/main.py')];
  told('Python: types', await run(python, ['-m', 'mypy', ...checked], join(root, 'clients/python')));
  for (const [name, url] of Object.entries(addresses)) {
    const ended = await run(python, ['examples/client-python/main.py'], root, { WILL_URL: url });
    told(`Python: run, stream, submit over ${name}`, ended, 'run: gpt-4 True\nstream: True\nsubmit: gpt-4 True\n');
  }
  const nobody = 'nats://127.0.0.1:1';
  const refused = await run(python, ['examples/client-python/main.py'], root, { WILL_URL: nobody });
  const isTold = refused.code === 1 && refused.err.startsWith(`unavailable: no nats-server answers at ${nobody}`);
  told('Python: says that no nats-server answers', { ...refused, code: isTold ? 0 : 1 });

  const passing = await startPassingRouter();
  const asks = `import asyncio, sys
from will_client import connect
async def main():
    async with await connect(sys.argv[1], client="acme") as client:
        print((await client.run("text_gen", "Hello", timeout_s=60)).output)
asyncio.run(main())`;
  const passed = await run(python, ['-c', asks, passing.url], root);
  await passing.stop();
  told(
    `Python: goes to another router, and says that it waits (asked ${passing.asked()})`,
    passed,
    'passed on twice\n',
  );

  const program = join(folder, 'example');
  const go = join(root, 'examples/client-go');
  told('Go: build', await run('go', ['build', '-buildvcs=false', '-o', program, '.'], go));
  told('Go: vet', await run('go', ['vet', './...'], join(root, 'clients/go')));
  const ended = await run(program, [], root, { WILL_URL: system.grpcAddress });
  told('Go: run, stream, submit over gRPC', ended, 'run: gpt-4 true\nstream: true\nsubmit: gpt-4 true\n');
} finally {
  await system.stop();
  await upstream.close();
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = faults === 0 ? 0 : 1;

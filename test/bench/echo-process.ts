import { connectBus } from '@will/bus';

// Answers 1 KB with 1 KB: the bare round trip that everything else is compared with.
const bus = await connectBus({ servers: process.env['NATS_URL'] ?? '', processId: 'bench-echo', inboxScope: 'bench' });
bus.serve('will.v1.bench.echo', 'bench', (message) => message.data);
await bus.connection.flush();
process.send?.({ kind: 'ready' });
process.on('disconnect', () => void bus.close().then(() => process.exit(0)));

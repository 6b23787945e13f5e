import { startReplayingUpstream } from '@will/testkit';

// The upstream in a process of its own, so that its processor time is not the load generator's.
const upstream = await startReplayingUpstream({ keepLog: false });
// Streams at the pace of a fast model: 100 pieces, 5 ms apart.
upstream.script('paced', { kind: 'answer', text: 'word '.repeat(100), chunks: 100, gapMs: 5 });
process.send?.({ kind: 'ready', url: upstream.url });
process.on('disconnect', () => void upstream.close().then(() => process.exit(0)));

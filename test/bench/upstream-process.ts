import { startReplayingUpstream } from '@will/testkit';

// The upstream in a process of its own, so that its processor time is not the load generator's.
const upstream = await startReplayingUpstream({ keepLog: false });
process.send?.({ kind: 'ready', url: upstream.url });
process.on('disconnect', () => void upstream.close().then(() => process.exit(0)));

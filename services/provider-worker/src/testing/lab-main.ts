import { playMutations } from './lab-mutations.ts';

/** `npm run lab [count] [seed]`: many more mutations than the tests play. Ends with 1 where anything was wrong. */
const [count = 10_000, seed = Date.now() % 1_000_000] = process.argv.slice(2).map(Number);
const startedMs = performance.now();
const { answered, failed, wrong, bystander } = await playMutations({ seed, count, atOnce: 16 });
const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
const lines = [
  ...wrong.slice(0, 20),
  `seed ${seed}: ${count} mutations in ${seconds} s: ${answered} answered, ${failed} typed errors, ${wrong.length} wrong`,
  `bystander: ${bystander.whole} streams whole, ${bystander.broken} broken`,
];
process.stdout.write(`${lines.join('\n')}\n`);
process.exitCode = wrong.length > 0 || bystander.broken > 0 || bystander.whole === 0 ? 1 : 0;

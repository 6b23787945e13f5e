import { expect, test } from 'vitest';
import { invariants, type Invariant } from './checker.ts';
import { runWithFaults } from './run.ts';

// Everything that can be killed, frozen, cut off, poisoned or repeated is, in an order drawn from a seed; then one
// checker reads all logs. `npm run faults` does it for many seeds. `WILL_FAULTS_SAY=1` tells each fault as it happens,
// else a run tells them when something broke.

const seed = Number(process.env['WILL_FAULTS_SEED'] ?? 1);
const faultCount = Number(process.env['WILL_FAULTS'] ?? 10);

test(`seed ${seed}: no invariant breaks under ${faultCount} faults`, async () => {
  const told: string[] = [];
  const { violations, counts } = await runWithFaults(seed, faultCount, (stage) => {
    const line = `${new Date().toISOString().slice(14, 23)} ${stage}\n`;
    if (process.env['WILL_FAULTS_SAY'] === undefined) told.push(line);
    else process.stdout.write(line);
  });
  process.stdout.write(`seed ${seed}: ${JSON.stringify(counts)}\n`);
  const said = violations.map(({ invariant, evidence }) => `${invariant} (${meaningOf(invariant)}): ${evidence}`);
  if (said.length > 0) process.stdout.write(told.join(''));
  expect(said, `again by WILL_FAULTS_SEED=${seed} WILL_FAULTS=${faultCount}`).toEqual([]);
});

const meaningOf = (invariant: Invariant): string => invariants[invariant].meaning;

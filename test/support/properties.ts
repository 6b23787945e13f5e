import fc from 'fast-check';

// Properties draw the same cases in every run, so that what is green stays green until the code changes.
// `WILL_PROPERTY_SEED` draws others: a number, or `random`.

const seed = process.env['WILL_PROPERTY_SEED'] ?? '20261123';
if (seed !== 'random') {
  if (!/^-?\d+$/.test(seed)) throw new Error(`WILL_PROPERTY_SEED=${seed} must be a whole number or random`);
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
}

import { measureRecordCost, told } from './record-cost.ts';

// `npm run bench:records`: what a record costs, in a process that does nothing else and is warm.
console.log(told(await measureRecordCost(24_000)));

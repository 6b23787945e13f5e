import { plainColumnsSource } from './plain-columns.ts';

/** Files that are made of the program itself, beside those that buf makes of `proto/`: text by path from the repository. */
export const generatedSources = (): ReadonlyMap<string, string> =>
  new Map([['packages/store/src/gen/plain-columns.ts', plainColumnsSource()]]);

import { plainColumnsSource } from './plain-columns.ts';

type Sources = ReadonlyMap<string, string>;

/** Files that are made of the program itself, beside those that buf makes of `proto/`: text by path from the repository. */
export async function generatedSources(): Promise<Sources> {
  const ofCli = new URL('../../packages/cli/src/generate/sources.ts', import.meta.url);
  const { commandSources } = (await import(ofCli.href)) as { commandSources(): Promise<Sources> };
  return new Map([['packages/store/src/gen/plain-columns.ts', plainColumnsSource()], ...(await commandSources())]);
}

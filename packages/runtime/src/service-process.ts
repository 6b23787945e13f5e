/**
 * The command that starts a service's process, wherever that is done. What was compiled is kept in a folder: without it
 * every start loads the compiler that takes the types out, 25 MiB that are never given back. A signal must not open the
 * inspector, through which any program of this machine could read keys and prompts.
 */
export const serviceProcess = (compileCache: string) => ({
  // Half of what Node gives young objects: 200 MiB less in seven processes under load, for no time that can be measured.
  execArgv: ['--disable-sigusr1', '--max-semi-space-size=8'],
  // Four threads of the engine with memory of their own each keep what the others could use.
  env: { NODE_COMPILE_CACHE: compileCache, MALLOC_ARENA_MAX: '2' },
});

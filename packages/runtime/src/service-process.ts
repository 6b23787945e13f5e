/**
 * The command that starts a service's process, wherever that is done. Young objects get 8 MiB instead of Node's 16: a
 * service under load then keeps 20 to 60 MiB less, and what that costs in processor time is lost in the noise of the
 * benchmark. What was compiled is kept in a folder: without it every start loads the compiler that takes the types
 * out, 25 MiB that are never given back. A signal must not open the inspector, through which any program of this
 * machine could read keys and prompts.
 */
export const serviceProcess = (compileCache: string) => ({
  execArgv: ['--max-semi-space-size=8', '--disable-sigusr1'],
  env: { NODE_COMPILE_CACHE: compileCache },
});

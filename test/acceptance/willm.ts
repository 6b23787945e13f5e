import { type Said, willmAt } from '../support/willm.ts';
import type { BusAddress } from './product.ts';

/** The command line as an operator of a bus runs it. */
export type Willm = (...args: string[]) => Promise<Said>;

export const willmOf = ({ url, seedFile, tls }: BusAddress): Willm =>
  willmAt(url, {
    NATS_SEED_FILE: seedFile ?? '',
    WILL_NATS_TLS_CA: tls?.ca ?? '',
    WILL_NATS_TLS_CERT: tls?.cert ?? '',
    WILL_NATS_TLS_KEY: tls?.key ?? '',
  });

/** What a command wrote. @throws {Error} it failed */
export async function said(willm: Willm, ...args: string[]): Promise<string> {
  const { code, out, err } = await willm(...args);
  if (code !== 0) throw new Error(`willm ${args.join(' ')} ended with ${code}: ${err || out}`);
  return out;
}

/** What a command wrote with `--json`. @throws {Error} it failed */
export const saidJson = async (willm: Willm, ...args: string[]): Promise<unknown> =>
  JSON.parse(await said(willm, ...args, '--json')) as unknown;

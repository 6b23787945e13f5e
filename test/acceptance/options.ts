import { parseArgs } from 'node:util';
import type { UpstreamPlace } from './product.ts';

export interface Options {
  /** Part of a heading or of a line. */
  readonly only: string;
  readonly running: boolean;
  readonly removeLeft: boolean;
  readonly http: string | undefined;
  readonly grpc: string | undefined;
  readonly upstream: UpstreamPlace;
}

const usage = `npm run acceptance -- [--only <part of a line>]
npm run acceptance -- --running [--http <url>] [--grpc <url>] [--upstream-host <address>] [--upstream-port <port>] [--upstream-url <url>]
npm run acceptance -- --remove-left`;

/** @throws {Error} an option is not known, or its value cannot be read */
export function readOptions(args: readonly string[]): Options {
  const values = valuesOf(args);
  return {
    only: values.only.toLowerCase(),
    running: values.running,
    removeLeft: values['remove-left'],
    http: values.http === undefined ? undefined : addressOf('--http', values.http, ['http:', 'https:']),
    grpc: values.grpc === undefined ? undefined : addressOf('--grpc', values.grpc, ['grpc:', 'grpcs:']),
    upstream: upstreamIn(values),
  };
}

function upstreamIn({ 'upstream-host': host, 'upstream-port': text, 'upstream-url': url }: Values): UpstreamPlace {
  const port = portOf(text);
  if (url === undefined) {
    if (host !== '0.0.0.0' && host !== '::') return { host, port };
    throw new Error(`--upstream-host ${host} is no address that a product reaches: say by --upstream-url which is`);
  }
  if (port === 0) throw new Error('--upstream-url needs --upstream-port, the port that it leads to');
  return { host, port, url: addressOf('--upstream-url', url, ['http:']) };
}

type Values = ReturnType<typeof valuesOf>;

function valuesOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', default: '' },
        running: { type: 'boolean', default: false },
        'remove-left': { type: 'boolean', default: false },
        http: { type: 'string' },
        grpc: { type: 'string' },
        'upstream-host': { type: 'string', default: '127.0.0.1' },
        'upstream-port': { type: 'string', default: '0' },
        'upstream-url': { type: 'string' },
      },
    }).values;
  } catch (cause) {
    throw new Error(`${(cause as Error).message}\n${usage}`, { cause });
  }
}

function addressOf(option: string, text: string, protocols: readonly string[]): string {
  if (URL.canParse(text) && protocols.includes(new URL(text).protocol)) return text.replace(/\/+$/, '');
  throw new Error(
    `${option} is ${JSON.stringify(text)}; it must be an address that begins with ${protocols.join('// or ')}//`,
  );
}

function portOf(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new Error(
    `--upstream-port is ${JSON.stringify(text)}; it must be a whole number from 0 to 65535, 0: any that is free`,
  );
}

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { eventTimeoutMs } from './event-timeout-ms.ts';

export interface CollectedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  /** '' at the root. */
  readonly parentId: string;
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly isError: boolean;
  /** Traces that it is linked to. */
  readonly linkedTo: readonly string[];
}

/** A collector of OTLP over HTTP with protobuf: reads spans, and keeps every byte that came. */
export interface Collector {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** Everything that was sent: paths, headers, bodies. */
  received(): Buffer;
  /** Paths that something came to. */
  readonly paths: ReadonlySet<string>;
  until(holds: (spans: readonly CollectedSpan[]) => boolean, what: string): Promise<void>;
  close(): Promise<void>;
}

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const bytes: Buffer[] = [];
  const paths = new Set<string>();
  const listeners = new Set<() => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      bytes.push(Buffer.from(`${request.url} ${JSON.stringify(request.headers)}\n`), body);
      paths.add(request.url ?? '');
      if (request.url === '/v1/traces') spans.push(...spansIn(body));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' });
      response.end();
      for (const listener of listeners) listener();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    paths,
    received: () => Buffer.concat(bytes),
    until: (holds, what) =>
      new Promise((resolve, reject) => {
        const seen = (): string => spans.map(({ service, name }) => `${service}: ${name}`).join('\n');
        const look = (): void => {
          if (!holds(spans)) return;
          clearTimeout(timer);
          listeners.delete(look);
          resolve();
        };
        const timer = setTimeout(() => {
          listeners.delete(look);
          reject(new Error(`waited ${eventTimeoutMs} ms for ${what}; there are\n${seen()}`));
        }, eventTimeoutMs);
        listeners.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

/** A message's fields by number, each with all its values; nested messages stay bytes. */
type Fields = Map<number, (Uint8Array | bigint)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes);
  const fields: Fields = new Map();
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const values = fields.get(number) ?? [];
    fields.set(number, values);
    if (type === WireType.LengthDelimited) values.push(reader.bytes());
    else if (type === WireType.Varint) values.push(BigInt(reader.uint64()));
    else if (type === WireType.Bit64) values.push(BigInt(reader.fixed64()));
    else values.push(BigInt(reader.fixed32()));
  }
  return fields;
}

const messages = (fields: Fields, number: number): Fields[] =>
  (fields.get(number) ?? []).map((value) => fieldsOf(value as Uint8Array));
const text = (fields: Fields, number: number): string => {
  const [value] = fields.get(number) ?? [];
  return value instanceof Uint8Array ? Buffer.from(value).toString() : '';
};
const hex = (fields: Fields, number: number): string => {
  const [value] = fields.get(number) ?? [];
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : '';
};

/** `opentelemetry.proto.trace.v1`, as far as it is looked at. */
function spansIn(body: Uint8Array): CollectedSpan[] {
  return messages(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const [resource = new Map() as Fields] = messages(resourceSpans, 1);
    const service = String(attributesOf(resource, 1)['service.name']);
    return messages(resourceSpans, 2)
      .flatMap((scope) => messages(scope, 2))
      .map((span) => ({
        service,
        traceId: hex(span, 1),
        spanId: hex(span, 2),
        parentId: hex(span, 4),
        name: text(span, 5),
        attributes: attributesOf(span, 9),
        isError: messages(span, 15).some((status) => status.get(3)?.[0] === 2n),
        linkedTo: messages(span, 13).map((link) => hex(link, 1)),
      }));
  });
}

const attributesOf = (fields: Fields, number: number): Record<string, unknown> =>
  Object.fromEntries(
    messages(fields, number).map((pair) => [text(pair, 1), valueOf(messages(pair, 2)[0] ?? new Map())]),
  );

function valueOf(value: Fields): unknown {
  if (value.has(1)) return text(value, 1);
  if (value.has(2)) return value.get(2)?.[0] === 1n;
  if (value.has(3)) return Number(value.get(3)?.[0]);
  if (value.has(4)) return Number(value.get(4)?.[0]);
  return messages(value, 5).flatMap((list) => messages(list, 1).map(valueOf));
}

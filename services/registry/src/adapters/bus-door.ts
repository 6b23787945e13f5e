import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Bus, ProcessesView, Serving } from '@will/bus';
import { documentKinds, slugOf, type DocumentKind } from '@will/core';
import { queues, subjects, wire } from '@will/contracts';
import type { StoredDocument } from '@will/store';
import type { Registry } from '../service.ts';

/** What one answer may carry of documents; the rest is asked for again. */
const mostAnswerBytes = 900 * 1024;

interface Door {
  readonly bus: Bus;
  readonly registry: Registry;
  readonly incarnation: string;
  readonly processes: ProcessesView;
  readonly onError: (what: string, error: unknown) => void;
}

/** Serves apply, get and status. Every request is answered, also one that cannot be read. */
export function serveRegistry(door: Door): Serving {
  const { bus } = door;
  const servings = [
    bus.serve(subjects.registry('apply'), queues.registry, async ({ data }) =>
      toBinary(wire.ApplyResponseSchema, await apply(door, data)),
    ),
    bus.serve(subjects.registry('get'), queues.registry, async ({ data }) =>
      toBinary(wire.GetResponseSchema, await get(door, data)),
    ),
    bus.serve(subjects.registry('status'), queues.registry, async () =>
      toBinary(wire.StatusResponseSchema, await status(door)),
    ),
  ];
  return {
    stop: async () => {
      await Promise.all(servings.map((serving) => serving.stop()));
    },
  };
}

async function apply({ registry, onError }: Door, data: Uint8Array): Promise<wire.ApplyResponse> {
  try {
    const request = fromBinary(wire.ApplyRequestSchema, data);
    const applied = await registry.apply({
      files: request.files,
      prune: request.prune,
      author: request.author === '' ? 'unknown' : request.author.slice(0, 200),
      note: request.note.slice(0, 2_000),
      dryRun: request.dryRun,
    });
    return create(wire.ApplyResponseSchema, {
      ...applied,
      revision: BigInt(applied.revision),
      changes: [...applied.changes],
      problems: [...applied.problems],
      warnings: [...applied.warnings],
      lagging: [...applied.lagging],
    });
  } catch (error) {
    onError('applying documents', error);
    return create(wire.ApplyResponseSchema, {
      problems: [{ message: `nothing was applied: ${(error as Error).message}` }],
    });
  }
}

async function get({ registry, onError }: Door, data: Uint8Array): Promise<wire.GetResponse> {
  try {
    const request = fromBinary(wire.GetRequestSchema, data);
    const kind = request.kind === '' ? undefined : documentKinds.find((known) => known === request.kind.toLowerCase());
    if (request.kind !== '' && !kind)
      return create(wire.GetResponseSchema, {
        error: `kind ${JSON.stringify(request.kind.slice(0, 40))} must be one of ${documentKinds.join(', ')}`,
      });
    const slug = request.slug === '' ? undefined : slugOf(request.slug);
    const { revision, documents } = await registry.documents(kind as DocumentKind | undefined, slug);
    return page(revision, documents, request.after);
  } catch (error) {
    onError('reading documents', error);
    return create(wire.GetResponseSchema, { error: (error as Error).message });
  }
}

function page(revision: number, documents: readonly StoredDocument[], after: string): wire.GetResponse {
  const first = after === '' ? 0 : documents.findIndex((stored) => placeOf(stored) === after) + 1;
  const answer = create(wire.GetResponseSchema, { revision: BigInt(revision) });
  let bytes = 0;
  for (const stored of documents.slice(first)) {
    const document = onTheWire(stored);
    bytes += document.json.length + 300;
    if (bytes > mostAnswerBytes && answer.documents.length > 0) {
      const last = answer.documents.at(-1);
      answer.next = last ? `${last.kind}:${last.slug}` : '';
      return answer;
    }
    answer.documents.push(document);
  }
  return answer;
}

const placeOf = ({ document }: StoredDocument): string => `${document.kind}:${document.body.slug}`;

const onTheWire = ({ document, revision, author, updatedAtMs }: StoredDocument): wire.Document =>
  create(wire.DocumentSchema, {
    kind: document.kind,
    slug: document.body.slug,
    name: document.body.name,
    revision: BigInt(revision),
    json: new TextEncoder().encode(JSON.stringify(document.body)),
    author,
    updatedUnixMs: BigInt(updatedAtMs),
  });

async function status({ registry, incarnation, processes, onError }: Door): Promise<wire.StatusResponse> {
  try {
    const { revision, documents } = await registry.documents(undefined, undefined);
    const counts = documentKinds.map((kind) => ({
      kind,
      count: documents.filter(({ document }) => document.kind === kind).length,
    }));
    return create(wire.StatusResponseSchema, {
      revision: BigInt(revision),
      publishedRevision: BigInt(registry.publishedRevision),
      incarnation,
      counts,
      processes: [...processes.processes.values()],
    });
  } catch (error) {
    onError('reading the status', error);
    return create(wire.StatusResponseSchema, { error: (error as Error).message });
  }
}

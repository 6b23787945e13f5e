import { compileSnapshot } from '../snapshot/compile-snapshot.ts';
import type {
  AnyDocument,
  ClientDocument,
  ModelDocument,
  ProjectDocument,
  ReflexDocument,
  RouteDocument,
  ScheduleDocument,
} from '../domain/documents.ts';
import type { Facts } from '../domain/facts.ts';
import { slugOf } from '../domain/names.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

/** Builders of documents and facts for tests of the rules; nothing is stated that the test does not state. */
export const model = (name: string, over: Partial<ModelDocument> = {}): AnyDocument => ({
  kind: 'model',
  body: {
    name,
    slug: slugOf(name),
    aliases: [],
    tags: ['text_gen', 'code'],
    call_method: 'API',
    provider: 'openai-compatible',
    capabilities: [],
    tier: 'standard',
    ...over,
  },
});
/** What makes a model one that runs in the worker's own machine. */
export const onDevice = { call_method: 'on-device', provider: 'gguf', local: { path: 'm.gguf' } } as const;

export const route = (slug: string, models: readonly string[], over: Partial<RouteDocument> = {}): AnyDocument => ({
  kind: 'route',
  body: {
    name: slug,
    slug,
    steps: models.map((name, index) => ({ step: index === 0 ? 'primary' : `fallback_${index}`, model: name })),
    ...over,
  },
});
export const client = (name: string, over: Partial<ClientDocument> = {}): AnyDocument => ({
  kind: 'client',
  body: { name, slug: slugOf(name), ...over },
});
export const project = (name: string, over: Partial<ProjectDocument> = {}): AnyDocument => ({
  kind: 'project',
  body: { name, slug: slugOf(name), ...over },
});
export const reflex = (name: string, over: Partial<ReflexDocument> = {}): AnyDocument => ({
  kind: 'reflex',
  body: { name, slug: slugOf(name), ...over },
});
export const scheduleBody = (over: Partial<ScheduleDocument> = {}): ScheduleDocument => ({
  name: 'off_hours',
  slug: 'off_hours',
  time_zone: 'UTC',
  from: '21:00',
  to: '06:00',
  ...over,
});
export const schedule = (over: Partial<ScheduleDocument> = {}): AnyDocument => ({
  kind: 'schedule',
  body: scheduleBody(over),
});
/** Without this, data of which nobody says anything is of the strictest class. */
export const openByDefault: AnyDocument = {
  kind: 'settings',
  body: { name: 'global', slug: 'global', default_data_class: 'open' },
};

/** @throws {Error} the documents do not fit together. */
export function snapshotOf(...documents: readonly AnyDocument[]): Snapshot {
  const compiled = compileSnapshot(1, documents);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

export const facts = (over: Partial<Facts> = {}): Facts => ({
  taskType: 'text_gen',
  client: 'default',
  project: undefined,
  reflex: undefined,
  priority: 'normal',
  dataClass: undefined,
  model: undefined,
  input: ['text'],
  output: ['text'],
  needs: [],
  inputTokens: 256,
  maxOutputTokens: 0,
  ...over,
});

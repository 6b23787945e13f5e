import {
  type AnyDocument,
  compileSnapshot,
  type Facts,
  type Model,
  type ModelDocument,
  type Snapshot,
} from '@will/core';

/** A model as the rules and providers see it, out of the fields that matter to a test. */
export function modelFor(fields: Partial<ModelDocument>): Model {
  const body: ModelDocument = {
    name: 'test-model',
    slug: 'test-model',
    aliases: [],
    tags: ['text_gen'],
    call_method: 'Local',
    provider: 'openai-compatible',
    capabilities: [],
    tier: 'standard',
    ...fields,
  };
  const document: AnyDocument = { kind: 'model', body };
  const compiled = compileSnapshot(1, [document]);
  if ('problems' in compiled) throw new Error(compiled.problems.map(({ message }) => message).join('; '));
  return compiled.snapshot.models.get(body.slug) as Model;
}

/** The facts of a plain text task of the built-in client, but for what matters to a test. */
export const factsFor = (over: Partial<Facts> = {}): Facts => ({
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

/** A snapshot of documents. @throws {Error} they do not compile. */
export function snapshotOf(documents: readonly AnyDocument[], revision = 1): Snapshot {
  const compiled = compileSnapshot(revision, documents);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

import { slugOf, type Model } from '@will/core';

/**
 * Reads which models a worker is there for: a comma-separated list of slugs or names, task types, providers and call
 * methods (`gguf`, `openai-compatible,whisper`, `API`); one match is enough. Absent: all.
 */
export function parseSelection(list: string | undefined): (model: Model) => boolean {
  const wanted = new Set(
    (list ?? '')
      .split(',')
      .map((word) => slugOf(word))
      .filter((word) => word !== ''),
  );
  if (wanted.size === 0) return () => true;
  return (model) =>
    [model.slug, model.name, ...model.document.aliases, ...model.taskTypes, model.provider, model.callMethod].some(
      (word) => wanted.has(slugOf(word)),
    );
}

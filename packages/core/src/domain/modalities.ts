import type { Modality } from './documents.ts';

/** Modalities that go in and that come out. */
export interface Modalities {
  readonly input: readonly Modality[];
  readonly output: readonly Modality[];
}

const textToText: Modalities = { input: ['text'], output: ['text'] };

/** Modalities that go in and come out, by use-case tag, for models that do not state them. */
export const modalitiesByTag: Readonly<Record<string, Modalities>> = {
  text_gen: textToText,
  code: textToText,
  translation: textToText,
  summarization: textToText,
  classification: textToText,
  vision: { input: ['text', 'image'], output: ['text'] },
  ocr: { input: ['text', 'image'], output: ['text'] },
  transcription: { input: ['audio'], output: ['text'] },
  speech: { input: ['text'], output: ['audio'] },
  image_gen: { input: ['text'], output: ['image'] },
  embedding: { input: ['text'], output: ['embedding'] },
  rerank: { input: ['text'], output: ['score'] },
};

/** Everything that one tag takes and gives; one that is not in the table means text. */
export const modalitiesOfTag = (tag: string): Modalities =>
  Object.hasOwn(modalitiesByTag, tag) ? (modalitiesByTag[tag] as Modalities) : textToText;

/** Everything that the tags together can take and give. */
export function modalitiesOfTags(tags: readonly string[]): {
  input: Set<Modality>;
  output: Set<Modality>;
} {
  const input = new Set<Modality>();
  const output = new Set<Modality>();
  for (const tag of tags) {
    const known = modalitiesOfTag(tag);
    for (const modality of known.input) input.add(modality);
    for (const modality of known.output) output.add(modality);
  }
  return { input, output };
}

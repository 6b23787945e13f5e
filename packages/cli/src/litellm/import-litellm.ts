import { Deployment } from './deployment.ts';
import { leaves, type Unmapped, whyNot } from './unmapped.ts';
import { type LitellmEnvironment, readConfig } from './read-config.ts';

export interface Imported {
  /** Model documents, as a file would hold them. */
  readonly documents: readonly Readonly<Record<string, unknown>>[];
  /** Every field of the file that stands in no document. Values are not repeated: one may be a key. */
  readonly unmapped: readonly Unmapped[];
  /** Entries of `model_list` that became no document, by path: where one of them would be sent is not certain. */
  readonly leftOut: readonly Unmapped[];
}

/**
 * LiteLLM's `config.yaml` as model documents, with a list of all that has no place in them. Addresses are taken from
 * the file and from `environment`, as LiteLLM takes them; an entry whose address or provider is in doubt is left out.
 * @throws {Error} the text is no YAML map.
 */
export function importLitellm(text: string, environment: LitellmEnvironment = {}): Imported {
  const config = readConfig(text, environment);
  const names = new Map<string, number>();
  const read = config.deployments.map((entry, index) => new Deployment(entry, `model_list[${index}]`, config));
  const documents = read.map((deployment) => deployment.document(names));
  return {
    documents: documents.filter((document) => document !== undefined),
    unmapped: [
      ...read.flatMap((deployment) => deployment.unmapped()),
      ...leaves(config.others, '').map(([path, field]) => ({
        path,
        why: whyNot.get(field) ?? 'it has no counterpart',
      })),
    ],
    leftOut: read.flatMap(({ path, refusal }) => (refusal === undefined ? [] : { path, why: refusal })),
  };
}

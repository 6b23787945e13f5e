import { nameKey, type Snapshot } from '@will/core';

/** Names of documents by the client that they belong to; '' has those of nobody. Each map gives the slug. */
interface NamesByOwner {
  readonly clients: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly projects: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

const known = new WeakMap<Snapshot, NamesByOwner>();

/**
 * Finds what a client may name: itself, its projects, and those of nobody. Another client's names are not looked up at
 * all, so that the answer to one takes as long as the answer to a name that no document has.
 */
export class OwnNames {
  readonly #names: NamesByOwner;
  readonly #client: string;

  constructor(snapshot: Snapshot, client: string) {
    this.#client = client;
    this.#names = known.get(snapshot) ?? byOwner(snapshot);
    known.set(snapshot, this.#names);
  }

  /** Whether a name is the client's own. */
  isSelf(said: string): boolean {
    return find([this.#names.clients.get(this.#client)], said) !== undefined;
  }

  /** Slug of a project that the client may name; undefined: there is none, or it is another client's. */
  project(said: string): string | undefined {
    const { projects } = this.#names;
    return find([projects.get(this.#client), projects.get('')], said);
  }
}

/** Most callers say the slug, which is its own key. */
function find(maps: readonly (ReadonlyMap<string, string> | undefined)[], said: string): string | undefined {
  for (const name of [said, nameKey(said)]) for (const map of maps) if (map?.has(name)) return map.get(name);
  return undefined;
}

const byOwner = ({ clients, clientSlugs, projects, projectSlugs }: Snapshot): NamesByOwner => ({
  clients: grouped(clientSlugs, (slug) => (clients.has(slug) ? slug : undefined)),
  projects: grouped(projectSlugs, (slug) => projects.get(slug)?.client ?? ''),
});

function grouped(
  slugs: ReadonlyMap<string, string>,
  ownerOf: (slug: string) => string | undefined,
): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const groups = new Map<string, Map<string, string>>();
  for (const [name, slug] of slugs) {
    const owner = ownerOf(slug);
    if (owner !== undefined) groups.set(owner, (groups.get(owner) ?? new Map()).set(name, slug));
  }
  return groups;
}

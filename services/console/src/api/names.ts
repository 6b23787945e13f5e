import { type NamedKind, type Snapshot, slugNamed } from '@will/core';
import { maySee, type Viewer } from '../viewer.ts';

const named = ['client', 'project', 'model', 'reflex'] as const satisfies readonly NamedKind[];

/**
 * A question with the slugs of what it names by name, alias or slug. What no document has stays as it was said: records of
 * removed documents bear it. Callers' words for what is not theirs stay too, so that no answer tells a foreign slug.
 */
export function withSlugs<T extends object>(asked: T, snapshot: Snapshot | undefined, viewer: Viewer): T {
  if (!snapshot) return asked;
  const said = asked as Readonly<Record<string, unknown>>;
  const slugs = named.flatMap((kind) => {
    const name = said[kind];
    const slug = typeof name === 'string' ? slugNamed(snapshot, kind, name) : undefined;
    return slug !== undefined && isTold(snapshot, kind, slug, viewer) ? [[kind, slug] as const] : [];
  });
  return { ...asked, ...Object.fromEntries(slugs) };
}

function isTold(snapshot: Snapshot, kind: NamedKind, slug: string, viewer: Viewer): boolean {
  if (kind === 'client') return maySee({ ...viewer, projects: [] }, { client: slug });
  if (kind === 'project') return maySee(viewer, { client: snapshot.projects.get(slug)?.client, project: slug });
  return true;
}

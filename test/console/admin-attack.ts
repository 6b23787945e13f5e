import { adminRoutes } from '../../services/console/src/api/table.ts';
import { texts } from '../attacks/payloads.ts';
import { type AdminWorld, type Role, roles } from './admin-world.ts';

// Requests that nobody means well with, made from the route table: every route × role × field, with a text that has broken others.

export interface AttackFigures {
  readonly requests: number;
  /** Answers that a server does not give, in words. */
  readonly wrong: readonly string[];
}

/** Own fields of each route that stand in its path, query or body. */
interface Field {
  readonly place: 'path' | 'query' | 'body';
  readonly name: string;
}

type Route = (typeof adminRoutes)[number];

/** Statuses of a server that understood or refused. */
const fine: ReadonlySet<number> = new Set([200, 400, 401, 403, 404, 405, 413]);

/**
 * Sends one text in each field of each route, as each role; `all`: every text. Streams are left after their first bytes.
 * @param foreign words that no answer to a caller may hold
 */
export async function attackAdminApi(
  world: AdminWorld,
  foreign: readonly string[],
  isAll: boolean,
): Promise<AttackFigures> {
  const wrong: string[] = [];
  let requests = 0;
  for (const route of adminRoutes)
    for (const role of roles)
      for (const [at, field] of fieldsOf(route).entries()) {
        const drawn = isAll ? texts : [texts[(requests + at) % texts.length] ?? ''];
        for (const text of drawn) {
          requests += 1;
          const problem = await problemOf(world, route, role, field, text, foreign);
          if (problem)
            wrong.push(
              `${route.method} ${route.path} as ${role}, ${field.place} ${field.name} ${JSON.stringify(text.slice(0, 40))}: ${problem}`,
            );
        }
      }
  return { requests, wrong };
}

function fieldsOf(route: Route): readonly Field[] {
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({ place: 'path' as const, name }));
  const inQuery = Object.keys(route.query?.shape ?? {}).map((name) => ({ place: 'query' as const, name }));
  const body: object = route.body && 'shape' in route.body ? (route.body.shape as object) : {};
  const inBody = Object.keys(body).map((name) => ({ place: 'body' as const, name }));
  return [...inPath, ...inQuery, ...inBody, { place: 'query', name: 'nobody-knows-it' }];
}

async function problemOf(
  { ask, keys }: AdminWorld,
  route: Route,
  role: Role,
  field: Field,
  text: string,
  foreign: readonly string[],
): Promise<string | undefined> {
  const leaving = new AbortController();
  const response = await ask(pathOf(route, field, text), keys[role], {
    method: route.method,
    signal: leaving.signal,
    ...(route.method === 'POST' && { body: JSON.stringify(field.place === 'body' ? { [field.name]: text } : {}) }),
  });
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const said = isStream ? '' : await response.text();
  leaving.abort();
  if (!fine.has(response.status)) return `status ${response.status}: ${said.slice(0, 200)}`;
  if (response.status === 200 && !route.access.includes(role)) return 'it was let in';
  if (response.status !== 200 && !isError(said)) return `no error in the form of the API: ${said.slice(0, 200)}`;
  const told = role === 'caller' && response.status === 200 ? foreign.find((word) => said.includes(word)) : undefined;
  return told === undefined ? undefined : `it tells of another client: ${told}`;
}

function pathOf({ path }: Route, { place, name }: Field, text: string): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, parameter: string) =>
    place === 'path' && parameter === name ? encodeURIComponent(text.toWellFormed()) || '%00' : 'nothing-0',
  );
  return place === 'query' ? `${filled}?${new URLSearchParams([[name, text]]).toString()}` : filled;
}

function isError(text: string): boolean {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly code?: unknown; readonly message?: unknown } };
    return typeof error?.code === 'string' && typeof error.message === 'string';
  } catch {
    return false;
  }
}

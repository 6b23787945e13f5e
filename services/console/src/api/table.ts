import { auditRoutes } from '../routes/audit.ts';
import { callRoutes } from '../routes/calls.ts';
import { costRoutes } from '../routes/cost.ts';
import { dataRoutes } from '../routes/data.ts';
import { decisionRoutes } from '../routes/decisions.ts';
import { documentRoutes } from '../routes/documents.ts';
import { durableRoutes } from '../routes/durable.ts';
import { eventRoutes } from '../routes/events.ts';
import { explainRoutes } from '../routes/explain.ts';
import { keyRoutes } from '../routes/keys.ts';
import { limitRoutes } from '../routes/limits.ts';
import { nowRoutes } from '../routes/now.ts';
import { playgroundRoutes } from '../routes/playground.ts';
import type { Route } from './route.ts';

/** Everything that the admin API answers to somebody who was let in. A route that is not here does not exist. */
export const adminRoutes: readonly Route[] = [
  ...nowRoutes,
  ...callRoutes,
  ...decisionRoutes,
  ...explainRoutes,
  ...costRoutes,
  ...limitRoutes,
  ...durableRoutes,
  ...documentRoutes,
  ...dataRoutes,
  ...auditRoutes,
  ...keyRoutes,
  ...playgroundRoutes,
  ...eventRoutes,
];

export interface FoundRoute {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Routes whose path fits, of any method. A text that is written out goes before one in braces. */
export function routesAt(path: string, table: readonly Route[] = adminRoutes): readonly FoundRoute[] {
  const segments = path.split('/');
  const found = table.flatMap((route) => {
    const parameters = parametersOf(route.path.split('/'), segments);
    return parameters ? [{ route, parameters }] : [];
  });
  const fewest = Math.min(...found.map(({ parameters }) => Object.keys(parameters).length));
  return found.filter(({ parameters }) => Object.keys(parameters).length === fewest);
}

function parametersOf(
  template: readonly string[],
  segments: readonly string[],
): Readonly<Record<string, string>> | undefined {
  if (template.length !== segments.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of template.entries()) {
    const segment = segments[index] ?? '';
    if (!part.startsWith('{')) {
      if (part !== segment) return undefined;
      continue;
    }
    const value = decoded(segment);
    if (value === undefined || value === '') return undefined;
    parameters[part.slice(1, -1)] = value;
  }
  return parameters;
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

import { useLocation } from 'preact-iso';
import { useRef } from 'preact/hooks';
import { pathOf } from './api.ts';

export interface UrlState {
  readonly query: Readonly<Record<string, string>>;
  /** Sets parts of the query; '' takes one away. The address is the state: every view loads again from it. */
  set(changes: Readonly<Record<string, string>>): void;
}

/** The query of the view. A view that is left keeps its own, so that it asks nothing by the query of the next one. */
export function useUrlState(): UrlState {
  const { path, query, route } = useLocation();
  const view = path.split('/')[1];
  const own = useRef({ view, query });
  if (own.current.view === view) own.current.query = query;
  const asked = own.current.query;
  return { query: asked, set: (changes) => route(pathOf(path, { ...asked, ...changes }), true) };
}

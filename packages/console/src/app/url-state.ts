import { useLocation } from 'preact-iso';
import { pathOf } from './api.ts';

export interface UrlState {
  readonly query: Readonly<Record<string, string>>;
  /** Sets parts of the query; '' takes one away. The address is the state: every view loads again from it. */
  set(changes: Readonly<Record<string, string>>): void;
}

export function useUrlState(): UrlState {
  const { path, query, route } = useLocation();
  return { query, set: (changes) => route(pathOf(path, { ...query, ...changes }), true) };
}

import { useEffect, useRef, useState } from 'preact/hooks';

/** The server's own words on what is wrong. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const base = '/admin/v1';

/** Path and query; what is undefined or empty is left out. */
export function pathOf(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, String(value)]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given).toString()}`;
}

/** The address of a download. */
export const urlOf = (path: string): string => `${base}${path}`;

/** Asks the admin API. @throws {ApiError} */
export async function ask<T>(path: string, init: RequestInit = {}): Promise<T> {
  const response = await send(path, init);
  return (await response.json()) as T;
}

export const post = <T>(path: string, body: unknown): Promise<T> => ask<T>(path, asPost(body));

export const asPost = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

/** The answer, once its status says that it is one. @throws {ApiError} */
export async function send(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(urlOf(path), init).catch(() => {
    throw new ApiError(0, 'unreachable', 'the console does not answer; is the product running?');
  });
  if (response.ok) return response;
  const { error } = (await response.json().catch(() => ({}))) as { error?: { code: string; message: string } };
  throw new ApiError(response.status, error?.code ?? 'failed', error?.message ?? `status ${response.status}`);
}

export interface Loaded<T> {
  /** What was answered last; it stays while the next answer is awaited, and goes where another path's answer is an error. */
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  reload(): void;
}

/** The answer of a path, asked again when it changes and, with `everyMs`, while the page is visible. */
export function useApi<T>(path: string, everyMs = 0): Loaded<T> {
  const [state, setState] = useState<{ path: string; data?: T; error?: ApiError }>({ path });
  const [round, setRound] = useState(0);
  const latest = useRef(path);
  latest.current = path;
  useEffect(() => {
    const leaving = new AbortController();
    const load = (): void => {
      if (document.hidden) return;
      ask<T>(path, { signal: leaving.signal }).then(
        (data) => latest.current === path && setState({ path, data }),
        (error: unknown) =>
          !leaving.signal.aborted &&
          setState((before) => ({ ...(before.path === path && before), path, error: asApiError(error) })),
      );
    };
    load();
    const timer = everyMs > 0 ? setInterval(load, everyMs) : undefined;
    document.addEventListener('visibilitychange', load);
    return () => {
      leaving.abort();
      clearInterval(timer);
      document.removeEventListener('visibilitychange', load);
    };
  }, [path, everyMs, round]);
  return { data: state.data, error: state.error, reload: () => setRound((n) => n + 1) };
}

const asApiError = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError(0, 'failed', String(error));

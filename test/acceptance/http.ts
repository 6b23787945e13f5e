import { caller } from './caller.ts';
import type { Keys } from './keys.ts';
import type { Product } from './product.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The HTTP server of a product, as it is asked under the names of the run and with its keys. */
export interface Http {
  /** Posts as {@link caller} where `x-will-client` names nobody. */
  post(path: string, body: object, headers?: Readonly<Record<string, string>>): Promise<HttpAnswer>;
  /** Asks as {@link caller}. */
  get(path: string): Promise<HttpAnswer>;
}

export function openHttp({ httpUrl, names }: Product, keys: Keys): Http {
  const ask = async (path: string, init: RequestInit, client = caller): Promise<HttpAnswer> => {
    const key = await keys.of(names.has(client) ? client : caller);
    const response = await fetch(`${httpUrl}${path}`, {
      ...init,
      headers: {
        ...init.headers,
        'x-will-client': names.ours(client),
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
      },
    });
    return {
      status: response.status,
      headers: new Headers([...response.headers].map(([name, value]) => [name, names.read(value)])),
      body: names.read((await response.json()) as HttpAnswer['body']),
    };
  };
  return {
    get: (path) => ask(path, {}),
    post(path, body, headers = {}) {
      const { 'x-will-client': client, ...more } = headers;
      const json = JSON.stringify('model' in body ? { ...body, model: names.ours(String(body.model)) } : body);
      const own = Object.entries(more).map(([name, value]) => [name, names.ours(value)] as const);
      return ask(
        path,
        { method: 'POST', body: json, headers: { ...Object.fromEntries(own), 'content-type': 'application/json' } },
        client,
      );
    },
  };
}

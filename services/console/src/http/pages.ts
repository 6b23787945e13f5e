import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Asset } from '@will/console';
import { AdminError } from '../api/errors.ts';

const hashed = 'public, max-age=31536000, immutable';

/** The console's own files. Every path without a dot is a view of it, which its script shows. */
export class Pages {
  readonly #assets: ReadonlyMap<string, Asset>;

  /** `assets`: by path. Empty: the console was not built, and a page says so. */
  constructor(assets: ReadonlyMap<string, Asset>) {
    this.#assets = assets;
  }

  /** @throws {AdminError} */
  answer(path: string, request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new AdminError('method_not_allowed', `method ${request.method} must be GET`);
    const asset = this.#assets.get(path.includes('.') ? path : '/index.html');
    if (!asset) throw new AdminError('not_found', this.#assets.size === 0 ? notBuilt : 'there is no such file');
    response.writeHead(200, {
      'content-type': asset.contentType,
      'content-length': asset.bytes.length,
      'cache-control': asset.isHashed ? hashed : 'no-cache',
      ...(asset.encoding !== undefined && { 'content-encoding': asset.encoding }),
    });
    response.end(request.method === 'HEAD' ? undefined : asset.bytes);
  }
}

const notBuilt = 'the console is not built: run `npm run console`; the admin API answers at /admin/v1';

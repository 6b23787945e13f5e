import { type Behaviour, modelFor, type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { anthropic } from '../../anthropic/index.ts';
import { google } from '../../google/index.ts';
import { openAi } from '../../openai/index.ts';
import type { ModelConnection, Provider } from '../../port.ts';

export const keyName = 'WILL_TEST_VENDOR_KEY';
export const key = 'sk-vendor-0123456789';

/** A vendor's provider, and its own words. */
export interface Subject {
  readonly provider: Provider;
  readonly base: string;
  readonly keyHeader: string;
  /** An error in the vendor's own body. */
  error(status: number, type: string, message: string, details?: readonly object[]): Behaviour;
}

export const json = (status: number, body: object, headers: Record<string, string> = {}): Behaviour => ({
  kind: 'status',
  status,
  body: JSON.stringify(body),
  headers,
});
export const ofAnthropic: Subject = {
  provider: anthropic,
  base: '/v1',
  keyHeader: 'x-api-key',
  error: (status, type, message) => json(status, { type: 'error', error: { type, message }, request_id: 'req_1' }),
};
export const ofGoogle: Subject = {
  provider: google,
  base: '/v1beta',
  keyHeader: 'x-goog-api-key',
  error: (code, status, message, details = []) => json(code, { error: { code, message, status, details } }),
};
export const ofOpenAi: Subject = {
  provider: openAi,
  base: '/v1',
  keyHeader: 'authorization',
  error: (status, code, message) =>
    json(status, { error: { message, type: 'invalid_request_error', param: null, code } }),
};
export const reason = (why: string): object => ({
  '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
  reason: why,
  domain: 'googleapis.com',
});
export const retryInfo = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' };

/** An upstream in place of the vendors for the tests of one file, and connections to it that are closed after each test. */
export function useVendors() {
  let upstream: ReplayingUpstream | undefined;
  const opened: ModelConnection[] = [];
  beforeAll(async () => {
    process.env[keyName] = key;
    upstream = await startReplayingUpstream();
  });
  afterAll(async () => {
    delete process.env[keyName];
    await upstream?.close();
  });
  afterEach(async () => {
    for (const connection of opened.splice(0)) await connection.close();
  });
  const at = (): ReplayingUpstream => upstream as ReplayingUpstream;
  async function open({ provider, base }: Subject, slug: string, ...behaviours: Behaviour[]): Promise<ModelConnection> {
    if (behaviours.length > 0) at().script(slug, ...behaviours);
    const endpoint = at().url + base;
    const fields = { name: slug, slug, provider: provider.name, endpoint, api_key: `env://${keyName}` };
    const connection = await provider.open(modelFor(fields));
    opened.push(connection);
    return connection;
  }
  return { opened, open, at };
}

import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Admission } from '../../admission/admission.ts';
import { described } from './openapi.ts';
import { UnderWay } from '../../admission/under-way.ts';
import { routes } from '../../routes.ts';
import { startTestServer, type TestServer } from '../../testing/test-server.ts';

interface Operation {
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> };
}

let server: TestServer;
let document: { readonly paths: Record<string, Record<string, Operation>> };
beforeAll(async () => {
  server = await startTestServer();
  document = (await (await fetch(`${server.url}/openapi.json`)).json()) as typeof document;
});
afterAll(() => server.stop());

test('what is served is valid OpenAPI', async () => {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  expect(errors).toBeUndefined();
  expect(valid).toBe(true);
});

test('every route is described, and nothing else is', () => {
  const served = routes({
    backends: server.backends,
    admission: new Admission(1),
    largeBodies: new Admission(1),
    underWay: new UnderWay(),
    nowMs: Date.now,
    onError: () => {},
  });
  const shape = (table: Readonly<Record<string, object>>) =>
    Object.entries(table)
      .map(([path, methods]) => [path, Object.keys(methods).sort()])
      .sort();
  expect(shape(described)).toEqual(shape(served));
});

test('the reference of the HTTP server names every route', () => {
  const page = readFileSync(new URL('../../../../../docs/reference/http.md', import.meta.url), 'utf8');
  const paths = Object.keys(described).map((path) => path.replace(/\/\*\*?.*/, ''));
  expect(paths.filter((path) => !page.includes(path))).toEqual([]);
});

const accepted: Readonly<Record<string, object>> = {
  '/v1/chat/completions': { model: 'auto', messages: [{ role: 'user', content: 'ping' }] },
  '/v1/responses': { model: 'auto', input: 'ping' },
  '/v1/messages': { model: 'auto', max_tokens: 9, messages: [{ role: 'user', content: 'ping' }] },
};

test.each(Object.entries(accepted))(
  '%s accepts what its description accepts, and refuses what it refuses',
  async (path, body) => {
    const schema = document.paths[path]?.['post']?.requestBody?.content['application/json']?.schema;
    const check = new Ajv2020({ strict: false, validateFormats: false }).compile(schema ?? false);
    const status = async (sent: object): Promise<number> =>
      (
        await fetch(`${server.url}${path}`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(sent),
        })
      ).status;
    expect([check(body), await status(body)]).toEqual([true, 200]);
    expect([check({ ...body, unknown: 1 }), await status({ ...body, unknown: 1 })]).toEqual([true, 200]);
    for (const wrong of [{ ...body, temperature: 'hot' }, { ...body, tools: 1 }, { model: 'auto' }])
      expect([check(wrong), await status(wrong)]).toEqual([false, 400]);
  },
);

test('explain over HTTP tells who may answer and why the others may not', async () => {
  server.tasks.explain = async (question) => {
    server.tasks.queries.push(question);
    return {
      set: {
        revision: 7,
        dataClass: 'open',
        facts: { taskType: 'code' },
        candidates: [{ model: 'llama', why: 'route:primary' }],
        exclusions: [{ model: 'eyes', rule: 'task_type', detail: 'no' }],
        notes: [],
      } as never,
      wouldChange: [],
    };
  };
  const answer = await fetch(`${server.url}/v1/explain`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-will-client': 'AcmeLegal' },
    body: JSON.stringify({ type: 'code', data_class: 'customer' }),
  });
  expect(await answer.json()).toMatchObject({
    revision: 7,
    candidates: [{ model: 'llama' }],
    exclusions: [{ model: 'eyes', rule: 'task_type' }],
  });
  expect(server.tasks.queries).toEqual([{ client: 'acmelegal', type: 'code', dataClass: 'customer' }]);
});

import { z } from 'zod';
import type { Route } from './route.ts';

const json = { 'application/json': { schema: { type: 'object' } } };
const error = { $ref: '#/components/responses/Error' };

/** The admin API in OpenAPI 3.1, made of the table that is served. */
export function openApiDocument(table: readonly Route[]): Record<string, unknown> {
  const paths = Map.groupBy(table, ({ path }) => path);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Will’s admin API',
      version: '1',
      description:
        'What operators ask and change. Names are in snake_case, money is in nano-USD, instants are UTC milliseconds.',
    },
    security: [{ key: [] }, { session: [] }],
    paths: Object.fromEntries(
      [...paths].map(([path, routes]) => [
        path,
        Object.fromEntries(routes.map((route) => [route.method.toLowerCase(), operation(route)])),
      ]),
    ),
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer' },
        session: { type: 'apiKey', in: 'cookie', name: 'will_session' },
      },
      responses: { Error: { description: 'What is wrong, what was allowed and what to do', content: json } },
    },
  };
}

function operation({ summary, path, query, body, access }: Route): object {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const inQuery = Object.entries(query?.shape ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: false,
    schema: schemaOf(schema as z.ZodType),
  }));
  const parameters = [...inPath, ...inQuery];
  return {
    summary,
    'x-roles': access,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(body) } } } }),
    responses: { 200: { description: 'The answer', content: json }, default: error },
  };
}

function schemaOf(type: z.ZodType): object {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(type, {
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
  });
  return schema;
}

import { z } from 'zod';
import { dialects } from '../dialects.ts';
import { factHeaders } from '../openai/chat/facts.ts';
import { feedbackSchema } from './feedback/feedback.ts';
import { questionSchema, submissionSchema } from '../../server/json/json-task.ts';
import { speechSchema, transcriptionSchema } from '../openai/media/audio.ts';
import { embeddingsSchema } from '../openai/media/embeddings.ts';
import { imagesSchema } from '../openai/media/images.ts';
import { rerankSchema } from '../openai/media/rerank.ts';
import { countTokensSchema } from '../anthropic/messages/messages-schema.ts';

interface Described {
  readonly summary: string;
  /** Of the body; none: the request has no body. */
  readonly body?: z.ZodType;
  /** What the last segment of the path is. */
  readonly parameter?: string;
  /** The answer comes as server-sent events where the body says `stream: true`. */
  readonly streams?: boolean;
  /** The body is a form whose field `file` is the recording. */
  readonly isForm?: boolean;
  /** What an answer is, where it is no JSON. */
  readonly answers?: string;
  /** Whether the request may carry facts in headers. */
  readonly takesFacts?: boolean;
}

/** Every route of this server; a test holds it against the table that is served. */
export const described: Readonly<Record<string, Readonly<Record<string, Described>>>> = {
  ...Object.fromEntries(
    dialects.map(({ path, summary, schema }) => [
      path,
      { POST: { summary, body: schema, streams: true, takesFacts: true } },
    ]),
  ),
  '/v1/messages/count_tokens': {
    POST: { summary: 'How many tokens a message would have, estimated', body: countTokensSchema, takesFacts: true },
  },
  '/v1/embeddings': { POST: { summary: 'Texts as vectors', body: embeddingsSchema, takesFacts: true } },
  '/v1/audio/transcriptions': {
    POST: { summary: 'What was said in a recording', body: transcriptionSchema, isForm: true, takesFacts: true },
  },
  '/v1/audio/translations': {
    POST: {
      summary: 'What was said in a recording, in English',
      body: transcriptionSchema,
      isForm: true,
      takesFacts: true,
    },
  },
  '/v1/audio/speech': {
    POST: { summary: 'A text as sound', body: speechSchema, answers: 'audio/*', takesFacts: true },
  },
  '/v1/images/generations': { POST: { summary: 'An image', body: imagesSchema, takesFacts: true } },
  '/v1/rerank': {
    POST: { summary: 'Documents by how well they answer a query', body: rerankSchema, takesFacts: true },
  },
  '/v1/explain': {
    POST: {
      summary: 'Which models may do a task, in which order, and why the others may not; nothing is run',
      body: questionSchema,
      takesFacts: true,
    },
  },
  '/v1/feedback': {
    POST: { summary: 'Says how good the output of a task was, 1 to 10', body: feedbackSchema, takesFacts: true },
  },
  '/v1/tasks': {
    POST: { summary: 'Submits a durable task', body: submissionSchema, takesFacts: true },
    GET: { summary: 'Durable tasks of a client, newest first; with dead=true its dead letters', takesFacts: true },
  },
  '/v1/tasks/*': {
    GET: {
      summary: 'A durable task; with wait_ms its end, if that comes first',
      parameter: 'task_id',
      takesFacts: true,
    },
    DELETE: { summary: 'Cancels a durable task', parameter: 'task_id', takesFacts: true },
  },
  '/v1/tasks/*/events': {
    GET: {
      summary: 'Server-sent events: the task as it is, then each change of its state, at last its end',
      parameter: 'task_id',
      takesFacts: true,
    },
  },
  '/v1/tasks/*/requeue': {
    POST: { summary: 'Has a dead letter run anew', parameter: 'task_id', takesFacts: true },
  },
  '/v1/models': { GET: { summary: 'Everything that `model` may name' } },
  '/v1/models/**': { GET: { summary: 'One model or task type', parameter: 'name' } },
  '/healthz': { GET: { summary: '200 while a task can be answered, else 503; details for operators' } },
  '/openapi.json': { GET: { summary: 'This document' } },
};

const headers = factHeaders.map((name) => ({ name, in: 'header', required: false, schema: { type: 'string' } }));

const json = { 'application/json': { schema: { type: 'object' } } };

/** The server in OpenAPI 3.1. Fields are those of the very schemas that requests are checked with. */
export function openApiDocument(): Record<string, unknown> {
  const paths = Object.entries(described).map(([path, methods]) => [
    path.replace(/\/\*\*?/, `/{${Object.values(methods)[0]?.parameter ?? 'id'}}`),
    Object.fromEntries(Object.entries(methods).map(([method, route]) => [method.toLowerCase(), operation(route)])),
  ]);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Will’s model router',
      version: '1',
      description:
        'The HTTP server. Null counts as absent. A field that is not described is dropped, and named in x-will-ignored; one that states a wish about data, place, provider or model is refused.',
    },
    servers: [{ url: 'http://127.0.0.1:8080' }],
    paths: Object.fromEntries(paths) as object,
    components: { responses: { Error: { description: 'An error in the dialect’s own shape', content: json } } },
  };
}

function operation({ summary, body, parameter, streams, takesFacts, isForm, answers }: Described): object {
  const parameters = [
    ...(parameter === undefined ? [] : [{ name: parameter, in: 'path', required: true, schema: { type: 'string' } }]),
    ...(takesFacts === true ? headers : []),
  ];
  return {
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: true, content: isForm === true ? formOf(body) : jsonOf(body) } }),
    responses: {
      200: {
        description: 'The answer',
        content:
          answers !== undefined
            ? { [answers]: {} }
            : streams === true
              ? { ...json, 'text/event-stream': { schema: { type: 'string' } } }
              : json,
      },
      default: { $ref: '#/components/responses/Error' },
    },
  };
}

const jsonOf = (body: z.ZodType): object => ({ 'application/json': { schema: schemaOf(body) } });

function formOf(body: z.ZodType): object {
  const schema = schemaOf(body) as { readonly properties: object; readonly required: readonly string[] };
  const properties = { ...schema.properties, file: { contentMediaType: 'application/octet-stream' } };
  return { 'multipart/form-data': { schema: { ...schema, properties, required: [...schema.required, 'file'] } } };
}

/** What a schema accepts. A check that JSON Schema has no words for is left out of the description. */
function schemaOf(body: z.ZodType): object {
  const { $schema: _dialect, ...schema } = z.toJSONSchema(body, {
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
  });
  return schema;
}

import type { ServerResponse } from 'node:http';
import { dialects } from './api/dialects.ts';
import { readFacts } from './api/openai/chat/facts.ts';
import { readFeedback } from './api/will/feedback/feedback.ts';
import { HttpError, invalid } from './server/http/errors.ts';
import { readJsonBody } from './server/http/read-body.ts';
import type { Routes } from './server/http/server.ts';
import { shownExplanation } from './server/json/json-answer.ts';
import { readJsonQuestion } from './server/json/json-task.ts';
import { answerMedia } from './api/openai/media/answer-media.ts';
import { speech, transcriptions, translations } from './api/openai/media/audio.ts';
import { embeddings } from './api/openai/media/embeddings.ts';
import { images } from './api/openai/media/images.ts';
import { rerank } from './api/openai/media/rerank.ts';
import { countTokens } from './api/anthropic/messages/count-tokens.ts';
import { anthropicList, anthropicModel, asksAnthropic } from './api/anthropic/models.ts';
import { findModel, listModels } from './api/openai/models.ts';
import { openApiDocument } from './api/will/openapi.ts';
import { type Guard, openGuard } from './auth/keys/guard.ts';
import type { Backends } from './ports.ts';
import { readiness } from './server/readiness.ts';
import { tasksRoutes } from './api/will/tasks/tasks.ts';
import { answerText, notReady, type TaskOptions } from './canonical/text/answer-text.ts';

/** Everything that this server answers. `guard` says who is told details of its state. */
export function routes(options: TaskOptions, guard: Guard = openGuard): Routes {
  const { backends } = options;
  const openApi = openApiDocument();
  const tasks = tasksRoutes(options);
  return {
    ...Object.fromEntries(dialects.map((dialect) => [dialect.path, { POST: answerText(dialect, options) }])),
    '/v1/messages/count_tokens': {
      POST: async (request, response) => {
        const { client } = backends;
        if (!client) throw notReady(backends);
        const bytes = await readJsonBody(request, response, options);
        const { question, ...counted } = countTokens(bytes, request, mustKnow(backends));
        await client.explain(question);
        sendJson(response, 200, counted);
      },
    },
    '/v1/embeddings': { POST: answerMedia(embeddings, options) },
    '/v1/audio/transcriptions': { POST: answerMedia(transcriptions, options) },
    '/v1/audio/translations': { POST: answerMedia(translations, options) },
    '/v1/audio/speech': { POST: answerMedia(speech, options) },
    '/v1/images/generations': { POST: answerMedia(images, options) },
    '/v1/rerank': { POST: answerMedia(rerank, options) },
    '/v1/explain': {
      POST: async (request, response) => {
        const { client } = backends;
        if (!client) throw notReady(backends);
        const facts = readFacts(request);
        const question = readJsonQuestion(await readJsonBody(request, response, options), facts);
        sendJson(response, 200, shownExplanation(await client.explain(question)));
      },
    },
    '/v1/feedback': {
      POST: async (request, response) => {
        const { queries } = backends;
        if (!queries) throw notReady(backends);
        const { client } = readFacts(request);
        const { task_id: taskId, score } = readFeedback(await readJsonBody(request, response, options));
        const { model, error } = await queries.feedback({ taskId, score, client });
        if (error !== '') throw invalid(error, 'task_id');
        sendJson(response, 200, { task_id: taskId, model, score });
      },
    },
    '/v1/tasks': { POST: tasks.submit, GET: tasks.list },
    '/v1/tasks/*': { GET: tasks.get, DELETE: tasks.cancel },
    '/v1/tasks/*/events': { GET: tasks.events },
    '/v1/tasks/*/requeue': { POST: tasks.requeue },
    '/openapi.json': {
      GET: (_request, response) => sendJson(response, 200, openApi),
    },
    '/v1/models': {
      GET: ({ headers }, response) => {
        const listed = listModels(mustKnow(backends), backends.fleet);
        sendJson(response, 200, asksAnthropic(headers) ? anthropicList(listed) : { object: 'list', data: listed });
      },
    },
    '/v1/models/**': {
      GET: ({ headers }, response, name) => {
        const found = findModel(name, mustKnow(backends), backends.fleet);
        sendJson(response, 200, asksAnthropic(headers) ? anthropicModel(found) : found);
      },
    },
    '/healthz': {
      GET: (request, response) => {
        const { reason, models, revision } = readiness(backends);
        const status = reason === undefined ? 'ok' : 'unavailable';
        const details = { ...(reason !== undefined && { reason }), revision, models };
        sendJson(response, reason === undefined ? 200 : 503, {
          status,
          ...(guard.isOperator(request) && details),
        });
      },
    },
  };
}

function mustKnow({ snapshot }: Backends): NonNullable<Backends['snapshot']> {
  if (snapshot) return snapshot;
  throw new HttpError(503, 'unavailable', 'no documents are published yet', { headers: ['retry-after', '1'] });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, [
    'content-type',
    'application/json; charset=utf-8',
    'content-length',
    String(body.length),
  ]);
  response.end(body);
}

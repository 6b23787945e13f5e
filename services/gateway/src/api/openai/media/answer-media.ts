import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TaskRequest } from '@will/client';
import { newId } from '@will/contracts';
import { modalitiesOfTags, type Modality, type Snapshot, defaultTypeOf } from '@will/core';
import { clientAsking } from '../../../admission/admission.ts';
import { RejectionCache } from '../../../admission/rejection-cache.ts';
import { whoAnswers } from '../chat/chat-task.ts';
import { readFacts, type StatedFacts } from '../chat/facts.ts';
import { invalid } from '../../../server/http/errors.ts';
import { checkContentType, readJsonBody } from '../../../server/http/read-body.ts';
import { readForm } from '../../../server/http/read-form.ts';
import type { Handler } from '../../../server/http/server.ts';
import { typesGiving } from '../../../auth/names.ts';
import {
  countIgnored,
  notReady,
  overloaded,
  sendAnswer,
  startWhole,
  type TaskOptions,
} from '../../../canonical/text/answer-text.ts';
import { ignoredIn, noOtherFields } from '../../../canonical/text/forwarded-fields.ts';
import { modelHeaders } from '../../../canonical/text/model-headers.ts';
import type { FormBody, MediaAsked, MediaKind } from './media-kind.ts';
import { type TakenFile, takeFile } from './take-file.ts';

/** What was asked, with the file that belongs to it, and how that is let go of. */
interface Read {
  readonly asked: MediaAsked;
  readonly file?: { readonly field: string; readonly taken: TakenFile };
  release(): void;
}

/** Tasks of one kind that is no chat. They are answered whole. */
export function answerMedia(media: MediaKind, options: TaskOptions): Handler {
  const { backends, admission, nowMs, underWay } = options;
  const rejections = new RejectionCache();
  return async (request, response) => {
    const asking = clientAsking(request.headers);
    if (!admission.enter(asking)) throw overloaded(admission, asking);
    const taskId = newId();
    let read: Read | undefined;
    try {
      read = await readMedia(media, taskId, request, response, options);
      const { client, snapshot } = backends;
      if (!client || !snapshot) throw notReady(backends);
      const facts = readFacts(request, read.asked.metadata);
      const others = noOtherFields(read.asked.unknown, snapshot, facts.client);
      const task = { ...taskOf(media, read.asked, facts, snapshot), ...contentOf(read), ...ignoredIn(others), taskId };
      const result = await startWhole(rejections.before(client, asking), task, response, underWay);
      if (response.destroyed) return;
      const { contentType, body } = read.asked.whole(result, Math.floor(nowMs() / 1000));
      sendAnswer(response, result, modelHeaders(snapshot, others), contentType, body);
      countIgnored(options, others, result);
    } finally {
      read?.release();
      admission.leave(asking);
    }
  };
}

async function readMedia(
  { body }: MediaKind,
  taskId: string,
  request: IncomingMessage,
  response: ServerResponse,
  options: TaskOptions,
): Promise<Read> {
  if (body.type === 'multipart/form-data') return await readWithFile(body, taskId, request, options);
  return { asked: body.read(await readJsonBody(request, response, options)), release: () => {} };
}

async function readWithFile(
  { type, field, read }: FormBody,
  taskId: string,
  request: IncomingMessage,
  { backends }: TaskOptions,
): Promise<Read> {
  checkContentType(request, type);
  const { payloads } = backends;
  if (!payloads) throw notReady(backends);
  const caller = readFacts(request);
  const release = (taken: TakenFile): void => {
    if (taken.kind === 'put') void payloads.remove(taken.payload);
  };
  const place = { payloads, caller, taskId, field };
  const form = await readForm(request, { take: (content) => takeFile(content, place), drop: release });
  try {
    return { asked: read(form), file: { field, taken: form.file }, release: () => release(form.file) };
  } catch (error) {
    release(form.file);
    throw error;
  }
}

/** The input, with its file in it or beside it. */
function contentOf({ asked, file }: Read): Pick<TaskRequest, 'input' | 'payload'> {
  if (!file) return { input: Buffer.from(JSON.stringify(asked.input)) };
  const { field, taken } = file;
  if (taken.kind === 'put') return { input: Buffer.from(JSON.stringify(asked.input)), payload: taken.payload };
  return { input: Buffer.from(JSON.stringify({ [field]: taken.content.toString('base64'), ...asked.input })) };
}

function taskOf(
  { kind }: MediaKind,
  { model: named, onlyForModel }: MediaAsked,
  facts: StatedFacts,
  snapshot: Snapshot,
): Omit<TaskRequest, 'input'> {
  const usual = defaultTypeOf[kind];
  const { input, output } = modalitiesOfTags([usual]);
  const types = typesGiving(snapshot, [...output][0] as Modality);
  const { type, model } = whoAnswers(named, facts, snapshot, types, usual);
  if (onlyForModel !== undefined && model === undefined) throw invalid(onlyForModel, 'input');
  const { taskType: _type, ...rest } = facts;
  return {
    ...rest,
    type,
    inputKind: kind,
    inputModalities: [...input],
    outputModalities: [...output],
    ...(model !== undefined && { model }),
  };
}

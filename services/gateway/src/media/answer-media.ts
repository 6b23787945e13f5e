import type { TaskRequest } from '@will/client';
import { newId, sizes } from '@will/contracts';
import { modalitiesOfTags, type Modality, type Snapshot, usualTypeOf } from '@will/core';
import { whoAnswers } from '../chat/chat-task.ts';
import { readFacts, type StatedFacts } from '../chat/facts.ts';
import { HttpError } from '../http/errors.ts';
import { readBody } from '../http/read-body.ts';
import type { Handler } from '../http/server.ts';
import { typesGiving } from '../names.ts';
import { notReady, overloaded, sendAnswer, type TaskOptions, whenLeft } from '../text/answer-text.ts';
import type { MediaAsked, MediaKind } from './media-kind.ts';

/** Tasks of one kind that is no chat. They are answered whole. */
export function answerMedia(media: MediaKind, options: TaskOptions): Handler {
  const { surroundings, admission, nowMs } = options;
  return async (request, response) => {
    if (!admission.enter()) throw overloaded(admission.most);
    try {
      const asked = await media.read(await readBody(request, media.contentType), request.headers);
      const { client, snapshot } = surroundings;
      if (!client || !snapshot) throw notReady(surroundings);
      const task = taskOf(media, asked, readFacts(request.headers, asked.metadata), snapshot);
      const result = await client.start({ ...task, signal: whenLeft(response).signal }, false, () => {});
      if (response.destroyed) return;
      const { contentType, body } = asked.whole(result, Math.floor(nowMs() / 1000));
      sendAnswer(response, result, contentType, body);
    } finally {
      admission.leave();
    }
  };
}

function taskOf({ kind }: MediaKind, asked: MediaAsked, facts: StatedFacts, snapshot: Snapshot): TaskRequest {
  const usual = usualTypeOf[kind];
  const { input, output } = modalitiesOfTags([usual]);
  const types = typesGiving(snapshot, [...output][0] as Modality);
  const { type, model } = whoAnswers(asked.model, facts.taskType, snapshot, types, usual);
  const { taskType: _type, ...rest } = facts;
  const bytes = Buffer.from(JSON.stringify(asked.input));
  if (bytes.length > sizes.inputBytes)
    throw new HttpError(413, 'too_large', `the input as JSON has ${bytes.length} bytes, more than ${sizes.inputBytes}`);
  return {
    ...rest,
    taskId: newId(),
    type,
    inputKind: kind,
    input: bytes,
    inputModalities: [...input],
    outputModalities: [...output],
    ...(model !== undefined && { model }),
  };
}

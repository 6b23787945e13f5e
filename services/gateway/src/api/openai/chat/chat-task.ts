import type { TaskRequest } from '@will/client';
import {
  estimateChatTokens,
  type Modality,
  modelSlugOf,
  nearestNames,
  type Priority,
  type Snapshot,
  unavailableModelOf,
} from '@will/core';
import { HttpError } from '../../../server/http/errors.ts';
import { identity } from '../../../auth/keys/identity.ts';
import { taskTypesOf } from '../../../auth/names.ts';
import { cacheHintsOf, conversationOf, sessionOf } from '../../../canonical/text/conversation.ts';
import type { AnswerFor } from '../../../canonical/text/dialect.ts';
import { ignoredIn, otherFields, type OtherFields } from '../../../canonical/text/forwarded-fields.ts';
import type { ChatBody, ChatMessage } from './chat-schema.ts';
import type { StatedFacts } from './facts.ts';
import type { ReadChat } from './read-chat.ts';

/** `model: "auto"` means this task type. */
const automaticType = 'text_gen';

/** A chat that was asked for, as a task for the bus. */
export interface ChatAsked {
  readonly task: TaskRequest;
  readonly others: OtherFields;
}

/**
 * `stated` is what names the conversation in the request.
 * @throws {HttpError} 404: no model and no task type of that name; 400: a field that cannot be left out.
 */
export function chatTask(
  chat: ReadChat,
  facts: StatedFacts,
  snapshot: Snapshot,
  { taskId, secret }: Pick<AnswerFor, 'taskId' | 'secret'>,
  stated?: string,
): ChatAsked {
  const { body, messages } = chat;
  const { type, model } = whoAnswers(body.model, facts, snapshot);
  const others = otherFields(chat.unknown, chat.left, snapshot, {
    client: facts.client,
    type,
    model,
    isRouted: model === undefined || routesUnknown(facts, snapshot),
  });
  const input = chat.input(others.forwarded, cacheHintsOf(body, secret, facts.client));
  const session = sessionOf(secret, facts.client, conversationOf(chat, input.length, stated));
  const maxOutputTokens = body.max_completion_tokens ?? body.max_tokens;
  const priority = facts.priority ?? priorityOf(body.service_tier);
  const task = {
    taskId,
    type,
    client: facts.client,
    inputKind: 'chat',
    input,
    inputModalities: modalitiesOf(messages),
    inputTokens: estimateChatTokens(messages, input.length),
    needs: needsOf(chat),
    ...(model !== undefined && { model }),
    ...(facts.project !== undefined && { project: facts.project }),
    ...(facts.reflex !== undefined && { reflex: facts.reflex }),
    ...(priority !== undefined && { priority }),
    ...(facts.dataClass !== undefined && { dataClass: facts.dataClass }),
    ...(facts.timeoutMs !== undefined && { timeoutMs: facts.timeoutMs }),
    ...(facts.firstTokenTimeoutMs !== undefined && { firstTokenTimeoutMs: facts.firstTokenTimeoutMs }),
    ...(facts.idleTimeoutMs !== undefined && { idleTimeoutMs: facts.idleTimeoutMs }),
    ...(facts.unavailableModel !== undefined && { unavailableModel: facts.unavailableModel }),
    ...(facts.costTags && { costTags: facts.costTags }),
    ...(maxOutputTokens !== undefined && { maxOutputTokens }),
    ...ignoredIn(others),
    ...(session !== undefined && { session }),
  };
  return { task, others };
}

/** A model pins, a task type leaves the choice to its route. Where a name is both, the model is meant. */
export function whoAnswers(
  name: string,
  facts: StatedFacts,
  snapshot: Snapshot,
  types: ReadonlySet<string> = taskTypesOf(snapshot),
  automatic = automaticType,
): { type: string; model: string | undefined } {
  const { taskType: stated } = facts;
  const model = modelSlugOf(snapshot, name);
  if (model !== undefined) return { type: stated ?? typeOfModel(model, snapshot, automatic), model };
  if (name === 'auto') return { type: stated ?? automatic, model: undefined };
  if (types.has(name)) return { type: stated ?? name, model: undefined };
  // The route answers; the decision tells that the name is none.
  if (routesUnknown(facts, snapshot)) return { type: stated ?? automatic, model: name };
  const known = [...snapshot.models.keys(), ...types];
  const near = nearestNames(name, known);
  const hint = near.length > 0 ? `; near: ${near.join(', ')}` : '';
  throw new HttpError(
    404,
    'model_not_found',
    `model ${JSON.stringify(name)} is neither a model, a task type that is answered in ${automatic === automaticType ? 'text' : 'this way'}, nor "auto"${hint}; GET /v1/models lists them`,
    {
      param: 'model',
    },
  );
}

const routesUnknown = (facts: StatedFacts, snapshot: Snapshot): boolean =>
  unavailableModelOf(snapshot, {
    ...facts,
    unavailableModel: facts.unavailableModel ?? identity()?.unavailableModel,
  }) === 'route';

/** What a pinned model is asked to do when nobody says: generate text if it does that, else what it is tagged with. */
function typeOfModel(slug: string, snapshot: Snapshot, automatic: string): string {
  const types = snapshot.models.get(slug)?.taskTypes ?? new Set<string>();
  if (types.has(automatic)) return automatic;
  return [...types][0] ?? automatic;
}

const priorityOf = (tier: ChatBody['service_tier']): Priority | undefined =>
  tier === 'priority' || tier === 'fast' || tier === 'ultrafast' ? 'high' : tier === 'flex' ? 'background' : undefined;

/** Kinds of input that a chat holds. */
export function modalitiesOf(messages: readonly ChatMessage[]): readonly Modality[] {
  let found: Set<Modality> | undefined;
  for (const { content } of messages) {
    if (typeof content === 'string' || !content) continue;
    for (const { type } of content) {
      if (type !== 'image_url' && type !== 'input_audio') continue;
      found ??= new Set(['text']);
      found.add(type === 'image_url' ? 'image' : 'audio');
    }
  }
  return found ? [...found] : textAlone;
}
const textAlone: readonly Modality[] = ['text'];

/** Capabilities beside text that a chat asks of a model. */
export function needsOf({ tools, body }: Pick<ReadChat, 'tools' | 'body'>): readonly string[] {
  const needs: string[] = [];
  if (tools.length > 0) needs.push('tools');
  if (body.response_format?.type === 'json_schema') needs.push('json_schema');
  return needs;
}

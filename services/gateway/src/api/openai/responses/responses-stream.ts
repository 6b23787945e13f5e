import type { TaskDelta, TaskResult } from '@will/client';
import { type HttpError, openAiFields } from '../../../server/http/errors.ts';
import type { AnswerFor, StreamForm } from '../../../canonical/text/dialect.ts';
import { sealedIn } from '../../../canonical/text/sealed-reasoning.ts';
import {
  callItem,
  customCallItem,
  encryptedItem,
  itemId,
  type ItemKind,
  messageItem,
  reasoningItem,
  refusalPart,
  shownResponse,
  type ShownItem,
  textPart,
} from './responses-answer.ts';
import { inputOfCustom } from './custom-tools.ts';
import type { ItemIds } from './responses-answer.ts';
import { customNames, type ResponsesBody } from './responses-schema.ts';

interface OpenItem {
  readonly kind: 'message' | 'refusal' | 'reasoning' | 'call' | 'custom';
  readonly id: string;
  readonly index: number;
  /** Of a call: its place in the provider's list, its id and its name. */
  readonly call?: { readonly position: number; readonly id: string; readonly name: string };
  text: string;
}

interface CallPiece {
  readonly index?: number;
  readonly id?: string;
  readonly function?: { readonly name?: string; readonly arguments?: string };
}

/** OpenAI's response events: items are opened, filled and closed one after another. A failure is an `error` event. */
export class ResponsesStream implements StreamForm {
  readonly #body: ResponsesBody;
  readonly #answerFor: AnswerFor;
  readonly #isEncryptedWanted: boolean;
  readonly #ids: ItemIds;
  readonly #custom: ReadonlySet<string>;
  readonly #closed: ShownItem[] = [];
  #model = '';
  #sequence = 0;
  #open: OpenItem | undefined;

  constructor(body: ResponsesBody, answerFor: AnswerFor, ids: ItemIds, isEncryptedWanted: boolean) {
    this.#body = body;
    this.#answerFor = answerFor;
    this.#ids = ids;
    this.#custom = customNames(body);
    this.#isEncryptedWanted = isEncryptedWanted;
  }

  begin(model: string): string {
    this.#model = model;
    const response = shownResponse(this.#body, this.#answerFor, model, []);
    return this.#event('response.created', { response }) + this.#event('response.in_progress', { response });
  }

  delta({ text, refusal = '', reasoning, toolCalls }: TaskDelta): string {
    let events = '';
    if (reasoning !== '') events += this.#in('reasoning') + this.#grow('response.reasoning_text.delta', reasoning);
    if (text !== '') events += this.#in('message') + this.#grow('response.output_text.delta', text);
    if (refusal !== '') events += this.#in('refusal') + this.#grow('response.refusal.delta', refusal);
    if (toolCalls !== '') for (const piece of JSON.parse(toolCalls) as CallPiece[]) events += this.#callPiece(piece);
    return events;
  }

  end(result: TaskResult): string {
    // An answer without any content is still a message.
    const empty = this.#open === undefined && this.#closed.length === 0 ? this.#in('message') : '';
    const closing = empty + this.#close();
    const response = shownResponse(this.#body, this.#answerFor, this.#model, this.#closed, result);
    const name = response['status'] === 'incomplete' ? 'response.incomplete' : 'response.completed';
    return closing + this.#event(name, { response });
  }

  fail(error: HttpError): string {
    return this.#event('error', { ...openAiFields(error), type: 'error' });
  }

  #callPiece(piece: CallPiece): string {
    const { index = 0, id = '', function: called } = piece;
    let events = '';
    if (this.#open?.call?.position !== index)
      events =
        this.#close() + this.#encrypted(piece) + this.#openCall({ position: index, id, name: called?.name ?? '' });
    const given = called?.arguments ?? '';
    if (given === '') return events;
    if (this.#open?.kind !== 'custom') return events + this.#grow('response.function_call_arguments.delta', given);
    // The text lies in JSON, which is read once it is whole.
    this.#open.text += given;
    return events;
  }

  /** An item of its own before the call: it comes whole. */
  #encrypted(piece: CallPiece): string {
    const encrypted = this.#isEncryptedWanted ? sealedIn(piece) : undefined;
    if (encrypted === undefined) return '';
    const index = this.#closed.length;
    const item = encryptedItem(itemId('rs', this.#answerFor.taskId, index), encrypted);
    this.#closed.push(item);
    return (
      this.#event('response.output_item.added', { output_index: index, item }) +
      this.#event('response.output_item.done', { output_index: index, item })
    );
  }

  #openCall(call: NonNullable<OpenItem['call']>): string {
    return this.#openItem(this.#custom.has(call.name) ? 'custom' : 'call', call);
  }

  #in(kind: 'message' | 'refusal' | 'reasoning'): string {
    return this.#open?.kind === kind ? '' : this.#close() + this.#openItem(kind);
  }

  #openItem(kind: OpenItem['kind'], call?: OpenItem['call']): string {
    const index = this.#closed.length;
    const id = this.#ids.next(prefixes[kind], index);
    const open: OpenItem = { kind, id, index, text: '', ...(call && { call }) };
    this.#open = open;
    const added = this.#event('response.output_item.added', { output_index: index, item: shownItem(open, false) });
    if (call) return added;
    return (
      added + this.#event('response.content_part.added', { ...placeOf(open), content_index: 0, part: partOf(open) })
    );
  }

  #grow(event: string, delta: string): string {
    const open = this.#open as OpenItem;
    open.text += delta;
    const place = open.kind === 'call' ? {} : { content_index: 0 };
    const probabilities = open.kind === 'message' ? { logprobs: [] } : {};
    return this.#event(event, { ...placeOf(open), ...place, delta, ...probabilities });
  }

  #close(): string {
    const open = this.#open;
    if (!open) return '';
    this.#open = undefined;
    const item = shownItem(open, true);
    this.#closed.push(item);
    this.#ids.keep(item);
    return this.#contentDone(open) + this.#event('response.output_item.done', { output_index: open.index, item });
  }

  #contentDone(open: OpenItem): string {
    const place = { ...placeOf(open), content_index: 0 };
    if (open.kind === 'custom') return this.#customDone(open);
    if (open.call)
      return this.#event('response.function_call_arguments.done', {
        ...placeOf(open),
        name: open.call.name,
        arguments: open.text,
      });
    return this.#partDone(open, place) + this.#event('response.content_part.done', { ...place, part: partOf(open) });
  }

  #customDone(open: OpenItem): string {
    const input = inputOfCustom(open.text);
    const delta =
      input === '' ? '' : this.#event('response.custom_tool_call_input.delta', { ...placeOf(open), delta: input });
    return delta + this.#event('response.custom_tool_call_input.done', { ...placeOf(open), input });
  }

  #partDone({ kind, text }: OpenItem, place: object): string {
    if (kind === 'refusal') return this.#event('response.refusal.done', { ...place, refusal: text });
    if (kind === 'reasoning') return this.#event('response.reasoning_text.done', { ...place, text });
    return this.#event('response.output_text.done', { ...place, text, logprobs: [] });
  }

  #event(type: string, fields: object): string {
    const data = JSON.stringify({ type, sequence_number: this.#sequence, ...fields });
    this.#sequence += 1;
    return `event: ${type}\ndata: ${data}\n\n`;
  }
}

const placeOf = ({ id, index }: OpenItem) => ({ item_id: id, output_index: index });

const prefixes: Readonly<Record<OpenItem['kind'], ItemKind>> = {
  message: 'msg',
  refusal: 'msg',
  reasoning: 'rs',
  call: 'fc',
  custom: 'ctc',
};

function partOf({ kind, text }: OpenItem): object {
  if (kind === 'refusal') return refusalPart(text);
  return kind === 'message' ? textPart(text) : { type: 'reasoning_text', text };
}

function shownItem(open: OpenItem, isDone: boolean): ShownItem {
  const { kind, id, text, call } = open;
  const status = isDone ? 'completed' : 'in_progress';
  const called = call && { id: call.id, function: { name: call.name, arguments: text } };
  if (called) return kind === 'custom' ? customCallItem(id, called, status) : callItem(id, called, status);
  if (kind === 'reasoning') return reasoningItem(id, isDone ? text : undefined, status);
  return messageItem(id, isDone ? partOf(open) : undefined, status);
}

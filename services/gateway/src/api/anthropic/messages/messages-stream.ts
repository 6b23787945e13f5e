import type { TaskDelta, TaskResult } from '@will/client';
import type { HttpError } from '../../../server/http/errors.ts';
import type { StreamForm } from '../../../canonical/text/dialect.ts';
import { emptyMessage, messagesErrorBody, redactedThinking, shownUsage, stopReason } from './messages-answer.ts';

interface CallPiece {
  readonly index?: number;
  readonly id?: string;
  readonly function?: { readonly name?: string; readonly arguments?: string };
}

/** Anthropic's message events: blocks are opened, filled and closed one after another. A failure is an `error` event. */
export class MessagesStream implements StreamForm {
  readonly #taskId: string;
  /** What block is open: `text`, `thinking`, or a tool call by its position; undefined: none. */
  #open: string | undefined;
  #blocks = 0;
  #hasCalls = false;
  /** The same for every piece of an open block's text. */
  #prefix = '';

  constructor(taskId: string) {
    this.#taskId = taskId;
  }

  begin(model: string): string {
    return event('message_start', { message: emptyMessage(this.#taskId, model) });
  }

  delta({ text, refusal = '', reasoning, toolCalls }: TaskDelta): string {
    const said = text + refusal;
    let events = '';
    if (reasoning !== '')
      events +=
        this.#in('thinking', { type: 'thinking', thinking: '', signature: '' }) +
        this.#piece('thinking_delta', 'thinking', reasoning);
    if (said !== '') events += this.#in('text', emptyText) + this.#piece('text_delta', 'text', said);
    if (toolCalls !== '') for (const piece of JSON.parse(toolCalls) as CallPiece[]) events += this.#callPiece(piece);
    return events;
  }

  end(result: TaskResult): string {
    // An answer without any content is still an empty text.
    const empty = this.#blocks === 0 ? this.#in('text', emptyText) : '';
    const delta = { stop_reason: stopReason(result, this.#hasCalls), stop_sequence: null };
    return (
      empty +
      this.#close() +
      event('message_delta', { delta, usage: shownUsage(result.usage) }) +
      event('message_stop', {})
    );
  }

  fail(error: HttpError): string {
    return `event: error\ndata: ${messagesErrorBody(error)}\n\n`;
  }

  #callPiece(piece: CallPiece): string {
    const { index = 0, id = '', function: called } = piece;
    this.#hasCalls = true;
    const kept = redactedThinking(piece)
      .map((block) => this.#in('redacted', block))
      .join('');
    const opened = kept + this.#in(`call ${index}`, { type: 'tool_use', id, name: called?.name ?? '', input: {} });
    const given = called?.arguments ?? '';
    return given === '' ? opened : opened + this.#piece('input_json_delta', 'partial_json', given);
  }

  #in(what: string, block: object): string {
    if (this.#open === what) return '';
    const closed = this.#close();
    this.#open = what;
    this.#blocks += 1;
    const index = this.#blocks - 1;
    this.#prefix = `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":`;
    return closed + event('content_block_start', { index, content_block: block });
  }

  #piece(type: string, field: string, text: string): string {
    return `${this.#prefix}"${type}","${field}":${JSON.stringify(text)}}}\n\n`;
  }

  #close(): string {
    if (this.#open === undefined) return '';
    this.#open = undefined;
    return event('content_block_stop', { index: this.#blocks - 1 });
  }
}

const emptyText = { type: 'text', text: '' };

const event = (type: string, fields: object): string =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;

import { slugOf, slugPattern, unknownClient } from '@will/core';
import * as wire from './gen/will/v1/task_pb.js';
import { isInbox, isInboxOf } from './subjects.ts';

/** Decides whether a reply that does not lie below its client may be told why its message is not taken. */
export type MayAnswer = (reply: string | undefined) => reply is string;

const noInbox = (_reply: string | undefined): _reply is string => false;

/** On a bus with users an answer outside a client's own inboxes could reach another client; on an open bus all read all. */
export const mayAnswerOn = (seedFile: string | undefined): MayAnswer => (seedFile === undefined ? isInbox : noInbox);

/** A message on a subject of a client that is not taken. */
export interface Stray {
  /** `subject`: its last part is no slug. `inbox`: the reply does not lie below the client's inboxes. */
  readonly reason: 'subject' | 'inbox';
  readonly code: wire.FailureCode;
  readonly message: string;
  /** Where that may be said; undefined: nowhere. */
  readonly reply: string | undefined;
}

/**
 * The reason why a message is not taken whose subject names no client by its slug, or whose reply is no inbox of that
 * client.
 */
export function strayOf(subject: string, reply: string | undefined, mayAnswer: MayAnswer): Stray {
  const token = subject.slice(subject.lastIndexOf('.') + 1).slice(0, 64);
  const answered = isInboxOf(token, reply) || mayAnswer(reply) ? reply : undefined;
  if (!slugPattern.test(token)) {
    const message = `${unknownClient(token).detail}; the subject ends in the slug of a client, such as ${slugOf(token)}`;
    return { reason: 'subject', code: wire.FailureCode.UNKNOWN_CLIENT, message, reply: answered };
  }
  const message = `the reply inbox must lie below _INBOX.${token}, where the client's results go`;
  return { reason: 'inbox', code: wire.FailureCode.INVALID_TASK, message, reply: answered };
}

/** The same for logs. */
export const strayInWords = (subject: string, { message }: Stray): string =>
  `a message on ${subject.slice(0, 100)} was not taken: ${message}`;

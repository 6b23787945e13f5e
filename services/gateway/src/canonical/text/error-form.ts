import { errorBody, type HttpError } from '../../server/http/errors.ts';
import { messagesErrorBody } from '../../api/anthropic/messages/messages-answer.ts';

/**
 * The form of errors for the caller that asked for this path: in Anthropic's form below its paths, else in OpenAI's.
 */
export const errorFormOf = (path: string): ((error: HttpError) => string) =>
  path === '/v1/messages' || path.startsWith('/v1/messages/') ? messagesErrorBody : errorBody;

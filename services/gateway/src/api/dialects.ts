import type { Dialect } from '../canonical/text/dialect.ts';
import { messages } from './anthropic/messages/messages.ts';
import { chatCompletions } from './openai/chat/chat-completions.ts';
import { completions } from './openai/completions/completions.ts';
import { responses } from './openai/responses/responses.ts';

/** Every dialect of text tasks. A new one is a folder and a line here: route, access, errors and OpenAPI follow. */
export const dialects: readonly Dialect[] = [chatCompletions, responses, messages, completions];

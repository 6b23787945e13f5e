import type { TaskResult } from '@will/client';
import type { wire } from '@will/contracts';
import { finishBeside, finishWith } from '../../../canonical/text/dialect.ts';

/** OpenAI's usage; input tokens include cached ones, as there. */
export const shownUsage = (usage: wire.Usage | undefined): string =>
  usage === undefined
    ? 'null'
    : `{"prompt_tokens":${usage.inputTokens},"completion_tokens":${usage.outputTokens},` +
      `"total_tokens":${usage.inputTokens + usage.outputTokens},` +
      `"prompt_tokens_details":{"cached_tokens":${usage.cachedInputTokens}},` +
      `"completion_tokens_details":{"reasoning_tokens":${usage.reasoningTokens}}}`;

/** The id of a chat completion. */
export const answerId = (taskId: string): string => `chatcmpl-${taskId}`;

/** `finish_reason` of an answer; one that is not known counts as `stop`, since OpenAI has no word for it. */
export const shownFinish = (finish: string, hasCalls: boolean): string => {
  const known = finishWith(finish, hasCalls);
  return JSON.stringify(known === '' || known === 'unknown' ? 'stop' : known);
};

/** The whole answer in OpenAI's form. `model` is the slug of what really answered, as `GET /v1/models` lists it. */
export function chatAnswer(result: TaskResult, createdUnixSeconds: number): string {
  const { toolCalls, reasoning, output, refusal } = result;
  const isElsewhere = toolCalls !== '' || refusal !== undefined;
  const content = output === '' && isElsewhere ? 'null' : JSON.stringify(output);
  return (
    `{"id":"${answerId(result.taskId)}","object":"chat.completion","created":${createdUnixSeconds},` +
    `"model":${JSON.stringify(result.model)},"choices":[{"index":0,"message":{"role":"assistant","content":${content},` +
    `"refusal":${JSON.stringify(refusal ?? null)}${reasoning === '' ? '' : `,"reasoning_content":${JSON.stringify(reasoning)}`}` +
    `${toolCalls === '' ? '' : `,"tool_calls":${toolCalls}`}},"logprobs":null,` +
    `"finish_reason":${shownFinish(finishBeside(result), toolCalls !== '')}}]${result.usage ? `,"usage":${shownUsage(result.usage)}` : ''}}`
  );
}

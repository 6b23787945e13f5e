import type { TaskRequest } from '@will/client';
import { chatOf, delta, result, type Script, started, toolCalls } from './fake-tasks.ts';

/** Calls the tool for the weather, tells it once it knows, and remembers it. */
export const weatherModel: Script = (request, stream, onPart) => {
  const { messages } = chatOf(request);
  const last = messages.at(-1) ?? {};
  const say = (answer: string, reasoning: string) => {
    if (stream) {
      onPart(started);
      onPart(delta('', { reasoning }));
      onPart(delta(answer));
    }
    return result(request, { output: answer, reasoning });
  };
  if (last['role'] === 'tool') return say('Rain.', 'The tool says so.');
  if (JSON.stringify(last['content']).includes('Again')) return say('Still rain.', 'As before.');
  const calls = toolCalls('weather', { city: 'Oslo' });
  if (stream) {
    onPart(started);
    onPart(delta('', { toolCalls: JSON.stringify([{ index: 0, ...(JSON.parse(calls) as object[])[0] }]) }));
  }
  return result(request, { toolCalls: calls, finish: 'tool_calls', reasoning: '' });
};

/** What the model must have been shown at last, the caller that asked. */
export function shownIn(request: TaskRequest | undefined): unknown[] {
  const { messages } = chatOf(request);
  return messages
    .filter(({ role }) => role !== 'system' && role !== 'developer')
    .map(({ role, content, tool_calls: calls }) => [
      role,
      textIn(content),
      ...((calls ?? []) as { function: { name: string; arguments: string } }[]).map(
        ({ function: { name, arguments: given } }) => [name, JSON.parse(given)],
      ),
    ]);
}

const textIn = (content: unknown): string =>
  Array.isArray(content)
    ? content.map(({ text }: { text?: string }) => text ?? '').join('')
    : ((content ?? '') as string);

/** Both turns, as a model must have been shown them before its last answer. */
export const wholeConversation = [
  ['user', 'How is the weather in Oslo?'],
  ['assistant', '', ['weather', { city: 'Oslo' }]],
  ['tool', 'rain'],
  ['assistant', 'Rain.'],
  ['user', 'Again?'],
];

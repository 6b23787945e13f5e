import { expect, test } from 'vitest';
import type { ContentDelta } from '../port.ts';
import { Answer } from './answer.ts';
import { AnswerError } from './unreadable.ts';

const piece = (over: object) => ({ index: undefined, id: '', name: '', arguments: '', ...over });

/** What a caller gets of an answer that is told in steps, and what the answer has then come to. */
function told(jsonTool: string | undefined, ...steps: readonly ((answer: Answer) => void)[]) {
  const deltas: ContentDelta[] = [];
  const answer = new Answer((delta) => deltas.push(delta), 'origin', jsonTool);
  for (const step of steps) step(answer);
  answer.close();
  return { deltas, chars: answer.chars, finish: answer.finishReason, output: answer.output() };
}

test('each kind of content is given on in its own field, and counted by its length', () => {
  const data = Buffer.from('image');
  expect(
    told(
      undefined,
      (answer) => answer.text('text'),
      (answer) => answer.flush(),
      (answer) => answer.flush(),
      (answer) => answer.reasoning('thought'),
      (answer) => answer.flush(),
      (answer) => answer.refusal('no'),
      (answer) => answer.flush(),
      (answer) => answer.data(data, 'image/png'),
    ),
  ).toEqual({
    deltas: [{ text: 'text' }, { reasoning: 'thought' }, { refusal: 'no' }, { data, dataType: 'image/png' }],
    chars: 4 + 7 + 2 + 5,
    finish: 'unknown',
    output: undefined,
  });
});

test('what came since the last time leaves as one, before a tool call and at the end at the latest', () => {
  const call = piece({ id: 'a', name: 'look', arguments: '{}' });
  const { deltas, chars, finish } = told(
    undefined,
    (answer) => answer.text('Hi'),
    (answer) => answer.reasoning('Hm'),
    (answer) => answer.toolCall(call),
    (answer) => answer.text(' there'),
    (answer) => answer.refusal('.'),
    (answer) => answer.reasoning('!'),
  );
  expect(deltas).toStrictEqual([
    { text: 'Hi', reasoning: 'Hm' },
    { toolCalls: '[{"index":0,"id":"a","type":"function","function":{"name":"look","arguments":"{}"}}]' },
    { text: ' there', refusal: '.', reasoning: '!' },
  ]);
  expect([chars, finish]).toEqual([2 + 2 + 4 + 2 + 6 + 1 + 1, 'tool_calls']);
});

test('two images of one piece leave as two', () => {
  const { deltas } = told(
    undefined,
    (answer) => answer.data(Buffer.from('one'), 'image/png'),
    (answer) => answer.data(Buffer.from('two'), 'image/webp'),
  );
  expect(deltas).toEqual([
    { data: Buffer.from('one'), dataType: 'image/png' },
    { data: Buffer.from('two'), dataType: 'image/webp' },
  ]);
});

test('halves of characters wait for the other half, in each kind of content by itself', () => {
  const [high, low] = ['\ud83d', '\ude00'];
  const both = (kind: 'text' | 'reasoning' | 'refusal') =>
    told(
      undefined,
      (answer) => answer[kind](`a${high}`),
      (answer) => answer.flush(),
      (answer) => answer[kind](low),
      (answer) => answer.flush(),
      (answer) => answer[kind](high),
    ).deltas;
  for (const kind of ['text', 'reasoning', 'refusal'] as const)
    expect(both(kind)).toEqual([{ [kind]: 'a' }, { [kind]: high + low }, { [kind]: '\ufffd' }]);
});

test('nothing at all is an empty output; a whole answer has all of it, calls as one text', () => {
  expect(told(undefined)).toEqual({ deltas: [], chars: 0, finish: 'unknown', output: {} });
  const answer = new Answer(undefined, 'origin');
  answer.text('Hi');
  answer.flush();
  answer.toolCall(piece({ id: 'a', name: 'look', arguments: '{}' }));
  answer.close();
  expect(answer.output()).toStrictEqual({
    text: 'Hi',
    toolCalls: '[{"index":0,"id":"a","type":"function","function":{"name":"look","arguments":"{}"}}]',
  });
  const silent = new Answer(undefined, 'origin');
  silent.close();
  expect(silent.output()).toStrictEqual({});
});

test('the first name of what serves counts, and only names do', () => {
  const answer = new Answer(undefined, 'origin');
  answer.servedBy(7);
  answer.servedBy(null);
  expect(answer.servedVersion).toBeUndefined();
  answer.servedBy('first');
  answer.servedBy('second');
  expect(answer.servedVersion).toBe('first');
});

test.each([
  ['stop', 'stop', 'tool_calls'],
  ['whim', 'unknown', 'tool_calls'],
  [undefined, 'unknown', 'tool_calls'],
  ['length', 'length', 'length'],
  ['content_filter', 'content_filter', 'content_filter'],
  ['tool_calls', 'tool_calls', 'tool_calls'],
])('an answer that ends with %s ends as %s, and with a tool call as %s', (word, alone, withCall) => {
  const finish = (answer: Answer): void => {
    if (word !== undefined) answer.finish(word);
  };
  expect(told(undefined, finish).finish).toBe(alone);
  expect(told(undefined, finish, (answer) => answer.toolCall(piece({ name: 'f' }))).finish).toBe(withCall);
});

test('a word for an end that says that the vendor failed is that failure', () => {
  const answer = new Answer(undefined, 'origin');
  const failure = { reason: 'overloaded', httpStatus: 200 };
  expect(() => answer.finish('insufficient_system_resource')).toThrow(
    expect.objectContaining({ name: 'AnswerError', failure: expect.objectContaining(failure) }) as AnswerError,
  );
  expect(answer.hasFinish).toBe(false);
});

const asJson = (answer: Answer): void => {
  answer.toolCall(piece({ index: 1, name: 'json', arguments: '{"ok"' }));
  answer.toolCall(piece({ index: 1, arguments: ':true}' }));
};

test('the arguments of the tool that stands for the answer are its text, and words beside it are none', () => {
  const { deltas, chars, finish } = told(
    'json',
    (answer) => answer.text('Here you are:'),
    asJson,
    (answer) => answer.finish('tool_use'),
  );
  expect(deltas).toEqual([{ text: '{"ok":true}' }]);
  expect([chars, finish]).toEqual([11, 'stop']);
});

test('an answer in JSON that was cut off says so', () => {
  expect(told('json', asJson, (answer) => answer.finish('max_tokens')).finish).toBe('length');
  expect(told('json', asJson).finish).toBe('unknown');
});

test('pieces of a call that bring nothing new give nothing on', () => {
  const call = piece({ id: 'a', name: 'look', arguments: '{}' });
  const { deltas } = told(
    undefined,
    (answer) => answer.toolCall(call),
    (answer) => answer.toolCall({ ...call, arguments: '' }),
  );
  expect(deltas).toHaveLength(1);
});

test('pieces of another call are not taken for the answer in JSON', () => {
  const other = piece({ index: 2, id: 'b', name: 'look', arguments: '{' });
  const { deltas, finish } = told('json', asJson, (answer) => {
    answer.toolCall(other);
    answer.toolCall(piece({ index: 2, arguments: '}' }));
    answer.finish('tool_use');
  });
  expect(deltas[0]).toEqual({ text: '{"ok":true}' });
  expect(deltas.slice(1).map(({ toolCalls }) => toolCalls)).toEqual([
    '[{"index":0,"id":"b","type":"function","function":{"name":"look","arguments":"{"}}]',
    '[{"index":0,"function":{"arguments":"}"}}]',
  ]);
  expect(finish).toBe('tool_calls');
});

test('without the tool that stands for the answer the words beside it are the answer', () => {
  const { deltas, chars } = told(
    'json',
    (answer) => answer.text('I can'),
    (answer) => answer.text('not.'),
  );
  expect(deltas).toEqual([{ text: 'I cannot.' }]);
  expect(chars).toBe(9);
  const { deltas: others } = told('json', (answer) => answer.toolCall(piece({ arguments: '{', index: 1, name: 'f' })));
  expect(others[0]?.text).toBeUndefined();
});

test('an unnamed piece before the tool that stands for the answer is a call of its own', () => {
  expect(() => told('json', (answer) => answer.toolCall(piece({ arguments: '{}' })))).toThrow(AnswerError);
});

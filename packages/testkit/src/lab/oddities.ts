import { gzipSync } from 'node:zlib';
import type { LabAnswer } from './lab-upstream.ts';
import { json, type LabContent, type LabForm, labForms } from './lab-forms.ts';

/** What must come of an answer. What is not named is not looked at. */
export interface LabExpected {
  readonly text?: string;
  readonly refusal?: string;
  readonly reasoning?: string;
  /** Name and arguments of each tool call. */
  readonly calls?: readonly (readonly [name: string, args: string])[];
  readonly finish?: string;
  /** Tokens to bill; `estimated`: whatever this side makes of what is unknown. */
  readonly input?: number | 'estimated';
  readonly output?: number | 'estimated';
  /** It failed so, in the words of the detailed outcome. */
  readonly fails?: string;
}

/** One thing that some provider did, and what must come of it. */
export interface Oddity {
  readonly name: string;
  readonly form: LabForm;
  readonly asked: 'whole' | 'stream';
  readonly answer: LabAnswer;
  readonly expected: LabExpected;
}

const events = { 'content-type': 'text/event-stream' };
const object = { 'content-type': 'application/json' };
const text = ['Paris ', 'is in ', 'France.'];
const said = text.join('');
const usual = (form: LabForm): LabContent => ({ text, finish: form.words.stop, usage: [12, 9] });
const answered: LabExpected = { text: said, finish: 'stop', input: 12, output: 9 };

export const streamOf = (form: LabForm, content: LabContent): string[] => [
  ...form.events(content).map((event) => form.frame(event)),
  ...(form.marker === '' ? [] : [form.marker]),
];

const streamed = (form: LabForm, content: LabContent): LabAnswer => ({
  headers: events,
  pieces: streamOf(form, content),
});
const whole = (form: LabForm, content: LabContent): LabAnswer => ({
  headers: object,
  pieces: [json(form.whole(content))],
});

/** The same content, whole and streamed. */
const both = (name: string, form: LabForm, content: LabContent, expected: LabExpected): Oddity[] => [
  { name, form, asked: 'whole', answer: whole(form, content), expected },
  { name, form, asked: 'stream', answer: streamed(form, content), expected },
];

/** What a vendor's HTTP and events may look like. */
function transport(form: LabForm): Oddity[] {
  const good = streamOf(form, usual(form));
  const all = good.join('');
  const of = (name: string, answer: LabAnswer, expected: LabExpected = answered): Oddity => ({
    name,
    form,
    asked: 'stream',
    answer: { headers: events, ...answer },
    expected,
  });
  const bytes = Buffer.from(all);
  const endless = good.slice(0, form.marker === '' ? undefined : -1);
  return [
    of('no content type', { headers: {}, pieces: good }),
    of('events called application/json', { headers: object, pieces: good }),
    of('the content type in capitals', { headers: { 'content-type': 'Text/Event-Stream' }, pieces: good }),
    of('the content type with parameters', {
      headers: { 'content-type': 'text/event-stream; charset=UTF-8' },
      pieces: good,
    }),
    of('comments, empty data and a byte order mark', { pieces: [`\uFEFF: hello\n\ndata:\n\ndata: \n\n${all}`] }),
    of('lines that end in CR', { pieces: [all.replaceAll('\r\n', '\n').replaceAll('\n', '\r')] }),
    of('lines that end in CRLF', { pieces: [all.replaceAll('\r\n', '\n').replaceAll('\n', '\r\n')] }),
    of('a byte at a time', { pieces: Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)) }),
    of('everything at once', { pieces: [all] }),
    of('a compressed answer, although none was asked for', {
      headers: { ...events, 'content-encoding': 'gzip' },
      pieces: [gzipSync(all)],
    }),
    of(
      'a compressed answer that is none',
      { headers: { ...events, 'content-encoding': 'gzip' }, pieces: good },
      { fails: 'ProviderError' },
    ),
    of('the end without its marker', { pieces: endless }),
    of('the end without its marker, and a connection that breaks', { pieces: endless, afterwards: 'breaks' }),
    of('the end without its marker, and a connection that stays open', { pieces: endless, afterwards: 'stays open' }),
    of('the marker, and a connection that stays open', { pieces: good, afterwards: 'stays open' }),
    of('events where a whole answer was asked for', { pieces: good }),
    of('a whole answer where events were asked for', { headers: object, pieces: [json(form.whole(usual(form)))] }),
    of(
      'a stream that is cut within its content',
      { pieces: good.slice(0, 3), afterwards: 'breaks' },
      { fails: 'Truncated' },
    ),
    of('a stream that ends within its content', { pieces: good.slice(0, 3) }, { fails: 'Truncated' }),
    of(
      'no answer but HTML',
      { headers: { 'content-type': 'text/html' }, pieces: ['<html>busy</html>'] },
      { fails: 'ProviderError' },
    ),
    of('no answer at all', { pieces: [] }, { fails: 'ProviderError' }),
    of('an event that is null', { pieces: ['data: null\n\n', ...good] }, { fails: 'ProviderError' }),
  ].map((oddity) => (oddity.name.startsWith('events where') ? { ...oddity, asked: 'whole' as const } : oddity));
}

const counts: readonly (readonly [unknown, number | 'estimated'])[] = [
  [2.5, 3],
  ['12', 12],
  ['2.5', 3],
  [0, 'estimated'],
  [-1, 'estimated'],
  [2 ** 32, 'estimated'],
  [5e9, 'estimated'],
  [2 ** 64, 'estimated'],
  ['18446744073709551615', 'estimated'],
  ['@1e400@', 'estimated'],
  ['NaN', 'estimated'],
  [null, 'estimated'],
  [{}, 'estimated'],
  [[7], 'estimated'],
  [true, 'estimated'],
];

/** Counts that cannot be, each as input and as output. */
const usage = (form: LabForm): Oddity[] => [
  ...counts.flatMap(([count, billed]) => [
    ...both(
      `${JSON.stringify(count)} tokens of input`,
      form,
      { ...usual(form), usage: [count, 9] },
      { ...answered, input: billed },
    ),
    ...both(
      `${JSON.stringify(count)} tokens of output`,
      form,
      { ...usual(form), usage: [12, count] },
      { ...answered, output: billed },
    ),
  ]),
  ...both(
    'no usage',
    form,
    { text, finish: form.words.stop },
    { ...answered, input: 'estimated', output: 'estimated' },
  ),
];

const calls = [
  { id: 'call_a', name: 'get_weather', input: { city: 'Paris' } },
  { id: 'call_b', name: 'get_time', input: {} },
];
const madeCalls = [
  ['get_weather', '{"city":"Paris"}'],
  ['get_time', '{}'],
] as const;

const content = (form: LabForm): Oddity[] => [
  ...both(
    'two tool calls',
    form,
    { calls, finish: form.words.toolCalls, usage: [12, 9] },
    { calls: madeCalls, finish: 'tool_calls' },
  ),
  ...both(
    'two tool calls without ids',
    form,
    { calls: calls.map((call) => ({ ...call, id: '' })), finish: form.words.toolCalls, usage: [12, 9] },
    { calls: madeCalls, finish: 'tool_calls' },
  ),
  ...both('thoughts and text', form, { ...usual(form), reasoning: 'Where?' }, { ...answered, reasoning: 'Where?' }),
  ...both(
    'the maximum in capitals',
    form,
    { ...usual(form), finish: form.words.length.toUpperCase() },
    { ...answered, finish: 'length' },
  ),
  ...both(
    'the maximum in small letters',
    form,
    { ...usual(form), finish: form.words.length.toLowerCase() },
    { ...answered, finish: 'length' },
  ),
  ...both('an end that nobody knows', form, { ...usual(form), finish: 'WHIM' }, { ...answered, finish: 'unknown' }),
  {
    name: 'a character that two chunks cut in two',
    form,
    asked: 'stream',
    answer: streamed(form, { ...usual(form), text: ['\ud83d', '\ude00'] }),
    expected: { ...answered, text: '\ud83d\ude00' },
  },
  {
    name: 'a vendor’s error in place of an event',
    form,
    asked: 'stream',
    answer: {
      headers: events,
      pieces: [
        ...streamOf(form, usual(form)).slice(0, 3),
        form.frame({ type: 'error', error: { type: 'overloaded_error', message: 'x' } }),
      ],
    },
    expected: { fails: 'Overloaded' },
  },
];

/** What only those do who copied OpenAI's chat completions. */
function copies(form: LabForm): Oddity[] {
  const chunk = (delta: object, finish: string | null = null): object => ({
    choices: [{ index: 0, delta, finish_reason: finish }],
  });
  const stream = (name: string, chunks: readonly object[], expected: LabExpected, end = form.marker): Oddity => ({
    name,
    form,
    asked: 'stream',
    answer: { headers: events, pieces: [...chunks.map((one) => form.frame(one)), end] },
    expected,
  });
  const one = (name: string, message: object, expected: LabExpected): Oddity => ({
    name,
    form,
    asked: 'whole',
    answer: { headers: object, pieces: [json({ choices: [{ message, finish_reason: 'stop' }] })] },
    expected,
  });
  const call = (index: number, id: string | undefined, name: string | undefined, args: unknown): object =>
    chunk({ tool_calls: [{ index, ...(id && { id }), function: { ...(name && { name }), arguments: args } }] });
  const end = chunk({}, 'tool_calls');
  const weather = { calls: [madeCalls[0]], finish: 'tool_calls' };
  const parts = [
    { type: 'thinking', thinking: [{ type: 'text', text: 'Where?' }] },
    { type: 'text', text: 'Paris.' },
  ];
  const withParts = { text: 'Paris.', reasoning: 'Where?', finish: 'stop' };
  return [
    stream(
      'two streamed tool calls with one index and two ids',
      [call(0, 'a', 'get_weather', '{"city":"Paris"}'), call(0, 'b', 'get_time', '{}'), end],
      { calls: madeCalls, finish: 'tool_calls' },
    ),
    stream(
      'a tool call whose name comes with every chunk',
      [call(0, 'a', 'get_weather', '{"city":'), call(0, 'a', 'get_weather', '"Paris"}'), end],
      weather,
    ),
    stream('streamed arguments that are an object', [call(0, 'a', 'get_weather', { city: 'Paris' }), end], weather),
    one(
      'whole arguments that are an object',
      { content: null, tool_calls: [{ id: 'a', function: { name: 'get_weather', arguments: { city: 'Paris' } } }] },
      weather,
    ),
    stream('a tool call without an id', [call(0, undefined, 'get_weather', '{"city":"Paris"}'), end], weather),
    stream('tool calls that are null', [chunk({ content: 'Hi', tool_calls: null }), chunk({}, 'stop')], { text: 'Hi' }),
    stream('a tool call that is null', [chunk({ tool_calls: [null] }), end], { fails: 'ProviderError' }),
    one('a whole tool call that is null', { content: null, tool_calls: [null] }, { fails: 'ProviderError' }),
    stream('content in parts', [chunk({ content: parts }), chunk({}, 'stop')], withParts),
    one('whole content in parts', { content: parts }, withParts),
    one('content of a kind that nobody knows', { content: [{ type: 'hologram' }] }, { fails: 'ProviderError' }),
    stream(
      'the marker with blanks',
      [chunk({ content: 'Hi' }), chunk({}, 'stop')],
      { text: 'Hi', finish: 'stop' },
      'data: [DONE] \n\n',
    ),
    stream('the marker without any finish reason', [chunk({ content: 'Hi' })], { text: 'Hi', finish: 'unknown' }),
    stream(
      'a finish reason of the stop kind with tool calls',
      [call(0, 'a', 'get_weather', '{"city":"Paris"}'), chunk({}, 'stop')],
      weather,
    ),
    one('a refusal', { content: null, refusal: 'No.' }, { refusal: 'No.', finish: 'stop' }),
  ];
}

/** Every oddity of chats, in every vendor's form that can have it. */
export const oddities: readonly Oddity[] = labForms.flatMap((form) => [
  ...transport(form),
  ...usage(form),
  ...content(form),
  ...(form.name === 'openai' ? copies(form) : []),
]);

import { expect, test } from 'vitest';
import type { ModelDocument } from '../domain/documents.ts';
import type { Model } from '../snapshot/snapshot.ts';
import { client, facts, model, project, snapshotOf } from '../testing/documents.ts';
import { applyStyle, styleOrderOf, type StyledMessage, type StyleOrder } from './tone.ts';

const formal: StyleOrder = { tone: 'formal', template: undefined, hasSystemRole: true };
const ask: StyledMessage = { role: 'user', content: 'Hello' };

const orderFor = (style: ModelDocument['style'], asked: Parameters<typeof facts>[0]): StyleOrder | undefined => {
  const world = snapshotOf(
    model('m', style && { style }),
    client('AcmeLegal', { force_tone: 'formal' }),
    project('fun', { client: 'AcmeLegal', force_tone: 'playful' }),
  );
  return styleOrderOf(world, facts(asked), world.models.get('m') as Model);
};

test("the tone is the project's, else the client's", () => {
  expect(orderFor(undefined, { client: 'acmelegal' })?.tone).toBe('formal');
  expect(orderFor(undefined, { client: 'acmelegal', project: 'fun' })?.tone).toBe('playful');
});

test('messages go as they are where no tone is forced and the model takes them so', () => {
  expect(
    orderFor({ prompt_format: 'Short, with examples.', quirks: ['Handles long context well'], tone: 'dry' }, {}),
  ).toBeUndefined();
  expect(orderFor({ quirks: ['No system role: put it in the first message'] }, {})).toEqual({
    tone: undefined,
    template: undefined,
    hasSystemRole: false,
  });
});

test('a forced tone is the last word of the system prompt, and comes in a system prompt of its own where there is none', () => {
  expect(applyStyle([ask], formal)).toEqual([{ role: 'system', content: 'Answer in a formal tone.' }, ask]);
  expect(
    applyStyle(
      [
        { role: 'developer', content: 'Be brief.', name: 'x' },
        { role: 'system', content: [{ type: 'text', text: 'Be casual.' }] },
        ask,
      ],
      formal,
    ),
  ).toEqual([{ role: 'developer', name: 'x', content: 'Be brief.\n\nBe casual.\n\nAnswer in a formal tone.' }, ask]);
});

test("a model's template gives the system prompt its form, and reads no placeholder in what the caller wrote", () => {
  const order = orderFor(
    { prompt_format: '<rules>{system}</rules><tone>{tone}</tone>' },
    { client: 'acmelegal' },
  ) as StyleOrder;
  expect(applyStyle([{ role: 'system', content: 'Say {tone} $& twice.' }, ask], order)[0]).toEqual({
    role: 'system',
    content: '<rules>Say {tone} $& twice.</rules><tone>formal</tone>',
  });
  const toneOnly = orderFor({ prompt_format: 'STYLE={tone}' }, { client: 'acmelegal' }) as StyleOrder;
  expect(applyStyle([{ role: 'system', content: 'Be brief.' }, ask], toneOnly)[0]?.content).toBe(
    'Be brief.\n\nSTYLE=formal',
  );
  const systemOnly = orderFor({ prompt_format: '### {system}' }, { client: 'acmelegal' }) as StyleOrder;
  expect(applyStyle([{ role: 'system', content: 'Be brief.' }, ask], systemOnly)[0]?.content).toBe(
    '### Be brief.\n\nAnswer in a formal tone.',
  );
  expect(orderFor({ prompt_format: '### {system}' }, {})?.template).toBe('### {system}');
  expect(orderFor({ prompt_format: '{system} {tone}' }, {})).toBeUndefined();
});

test('a model without a system role gets the system prompt in the first message of the user', () => {
  const noRole: StyleOrder = { ...formal, hasSystemRole: false };
  const folded = 'Be brief.\n\nAnswer in a formal tone.';
  const system: StyledMessage = { role: 'system', content: 'Be brief.' };
  expect(applyStyle([system, ask], noRole)).toEqual([{ role: 'user', content: `${folded}\n\nHello` }]);
  const image = { type: 'image_url', image_url: { url: 'data:,' } };
  expect(applyStyle([system, { role: 'user', content: [image] }], noRole)).toEqual([
    { role: 'user', content: [{ type: 'text', text: folded }, image] },
  ]);
  expect(applyStyle([system], noRole)).toEqual([{ role: 'user', content: folded }]);
  expect(applyStyle([ask, { role: 'system', content: 'Now in French.' }], { ...noRole, tone: undefined })).toEqual([
    ask,
    { role: 'user', content: 'Now in French.' },
  ]);
});

test('what was given is not changed, and strange content does not break it', () => {
  const given: readonly StyledMessage[] = Object.freeze([
    Object.freeze({ role: 'system', content: null }),
    Object.freeze({ role: 'user', content: 7 }),
  ]);
  expect(applyStyle(given, { ...formal, hasSystemRole: false })).toEqual([
    { role: 'user', content: 'Answer in a formal tone.' },
  ]);
});

test.each([
  ['No system role: put it first', false],
  ['takes no system prompt', false],
  ['no_system_message', false],
  ['NO-SYSTEM-ROLE', false],
  ['has a system role', true],
  ['casino system role', true],
  ['no systemic bias', true],
])('a quirk of "%s" leaves a system role: %s', (quirk, hasSystemRole) => {
  expect(orderFor({ quirks: ['Handles long context', quirk] }, { client: 'acmelegal' })).toEqual({
    tone: 'formal',
    template: undefined,
    hasSystemRole,
  });
});

test('a tone is that of the project where it forces one, else of the client; a name without a document forces none', () => {
  expect(orderFor(undefined, {})).toBeUndefined();
  expect(orderFor(undefined, { client: 'gone' })).toBeUndefined();
  expect(orderFor(undefined, { client: 'acmelegal', project: 'gone' })?.tone).toBe('formal');
  expect(orderFor({ prompt_format: 'a note for people' }, { client: 'acmelegal' })?.template).toBeUndefined();
  expect(orderFor({ prompt_format: '{tone}' }, {})).toBeUndefined();
  expect(orderFor({}, {})).toBeUndefined();
});

const plain: StyleOrder = { tone: undefined, template: undefined, hasSystemRole: true };
const system = (content: unknown): StyledMessage => ({ role: 'system', content });

test('messages that are all of the system stay one system prompt', () => {
  expect(applyStyle([system('One.'), { role: 'developer', content: 'Two.' }], formal)).toEqual([
    system('One.\n\nTwo.\n\nAnswer in a formal tone.'),
  ]);
  expect(applyStyle([], formal)).toEqual([system('Answer in a formal tone.')]);
});

test('a system prompt without words is none', () => {
  expect(applyStyle([system(''), system('Be brief.'), ask], plain)[0]).toEqual(system('Be brief.'));
  expect(applyStyle([system(''), ask], plain)).toEqual([ask]);
  expect(applyStyle([system([{ type: 'image_url' }, { type: 'text', text: 7 }, null]), ask], plain)).toEqual([ask]);
  expect(applyStyle([system([{ text: 'One.' }, { text: 'Two.' }]), ask], plain)[0]).toEqual(system('One.\nTwo.'));
});

test('only what stands before the first other message is the system prompt', () => {
  const later = system('Later.');
  expect(applyStyle([system('First.'), ask, later], formal)).toEqual([
    system('First.\n\nAnswer in a formal tone.'),
    ask,
    later,
  ]);
});

test('a template is filled once and trimmed, and stands where nothing was written', () => {
  const order: StyleOrder = { ...plain, template: '  <s>{system}</s> {tone} {other} ' };
  expect(applyStyle([system('Hi {system}'), ask], order)[0]?.content).toBe('<s>Hi {system}</s>  {other}');
  expect(applyStyle([ask], { ...order, template: '{system}' })).toEqual([ask]);
});

test('without a system role the words go before the first message of the user, wherever that is', () => {
  const noRole: StyleOrder = { ...formal, hasSystemRole: false };
  const answer: StyledMessage = { role: 'assistant', content: 'Hm.' };
  expect(applyStyle([answer, ask], noRole)).toEqual([
    answer,
    { role: 'user', content: 'Answer in a formal tone.\n\nHello' },
  ]);
  expect(applyStyle([answer], noRole)).toEqual([{ role: 'user', content: 'Answer in a formal tone.' }, answer]);
  expect(
    applyStyle([system('Be brief.'), { role: 'developer', content: 'x' }, answer], { ...noRole, tone: undefined }),
  ).toEqual([{ role: 'user', content: 'Be brief.\n\nx' }, answer]);
});

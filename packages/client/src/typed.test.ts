import { vectorsToBytes } from '@will/core';
import { expect, test } from 'vitest';
import type { TaskClient, TaskRequest, TaskResult } from './api.ts';
import { draw, embed, rerank, speak, transcribe } from './index.ts';

/** A client whose every task ends with these fields. */
function answering(fields: Partial<TaskResult>): TaskClient & { readonly asked: TaskRequest[] } {
  const asked: TaskRequest[] = [];
  const result = { taskId: 'task-1', decisionId: 'decision-1', attempts: [], output: '', ...fields } as unknown;
  return {
    asked,
    run: async (request) => {
      asked.push(request);
      return result as TaskResult;
    },
  } as Partial<TaskClient> as TaskClient & { readonly asked: TaskRequest[] };
}
const inputOf = ({ asked }: { readonly asked: TaskRequest[] }): unknown =>
  JSON.parse(new TextDecoder().decode(asked[0]?.input as Uint8Array));

test('texts become vectors', async () => {
  const client = answering({
    output: '{"count":2,"dimensions":2}',
    data: vectorsToBytes([
      [1, 0.5],
      [2, 0.25],
    ]),
  });
  const { value, decisionId } = await embed(client, { input: { input: ['a', 'b'] }, project: 'p' });
  expect(value).toEqual([
    [1, 0.5],
    [2, 0.25],
  ]);
  expect(decisionId).toBe('decision-1');
  expect(client.asked[0]).toMatchObject({
    type: 'embedding',
    inputKind: 'embedding',
    outputModalities: ['embedding'],
    project: 'p',
  });
  expect(inputOf(client)).toEqual({ input: ['a', 'b'] });
});

test('fewer vectors than texts are a failure, not an answer', async () => {
  const client = answering({ output: '{"count":1,"dimensions":2}', data: vectorsToBytes([[1, 0.5]]) });
  await expect(embed(client, { input: { input: ['a', 'b'] } })).rejects.toMatchObject({
    code: 'all_failed',
    message: '1 vectors came for 2 texts',
  });
  await expect(embed(answering({ output: 'no JSON' }), { input: { input: ['a'] } })).rejects.toThrow('0 vectors');
});

test('recordings, sound, images and rankings have their own forms', async () => {
  const audio = { audio: 'AAAA', file_name: 'a.wav' };
  expect((await transcribe(answering({ output: 'said' }), { input: audio })).value).toBe('said');
  const bytes = new Uint8Array([1, 2]);
  const heard = answering({ data: bytes, dataType: 'audio/mpeg' });
  const spoken = await speak(heard, { type: 'my_voice', input: { text: 'a', voice: 'v', format: 'mp3' } });
  expect(spoken.value).toEqual({ bytes, type: 'audio/mpeg' });
  expect(heard.asked[0]).toMatchObject({ type: 'my_voice', inputKind: 'speech', outputModalities: ['audio'] });
  await expect(draw(answering({}), { input: { prompt: 'p' } })).rejects.toThrow('no image came');
  const ranked = answering({ output: '[{"index":1,"score":0.5}]' });
  expect((await rerank(ranked, { input: { query: 'q', documents: ['a', 'b'] } })).value).toEqual([
    { index: 1, score: 0.5 },
  ]);
  await expect(rerank(ranked, { input: { query: 'q', documents: ['a'] } })).rejects.toThrow('no ranking came');
});

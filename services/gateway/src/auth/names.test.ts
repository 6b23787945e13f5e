import { expect, test } from 'vitest';
import { sampleSnapshot } from '../testing/test-server.ts';
import { taskTypesOf, typesGiving } from './names.ts';

test('a chat may be of every type that a route or a model has and that is answered in text', () => {
  const snapshot = sampleSnapshot();
  expect([...taskTypesOf(snapshot)].toSorted()).toEqual(['code', 'text_gen', 'vision']);
  expect([...typesGiving(snapshot, 'embedding')]).toEqual(['embedding']);
  expect(taskTypesOf(snapshot)).toBe(taskTypesOf(snapshot));
});

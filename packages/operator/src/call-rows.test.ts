import { emptyCallRecord } from '@will/contracts';
import { plainCallFields, type PlainCallField, snakeCase } from '@will/core';
import { expect, test } from 'vitest';
import { callRow } from './call-rows.ts';

// The id of a worker is for the product itself.
const fields = (Object.keys(plainCallFields) as PlainCallField[]).filter((field) => field !== 'workerId');

test.each(fields)('%s of a call is exported, and an optional one is left out where the call has none', (field) => {
  const kind = plainCallFields[field];
  const value = { text: 'words', count: 7, flag: true }[kind.replace('optional ', '')];
  expect(callRow({ ...emptyCallRecord, [field]: value })).toMatchObject({ [snakeCase(field)]: value });
  if (kind.startsWith('optional')) expect(callRow(emptyCallRecord)).not.toHaveProperty(snakeCase(field));
});

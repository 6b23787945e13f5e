import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Facts } from '@will/core';
import { expect, test } from 'vitest';
import * as wire from './messages.ts';
import { factsFromWire, factsToWire, requirementFromWire } from './translate.ts';

const facts: Facts = {
  taskType: 'text_gen',
  client: 'acme',
  project: undefined,
  reflex: undefined,
  priority: 'normal',
  dataClass: undefined,
  model: undefined,
  input: ['text'],
  output: ['text'],
  needs: [],
  inputTokens: 256,
  maxOutputTokens: 0,
};

test('facts with and without a floor come through the wire as they were', () => {
  const over = (sent: Facts): Facts =>
    factsFromWire(fromBinary(wire.FactsSchema, toBinary(wire.FactsSchema, factsToWire(sent))));
  const floor = {
    dataClass: 'customer-sensitive',
    avoidCloud: true,
    compliantOnly: true,
    standards: ['HIPAA'],
    residencies: ['EU', 'Global'],
  } as const;
  expect(over(facts)).toEqual(facts);
  expect(over({ ...facts, floor })).toEqual({ ...facts, floor });
});

test('an empty requirement restricts nothing, and an unknown data class is the strictest', () => {
  expect(requirementFromWire(create(wire.RequirementSchema))).toMatchObject({ dataClass: 'open', avoidCloud: false });
  expect(requirementFromWire(create(wire.RequirementSchema, { dataClass: 99 as wire.DataClass })).dataClass).toBe(
    'customer-sensitive',
  );
});

import { create } from '@bufbuild/protobuf';
import { requirementToWire, wire } from '@will/contracts';
import type { DataRequirement } from '@will/core';
import { expect, test } from 'vitest';
import { factsOfTask } from './task-facts.ts';

const floor: DataRequirement = {
  dataClass: 'customer',
  avoidCloud: true,
  compliantOnly: false,
  standards: [],
  residencies: ['EU'],
};

test('a task that says little has text in and out, and as many tokens as its bytes may hold', () => {
  const task = create(wire.TaskSchema, { type: 'code', input: new Uint8Array(10), priority: wire.Priority.NORMAL });
  expect(factsOfTask('acme', task)).toEqual({
    taskType: 'code',
    client: 'acme',
    project: undefined,
    reflex: undefined,
    priority: 'normal',
    dataClass: undefined,
    model: undefined,
    input: ['text'],
    output: ['text'],
    needs: [],
    inputTokens: 4,
    maxOutputTokens: 0,
  });
});

test('what a task says stands in its facts, names by their slugs', () => {
  const task = create(wire.TaskSchema, {
    type: 'code',
    project: 'Night Shift',
    reflex: 'Auto',
    model: 'GPT Four',
    priority: wire.Priority.HIGH,
    dataClass: wire.DataClass.SENSITIVE,
    inputModalities: ['image'],
    outputModalities: ['audio'],
    needs: ['tools'],
    input: new Uint8Array(10),
    inputTokens: 7,
    floor: requirementToWire(floor),
  });
  expect(factsOfTask('acme', task)).toEqual({
    taskType: 'code',
    client: 'acme',
    project: 'night-shift',
    reflex: 'auto',
    priority: 'high',
    dataClass: 'sensitive',
    model: 'GPT Four',
    input: ['image'],
    output: ['audio'],
    needs: ['tools'],
    inputTokens: 7,
    maxOutputTokens: 0,
    floor,
  });
});

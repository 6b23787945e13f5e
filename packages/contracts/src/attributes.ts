import {
  type AttributeProblem,
  type Attributes,
  costTagsIn,
  headerOf,
  isSame,
  nameKey,
  readAttributes,
} from '@will/core';
import type * as wire from './messages.ts';
import { dataClassToWire, priorityFromWire, priorityToWire, unavailableModelFromWire } from './translate.ts';

/** Header lines or metadata of a message or call: each key with one value, as often as it came. */
export type HeaderLines = Iterable<readonly [key: string, value: string]>;

/** Will's attributes among headers. */
export const attributesOfHeaders = (lines: HeaderLines): ReturnType<typeof readAttributes> =>
  readAttributes([...lines].map(([key, value]) => ({ source: 'header', key, value })));

/** Fields of a protobuf message that attributes may say as well; '' and 0: nothing is said. */
export type AttributedFields = Pick<wire.Task, 'project' | 'reflex' | 'priority' | 'dataClass' | 'unavailableModel'>;

/** A message with what headers said of it. What stands in both must be the same. */
export function withAttributes<T extends AttributedFields>(
  message: T,
  { project, reflex, priority, high_priority, data_class, unavailable_model }: Attributes,
): { readonly message: T } | { readonly problem: AttributeProblem } {
  const problem =
    mustBeSame('project', message.project, project) ??
    mustBeSame('reflex', message.reflex, reflex) ??
    mustBeSame('priority', stated(message.priority) && priorityFromWire(message.priority), priority) ??
    (high_priority === false && message.priority === priorityToWire('high')
      ? different('high_priority', 'priority high', 'false')
      : undefined) ??
    mustBeSame('data_class', stated(message.dataClass), data_class && dataClassToWire(data_class)) ??
    mustBeSame('unavailable_model', unavailableModelFromWire(message.unavailableModel), unavailable_model);
  if (problem) return { problem };
  return {
    message: {
      ...message,
      ...(project !== undefined && message.project === '' && { project }),
      ...(reflex !== undefined && message.reflex === '' && { reflex }),
      ...(priority !== undefined && { priority: priorityToWire(priority) }),
      ...(data_class !== undefined && { dataClass: dataClassToWire(data_class) }),
      ...(unavailable_model !== undefined && { unavailableModel: unavailable_model }),
    },
  };
}

/** A task with what headers said of it, its client, its type and its time. */
export function taskWithAttributes(
  task: wire.Task,
  client: string,
  attributes: Attributes,
  nowMs: number,
): ReturnType<typeof withAttributes<wire.Task>> {
  const { timeout_ms: timeoutMs, first_token_timeout_ms: firstToken, idle_timeout_ms: idle } = attributes;
  const costTags = costTagsIn(attributes.cost_tags ?? '');
  const problem =
    mustBeSame('client', client, attributes.client) ??
    mustBeSame('task_type', task.type, attributes.task_type) ??
    mustBeSame('cost_tags', task.costTags.join(','), costTags.join(',') || undefined);
  if (problem) return { problem };
  const deadline = timeoutMs === undefined ? 0n : BigInt(Math.floor(nowMs + timeoutMs));
  const isEarlier = deadline > 0n && (task.deadlineUnixMs === 0n || deadline < task.deadlineUnixMs);
  const timed = {
    ...task,
    firstTokenTimeoutMs: earlier(task.firstTokenTimeoutMs, firstToken),
    idleTimeoutMs: earlier(task.idleTimeoutMs, idle),
    ...(isEarlier && { deadlineUnixMs: deadline }),
    ...(task.costTags.length === 0 && { costTags: [...costTags] }),
  };
  return withAttributes(timed, attributes);
}

/** The reason why a field of a message and the header of the same meaning contradict each other. */
export function mustBeSame(
  attribute: keyof Attributes,
  inMessage: string | number | undefined,
  inHeader: string | number | undefined,
): AttributeProblem | undefined {
  if (inMessage === undefined || inMessage === '' || inHeader === undefined) return undefined;
  const isName = typeof inMessage === 'string' && typeof inHeader === 'string';
  if (isSame(inMessage, inHeader) || (isName && nameKey(inMessage) === nameKey(inHeader))) return undefined;
  return different(
    attribute,
    JSON.stringify(String(inMessage).slice(0, 80)),
    JSON.stringify(String(inHeader).slice(0, 80)),
  );
}

const different = (attribute: keyof Attributes, inMessage: string, inHeader: string): AttributeProblem => ({
  at: headerOf(attribute),
  message: `${attribute} is stated twice: ${inMessage} in the message and ${headerOf(attribute)} ${inHeader}; send it once`,
});

/** The shorter of two timeouts; 0: none is stated. */
const earlier = (inMessage: number, inHeader: number = 0): number =>
  Math.min(inMessage || inHeader, inHeader || inMessage);

const stated = (value: number): number | undefined => (value === 0 ? undefined : value);

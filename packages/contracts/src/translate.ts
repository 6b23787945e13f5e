import {
  type ComplianceStandard,
  type DataClass,
  type DataRequirement,
  type Facts,
  type Modality,
  type Priority,
  priorityStated,
  type Residency,
  type UnavailableModel,
  unavailableModels,
} from '@will/core';
import { create } from './binary.ts';
import * as wire from './messages.ts';

const classes: Record<wire.DataClass, DataClass | undefined> = {
  [wire.DataClass.UNSPECIFIED]: undefined,
  [wire.DataClass.OPEN]: 'open',
  [wire.DataClass.CUSTOMER]: 'customer',
  [wire.DataClass.SENSITIVE]: 'sensitive',
  [wire.DataClass.CUSTOMER_SENSITIVE]: 'customer-sensitive',
};
const wireClasses: Record<DataClass, wire.DataClass> = {
  open: wire.DataClass.OPEN,
  customer: wire.DataClass.CUSTOMER,
  sensitive: wire.DataClass.SENSITIVE,
  'customer-sensitive': wire.DataClass.CUSTOMER_SENSITIVE,
};
const priorities: Record<wire.Priority, Priority> = {
  [wire.Priority.UNSPECIFIED]: 'normal',
  [wire.Priority.BACKGROUND]: 'background',
  [wire.Priority.NORMAL]: 'normal',
  [wire.Priority.HIGH]: 'high',
};
const wirePriorities: Record<Priority, wire.Priority> = {
  background: wire.Priority.BACKGROUND,
  normal: wire.Priority.NORMAL,
  high: wire.Priority.HIGH,
};

/** An unknown number from a newer sender reads as the strictest class. */
export const dataClassFromWire = (value: wire.DataClass): DataClass | undefined =>
  value in classes ? classes[value] : 'customer-sensitive';
/** Writes a data class. */
export const dataClassToWire = (value: DataClass | undefined): wire.DataClass =>
  value === undefined ? wire.DataClass.UNSPECIFIED : wireClasses[value];
/** Reads a priority. Default: normal. */
export const priorityFromWire = (value: wire.Priority): Priority => priorities[value] ?? 'normal';
/** Writes a priority. */
export const priorityToWire = (value: Priority): wire.Priority => wirePriorities[value];

/** The priority that a task states, by either of its two fields; undefined: none. */
export const priorityOfTask = ({ priority, highPriority }: wire.Task): Priority | undefined | 'conflict' =>
  priorityStated(priority === wire.Priority.UNSPECIFIED ? undefined : priorityFromWire(priority), highPriority);

/** An unknown word from a newer sender is an error, which lets nothing go where it was not asked to. */
export const unavailableModelFromWire = (value: string): UnavailableModel | undefined =>
  value === '' ? undefined : (unavailableModels.find((known) => known === value) ?? 'error');

const orUndefined = (text: string): string | undefined => (text === '' ? undefined : text);

/** Reads the facts of a task. */
export function factsFromWire(facts: wire.Facts): Facts {
  return {
    taskType: facts.taskType,
    client: facts.client,
    project: orUndefined(facts.project),
    reflex: orUndefined(facts.reflex),
    priority: priorityFromWire(facts.priority),
    dataClass: dataClassFromWire(facts.dataClass),
    model: orUndefined(facts.model),
    ...(facts.unavailableModel !== '' && { unavailableModel: unavailableModelFromWire(facts.unavailableModel) }),
    input: facts.inputModalities as Modality[],
    output: facts.outputModalities as Modality[],
    needs: facts.needs,
    inputTokens: facts.inputTokens,
    maxOutputTokens: facts.maxOutputTokens,
    ...(facts.floor && { floor: requirementFromWire(facts.floor) }),
  };
}

/** Words from a newer sender that are not known here pass as they are: no model meets them. */
export const requirementFromWire = (floor: wire.Requirement): DataRequirement => ({
  dataClass: dataClassFromWire(floor.dataClass) ?? 'open',
  avoidCloud: floor.avoidCloud,
  compliantOnly: floor.compliantOnly,
  standards: floor.standards as ComplianceStandard[],
  residencies: floor.residencies as Residency[],
});

/** Writes what the data of a task requires of models. */
export const requirementToWire = (floor: DataRequirement): wire.Requirement =>
  create(wire.RequirementSchema, {
    dataClass: dataClassToWire(floor.dataClass),
    avoidCloud: floor.avoidCloud,
    compliantOnly: floor.compliantOnly,
    standards: [...floor.standards],
    residencies: [...floor.residencies],
  });

/** Writes the facts of a task. */
export function factsToWire(facts: Facts): wire.Facts {
  return {
    $typeName: 'will.v1.Facts',
    taskType: facts.taskType,
    client: facts.client,
    project: facts.project ?? '',
    reflex: facts.reflex ?? '',
    priority: priorityToWire(facts.priority),
    dataClass: dataClassToWire(facts.dataClass),
    model: facts.model ?? '',
    unavailableModel: facts.unavailableModel ?? '',
    inputModalities: [...facts.input],
    outputModalities: [...facts.output],
    needs: [...facts.needs],
    inputTokens: facts.inputTokens,
    maxOutputTokens: facts.maxOutputTokens,
    floor: facts.floor && requirementToWire(facts.floor),
  };
}

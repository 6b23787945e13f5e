import { modalities, slugPattern, unavailableModels, type Facts, type Modality, quote } from '@will/core';
import { factsFromWire, type wire } from '@will/contracts';
import { PolicyRefusal } from '../service.ts';

const maxNeeds = 64;
const maxName = 128;

/** Facts as they came by the bus, checked. @throws {PolicyRefusal} 'facts' */
export function readFacts(message: wire.Facts | undefined): Facts {
  if (!message) throw refused('facts are missing');
  const { unavailableModel } = message;
  if (unavailableModel !== '' && !unavailableModels.some((known) => known === unavailableModel))
    throw refused(`unavailable_model ${quote(unavailableModel)} must be one of ${unavailableModels.join(', ')}`);
  const facts = factsFromWire(message);
  mustBeSlug('task type', facts.taskType);
  mustBeSlug('client', facts.client);
  if (facts.project !== undefined) mustBeSlug('project', facts.project);
  if (facts.needs.length > maxNeeds) throw refused(`${facts.needs.length} needs exceed ${maxNeeds}`);
  for (const need of facts.needs) mustBeSlug('need', need);
  mustBeShort('model', facts.model);
  // An unknown one is no error: it is noted.
  mustBeShort('reflex', facts.reflex);
  const floorWords = [...(facts.floor?.standards ?? []), ...(facts.floor?.residencies ?? [])];
  if (floorWords.length > maxNeeds) throw refused(`${floorWords.length} words of the floor exceed ${maxNeeds}`);
  return { ...facts, input: readModalities('input', facts.input), output: readModalities('output', facts.output) };
}

/** None means text. */
function readModalities(what: string, values: readonly string[]): readonly Modality[] {
  const known: readonly string[] = modalities;
  const unknown = values.find((value) => !known.includes(value));
  if (unknown !== undefined) throw refused(`${what} modality ${quote(unknown)} must be one of ${known.join(', ')}`);
  return values.length === 0 ? ['text'] : [...new Set(values as readonly Modality[])];
}

function mustBeShort(what: string, name = ''): void {
  if (name.length > maxName) throw refused(`${what} ${quote(name)} is longer than ${maxName} characters`);
}

function mustBeSlug(what: string, value: string): void {
  if (!slugPattern.test(value)) throw refused(`${what} ${quote(value)} must match ${slugPattern.source}`);
}

const refused = (message: string): PolicyRefusal => new PolicyRefusal('facts', message);

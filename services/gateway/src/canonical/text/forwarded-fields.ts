import { passThroughOf, slugNamed, type Snapshot, wishIn } from '@will/core';
import { droppedFields, shownNames } from '../../server/http/dropped-fields.ts';
import { invalid } from '../../server/http/errors.ts';
import type { UnknownField } from '../../server/http/unknown-fields.ts';
import { identity } from '../../auth/keys/identity.ts';

/** Fields of a request that its dialect does not know, by what becomes of them. */
export interface OtherFields {
  /** For the models whose documents list them in `pass_through`. */
  readonly forwarded: Readonly<Record<string, unknown>>;
  /** Names of what is left out whichever model answers, as they may be shown. */
  readonly dropped: readonly string[];
  /** Names of what the answer of this model was made without. */
  ignoredBy(model: string): readonly string[];
}

/** A request with fields that some models may take. */
export interface Asking {
  readonly client: string;
  readonly type: string;
  /** The one that was named. */
  readonly model: string | undefined;
  /** Others may answer in its place. */
  readonly isRouted: boolean;
}

/**
 * Decides on each unknown field: forwarded, dropped with a notice, or rejected.
 * @throws {HttpError} 400: a wish that cannot be honoured, content that would be lost, or any unknown field of a client
 * whose document says `strict_requests`
 */
export function otherFields(
  unknown: readonly UnknownField[],
  left: readonly string[],
  snapshot: Snapshot,
  asking: Asking,
): OtherFields {
  if (unknown.length === 0 && left.length === 0) return nothingElse;
  const candidates = candidatesOf(snapshot, asking);
  const isListedBySome = (name: string): boolean => candidates.some((names) => names.has(name));
  const isListedByAll = (name: string): boolean =>
    candidates.length > 0 && candidates.every((names) => names.has(name));
  const forwarded: Record<string, unknown> = {};
  const others: UnknownField[] = [];
  for (const field of unknown) {
    const [name = ''] = field.path;
    // A wish is honoured by whichever model answers, or not at all.
    const isTaken = field.path.length === 1 && (wishIn(name) ? isListedByAll(name) : isListedBySome(name));
    if (isTaken) forwarded[name] = field.value;
    else others.push(field);
  }
  const dropped = [...droppedFields(others), ...left];
  const names = Object.keys(forwarded);
  checkStrict([...dropped, ...names.filter((name) => !isListedByAll(name))], snapshot, asking.client);
  return {
    forwarded,
    dropped: shownNames(dropped),
    ignoredBy: (model) => [...dropped, ...names.filter((name) => !passedBy(snapshot, model).has(name))],
  };
}

/** The same for a task whose kind has no fields beyond its own. @throws {HttpError} 400 */
export function noOtherFields(unknown: readonly UnknownField[], snapshot: Snapshot, client: string): OtherFields {
  const dropped = droppedFields(unknown);
  checkStrict(dropped, snapshot, client);
  return { forwarded: {}, dropped: shownNames(dropped), ignoredBy: () => dropped };
}

const noNames: readonly string[] = [];
const nothingElse: OtherFields = { forwarded: {}, dropped: noNames, ignoredBy: () => noNames };

const none: ReadonlySet<string> = new Set();
const passedBy = (snapshot: Snapshot, slug: string): ReadonlySet<string> => {
  const model = snapshot.models.get(slug);
  return model ? passThroughOf(model.document) : none;
};

/** What each model takes that may be chosen: the named one, and those of the route and of the tag. */
function candidatesOf(snapshot: Snapshot, { type, model, isRouted }: Asking): readonly ReadonlySet<string>[] {
  const named = model !== undefined && snapshot.models.has(model) ? [model] : [];
  if (!isRouted) return named.map((slug) => passedBy(snapshot, slug));
  const routed = (snapshot.routes.get(type)?.steps ?? []).map((step) => step.model);
  const tagged = snapshot.modelsByTaskType.get(type) ?? [];
  return [...new Set([...named, ...routed, ...tagged])].map((slug) => passedBy(snapshot, slug));
}

/** A client's document may ask for an error instead of a notice. */
function checkStrict([name]: readonly string[], snapshot: Snapshot, client: string): void {
  if (name === undefined || !isStrict(snapshot, client)) return;
  const shown = name.slice(0, 80);
  throw invalid(
    `unknown field ${JSON.stringify(shown)}: no model that may answer is known to take it, and the client has strict_requests`,
    shown,
  );
}

/** Who comes with a key learns nothing of another client, also where it names one. */
function isStrict(snapshot: Snapshot, said: string): boolean {
  const who = identity();
  const client = who?.role === 'caller' ? who.client : slugNamed(snapshot, 'client', said);
  return client !== undefined && snapshot.clients.get(client)?.strict_requests === true;
}

/** The fields left out of a task, as its decision tells of them. */
export const ignoredIn = ({ dropped }: OtherFields): { readonly ignoredFields?: readonly string[] } =>
  dropped.length === 0 ? {} : { ignoredFields: dropped };

/** Tells what an answer was made without; nothing where there is nothing to tell. */
export function ignoredHeader(names: readonly string[]): readonly string[] {
  if (names.length === 0) return names;
  const shown = shownNames(names);
  return shown.length === 0 ? [] : ['x-will-ignored', shown.join(', ')];
}

import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Provider } from '@will/providers';
import type { CallHook, Extension, Ranking } from './extension.ts';

/** A module cannot be loaded as an extension; the message names it and says why. */
export class ExtensionError extends Error {
  override readonly name = 'ExtensionError';
}

/** Everything that the extensions of a process add. */
export interface LoadedExtensions {
  readonly names: readonly string[];
  readonly providers: readonly Provider[];
  readonly hooks: readonly CallHook[];
  readonly ranking: Ranking | undefined;
}

/**
 * Loads the modules of a setting: packages by name, files by path, comma separated, both as seen from `folder`.
 * @throws {ExtensionError} one of them is not there, is no extension, or two bring a ranking or one provider.
 */
export async function loadExtensions(setting: string | undefined, folder: string): Promise<LoadedExtensions> {
  const specifiers = (setting ?? '').split(',').map((part) => part.trim());
  const extensions: Extension[] = [];
  for (const specifier of specifiers.filter((part) => part !== '')) extensions.push(await load(specifier, folder));
  const rankings = extensions.flatMap(({ ranking }) => ranking ?? []);
  if (rankings.length > 1) throw new ExtensionError(`two rankings: ${rankings.map(({ name }) => name).join(', ')}`);
  const providers = extensions.flatMap((extension) => extension.providers ?? []);
  const twice = providers.find(({ name }, index) => providers.findIndex((other) => other.name === name) < index);
  if (twice) throw new ExtensionError(`two extensions bring provider ${twice.name}`);
  return {
    names: extensions.map(({ name }) => name),
    providers,
    hooks: extensions.flatMap(({ hooks }) => hooks ?? []),
    ranking: rankings[0],
  };
}

async function load(specifier: string, folder: string): Promise<Extension> {
  const loaded = await import(addressOf(specifier, folder)).catch((cause: unknown) => {
    throw new ExtensionError(`extension ${specifier} cannot be loaded: ${(cause as Error).message}`, { cause });
  });
  const found: unknown = (loaded as { readonly default?: unknown }).default;
  const isExtension = typeof found === 'object' && found !== null && typeof (found as Extension).name === 'string';
  if (!isExtension) throw new ExtensionError(`extension ${specifier} has no default export with a name`);
  return found as Extension;
}

function addressOf(specifier: string, folder: string): string {
  if (specifier.startsWith('file:')) return specifier;
  if (specifier.startsWith('.') || isAbsolute(specifier)) return pathToFileURL(resolve(folder, specifier)).href;
  try {
    return pathToFileURL(createRequire(join(folder, 'package.json')).resolve(specifier)).href;
  } catch (cause) {
    throw new ExtensionError(`extension ${specifier} is not installed where ${folder} would find it`, { cause });
  }
}

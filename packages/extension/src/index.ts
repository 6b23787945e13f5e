export * from './extension.ts';
export { ExtensionError, loadExtensions, type LoadedExtensions } from './load.ts';
export type {
  ContentDelta,
  Health,
  ModelCall,
  ModelConnection,
  Provider,
  ProviderOutcome,
} from '@will/providers';

import type { DocumentKind } from '@will/core';

/** What may be asked for → the kind it means. */
export const kindsByWord: Readonly<Record<string, DocumentKind>> = {
  models: 'model',
  routes: 'route',
  clients: 'client',
  projects: 'project',
  reflexes: 'reflex',
  schedules: 'schedule',
  settings: 'settings',
};

export const wordOfKind = (kind: DocumentKind): string =>
  Object.entries(kindsByWord).find(([, known]) => known === kind)?.[0] ?? kind;

import type { OwnItems } from './kept-items.ts';
import { type ItemIds, itemId } from './responses-answer.ts';

/** Of a caller who wants nothing kept (`store: false`): it sends its items back itself. */
export const plainIds = (taskId: string): ItemIds => ({
  next: (kind, index) => itemId(kind, taskId, index),
  keep: () => {},
});

/** Of any other: some libraries send references instead of items. */
export const keptIds = (taskId: string, kept: OwnItems): ItemIds => ({
  next: (kind, index) => (kind === 'rs' ? itemId(kind, taskId, index) : kept.newId(kind)),
  keep(item) {
    if (item.type !== 'reasoning') kept.keep(item.id, item);
  },
});

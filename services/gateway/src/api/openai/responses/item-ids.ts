import type { KeptItems } from './kept-items.ts';
import { type ItemKind, itemId, type ShownItem } from './responses-answer.ts';

/** Ids of the items of one answer, and what becomes of those that later requests may refer to. */
export interface ItemIds {
  next(kind: ItemKind, index: number): string;
  /** Told of an item that is complete. */
  keep(item: ShownItem): void;
}

/** Of a caller who wants nothing kept (`store: false`): it sends its items back itself. */
export const plainIds = (taskId: string): ItemIds => ({
  next: (kind, index) => itemId(kind, taskId, index),
  keep: () => {},
});

/** Of any other: some libraries send references instead of items. */
export const keptIds = (taskId: string, kept: KeptItems): ItemIds => ({
  next: (kind, index) => (kind === 'rs' ? itemId(kind, taskId, index) : kept.newId(kind)),
  keep(item) {
    if (item.type !== 'reasoning') kept.keep(item.id, item);
  },
});

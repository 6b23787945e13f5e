export { backUpStores, restoreStores } from './backup/backup.ts';
export type { BackupFile, Manifest } from './backup/manifest.ts';
export * from './call-log.ts';
export * from './documents.ts';
export * from './errors.ts';
export { storesAt, type StoreSettings, type Stores } from './open.ts';
export { openCallLog, openDocumentStore, openTaskStore } from './sqlite/open.ts';
export * from './tasks.ts';
export * from './usage.ts';

export * from './cost.ts';
export * from './data-class.ts';
export * from './decision.ts';
export * from './documents.ts';
export * from './facts.ts';
export * from './names.ts';
export * from './outcome.ts';
export * from './snapshot.ts';

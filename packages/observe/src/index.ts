export { type Attributes } from '@opentelemetry/api';
export { type AnchoredHead, type AuditAnchor, auditAnchorOf } from './audit-anchor.ts';
export { genAi, previousGenAi } from './conventions.ts';
export { measures, type Measure, previousMeasures } from './measures.ts';
export { observe, type Observing } from './observe.ts';
export { noSpan, openSpan, traceparent, type OpenSpan, type SpanKindName } from './spans.ts';

export { accepted, ask, OperatorError } from './ask.ts';
export { callColumns, callRow, csvCell, csvLine, jsonLine, jsonNumber } from './call-rows.ts';
export { CallWindow, type WindowLine } from './call-window.ts';
export { type CallQuestion, pageOfCalls } from './calls.ts';
export { findDecision, type MadeAgain, makeAgain } from './decisions.ts';
export {
  bodyOf,
  type Difference,
  differenceOf,
  type DocumentName,
  documentAt,
  documentOf,
  documentsOf,
  snapshotAt,
  versionsOf,
} from './documents.ts';
export { type ProofOf, proofOf } from './proof.ts';
export { type Forecast, forecast, type Move, type RecordedTask } from './preview/forecast.ts';
export { type Preview, previewBetween, previewChange, type PreviewWindow, previewWindows } from './preview/preview.ts';
export { type ServedModelRow, servedModels } from './served-models.ts';

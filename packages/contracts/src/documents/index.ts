export { jsonCheck, type JsonCheck } from './json-check.ts';
export {
  gatherDocuments,
  gathering,
  keepSlugs,
  keyOfDocument,
  placeProblem,
  slugTaken,
  validateDocuments,
  type DocumentText,
  type GatheredDocuments,
} from './gather.ts';
export { isDocumentFile, isSpecificationNotation } from './notation.ts';
export {
  maxFileBytes,
  parseDocuments,
  type ParsedDocument,
  type ParsedFile,
} from './parse-documents.ts';
export { formatProblem, type DocumentProblem } from './problem.ts';
export { writeDocument, writeDocuments } from './write-documents.ts';
export { fieldsOf, type FieldReference } from './schemas.ts';

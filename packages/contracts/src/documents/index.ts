export { isDocumentFile, isSpecificationNotation } from './notation.ts';
export {
  mostFileBytes,
  parseDocuments,
  type ParsedDocument,
  type ParsedFile,
} from './parse-documents.ts';
export { formatProblem, type DocumentProblem } from './problem.ts';
export { fieldsOf, type FieldReference } from './schemas.ts';

import type { AnyDocument } from '@will/core';
import { stringify } from 'yaml';

/**
 * A document as YAML that reads back as the same document. Fields keep the order they are stored in, after `kind`, `name`
 * and `slug`.
 */
export function writeDocument({ kind, body }: AnyDocument): string {
  const { name, slug, ...rest } = body;
  // Aliases are refused on the way in, so equal parts are written twice; a line is broken only where its text is.
  return stringify({ kind, name, slug, ...rest }, { aliasDuplicateObjects: false, lineWidth: 0 });
}

/** Several documents in one text. */
export const writeDocuments = (documents: readonly AnyDocument[]): string => documents.map(writeDocument).join('---\n');

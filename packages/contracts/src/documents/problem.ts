/** One thing wrong with a file of documents. */
export interface DocumentProblem {
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** `limits.daily.usd`; '' for the whole document. */
  readonly field: string;
  /** Names the value and what was allowed; never a key. */
  readonly message: string;
}

/** `models.yaml:12: limits.rpm: "fast" must be a whole number from 1 to 1000000`. */
export const formatProblem = ({ path, line, field, message }: DocumentProblem): string =>
  `${path}:${line}: ${field === '' ? '' : `${field}: `}${message}`;

const maxQuotedChars = 60;

/** A value as a message shows it: JSON, cut. */
export function quote(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'a map';
  if (typeof value === 'number') return String(value);
  const json = JSON.stringify(value) ?? 'nothing';
  return json.length > maxQuotedChars ? `${json.slice(0, maxQuotedChars)}…"` : json;
}

const maxQuotedChars = 80;

/** A value as an error shows it: in quotes, cut to 80 characters, without control characters. */
export const quote = (value: string): string =>
  JSON.stringify(value.length > maxQuotedChars ? `${value.slice(0, maxQuotedChars)}…` : value);

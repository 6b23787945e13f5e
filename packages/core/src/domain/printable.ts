/**
 * What a terminal obeys or is misled by: the control characters of ASCII and Latin-1 except line breaks and tabs, and
 * those that change the direction of text, so that it reads as something else.
 */
// oxlint-disable-next-line no-control-regex -- these are the very characters to take out.
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** Text without what steers a terminal. Line breaks and tabs stay. */
export const printable = (text: string): string => text.replace(steering, '');

/** JSON with the same value, in which everything that steers a terminal is escaped. */
export const escapedJson = (json: string): string =>
  json.replace(steering, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

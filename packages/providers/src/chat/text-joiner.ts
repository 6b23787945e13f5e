/** Joins text that comes in pieces: a character of two halves leaves whole, also where the pieces cut it in two. */
export class TextJoiner {
  #half = '';

  /** What may leave now. */
  add(piece: string): string {
    const text = this.#half + piece;
    const isCut = text.length > 0 && isFirstHalf(text.charCodeAt(text.length - 1));
    this.#half = isCut ? text.slice(-1) : '';
    return wellFormed(isCut ? text.slice(0, -1) : text);
  }

  /** What is left at the end: half a character is shown as one that cannot be. */
  end(): string {
    const rest = this.#half;
    this.#half = '';
    return wellFormed(rest);
  }
}

const isFirstHalf = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;

const wellFormed = (text: string): string => (text.isWellFormed() ? text : text.toWellFormed());

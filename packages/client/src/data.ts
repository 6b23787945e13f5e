/** Output that is no text, as it comes in pieces. */
export class DataPieces {
  readonly #pieces: Uint8Array[] = [];
  #type = '';

  /** Takes a piece and gives it in the form that parts have; nothing where there is none. */
  take({ data, dataType }: { readonly data: Uint8Array; readonly dataType: string }): Data {
    if (data.length === 0) return {};
    this.#pieces.push(data);
    this.#type = dataType;
    return { data, dataType };
  }

  /** Everything that came. */
  whole(): Data {
    if (this.#pieces.length === 0) return {};
    return { data: new Uint8Array(Buffer.concat(this.#pieces)), dataType: this.#type };
  }
}

/** Bytes of an answer with their media type. */
export interface Data {
  readonly data?: Uint8Array;
  readonly dataType?: string;
}

/** Reads the bytes of an answer. */
export const dataOf = ({ data, dataType }: { readonly data: Uint8Array; readonly dataType: string }): Data =>
  data.length === 0 ? {} : { data, dataType };

import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress, type Gunzip } from 'node:zlib';

/** Takes compressed bytes and gives plain ones. */
export interface Decompressor {
  push(chunk: Buffer): void;
  /** No more bytes come. */
  end(): void;
  /** Gives nothing any more. */
  abort(): void;
}

/** A decompressing reader of a body. */
export interface Decompressed {
  readonly data: (chunk: Buffer) => void;
  readonly ended: () => void;
  readonly failed: () => void;
}

const makers: Readonly<Record<string, () => NodeJS.ReadWriteStream & Pick<Gunzip, 'destroy'>>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** For an answer that is compressed although none was asked for; undefined: it is not, or in a way that nobody knows. */
export function decompressorFor(encoding: string, to: Decompressed): Decompressor | undefined {
  const make = makers[encoding.trim().toLowerCase()];
  if (!make) return undefined;
  const stream = make();
  stream.on('data', to.data);
  stream.on('end', to.ended);
  stream.on('error', to.failed);
  return {
    push: (chunk) => void stream.write(chunk),
    end: () => void stream.end(),
    abort: () => void stream.destroy(),
  };
}

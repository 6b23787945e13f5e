import { createWorker, type Worker } from 'tesseract.js';
import { type Computation, compute } from '../local-process/compute.ts';
import type { Computed, NotComputed } from '../local-process/protocol.ts';
import type { PageImages } from './input.ts';

/** Settings of the process that reads pages. */
export interface OcrOptions {
  /** `eng`, `deu+fra`. */
  readonly languages: string;
  /** Where their data lie, as `.traineddata.gz`. */
  readonly folder: string;
}

/** What the library means by its newer engine, which the data are for. */
const lstmOnly = 1;

class Reader implements Computation<PageImages> {
  readonly #worker: Worker;

  private constructor(worker: Worker) {
    this.#worker = worker;
  }

  static async load({ languages, folder }: OcrOptions): Promise<Reader> {
    const worker = await createWorker(languages, lstmOnly, {
      langPath: folder,
      gzip: true,
      // Nothing is written, and nothing is fetched where a file is missing.
      cacheMethod: 'none',
      errorHandler: () => {},
    });
    return new Reader(worker);
  }

  async run({ images }: PageImages, signal: AbortSignal, say: (text: string) => void): Promise<Computed | NotComputed> {
    let chars = 0;
    for (const [n, image] of images.entries()) {
      if (signal.aborted) break;
      const text = await this.#read(image);
      if (text === undefined) return { reason: 'bad_request', detail: 'an image cannot be read' };
      const said = n === 0 ? text : `\n${text}`;
      chars += said.length;
      for (const line of said.match(/[^\n]*\n|[^\n]+$/g) ?? []) say(line);
    }
    // Nothing here counts in tokens: four characters each, the common rule of thumb.
    return { finish: 'stop', inputTokens: 0, outputTokens: Math.ceil(chars / 4), isEstimated: true };
  }

  /** Undefined: it is no image that the library knows. */
  async #read(image: Uint8Array): Promise<string | undefined> {
    try {
      return (await this.#worker.recognize(Buffer.from(image))).data.text;
    } catch {
      return undefined;
    }
  }
}

compute<OcrOptions, PageImages>((options) => Reader.load(options));

import { createRequire } from 'node:module';
import { type Computation, compute } from '../local-process/compute.ts';
import type { Computed } from '../local-process/protocol.ts';
import type { Recording } from './input.ts';
import { type Segment, writeTranscript } from './transcript.ts';

/** Settings of the process that transcribes. */
export interface WhisperOptions {
  readonly path: string;
  readonly threads: number;
  readonly useGpu: boolean;
}

/** The part of the library that is used here; its package brings no types. */
interface Library {
  initWhisper(options: { filePath: string; useGpu: boolean }): Promise<Context>;
}
interface Context {
  transcribeData(
    samples: ArrayBuffer,
    options: object,
  ): { stop(): Promise<void>; readonly promise: Promise<{ language?: string; segments: readonly Segment[] }> };
}

class Listener implements Computation<Recording> {
  readonly #context: Context;
  readonly #threads: number;
  #before: Promise<unknown> = Promise.resolve();

  private constructor(context: Context, threads: number) {
    this.#context = context;
    this.#threads = threads;
  }

  static async load({ path, threads, useGpu }: WhisperOptions): Promise<Listener> {
    const library = createRequire(import.meta.url)('@fugood/whisper.node') as Library;
    return new Listener(await library.initWhisper({ filePath: path, useGpu }), threads);
  }

  /** One after the other: two at once block each other for ever in the library (1.1.3). */
  run(recording: Recording, signal: AbortSignal, say: (text: string) => void): Promise<Computed> {
    const mine = this.#before.then(() => this.#hear(recording, signal, say));
    this.#before = mine.catch(() => {});
    return mine;
  }

  /** What fails inside the library never ends there (1.1.3): after the call's own time limits an abort ends it here. */
  async #hear(recording: Recording, signal: AbortSignal, say: (text: string) => void): Promise<Computed> {
    if (signal.aborted) return nothing;
    const { samples, language, prompt, temperature, format, intoEnglish } = recording;
    let chars = 0;
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength).slice();
    const working = this.#context.transcribeData(bytes.buffer, {
      language: language ?? 'auto',
      maxThreads: this.#threads,
      translate: intoEnglish,
      ...(prompt !== undefined && { prompt }),
      ...(temperature !== undefined && { temperature }),
      onNewSegments: ({ result }: { result: string }) => {
        if (format !== undefined) return;
        // The model puts a space before every word, also before the first.
        const text = chars === 0 ? result.trimStart() : result;
        chars += text.length;
        if (text !== '') say(text);
      },
    });
    const aborted = Promise.withResolvers<undefined>();
    const stop = (): void => void working.stop().finally(() => aborted.resolve(undefined));
    signal.addEventListener('abort', stop, { once: true });
    const heard = await Promise.race([working.promise, aborted.promise]).finally(() =>
      signal.removeEventListener('abort', stop),
    );
    if (!heard) return nothing;
    const text = format && writeTranscript(format, heard.segments, heard.language ?? '', samples.length);
    const outputTokens = Math.ceil((text?.length ?? chars) / 4);
    // Nothing here counts in tokens: four characters each, the common rule of thumb.
    return {
      finish: 'stop',
      inputTokens: 0,
      outputTokens,
      isEstimated: true,
      ...(text !== undefined && { output: { text } }),
    };
  }
}

const nothing: Computed = { finish: 'stop', inputTokens: 0, outputTokens: 0, isEstimated: true };

compute<WhisperOptions, Recording>((options) => Listener.load(options));

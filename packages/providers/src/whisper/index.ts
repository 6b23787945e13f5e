import { open } from 'node:fs/promises';
import { openLocalModel } from '../local-process/connection.ts';
import { inMib } from '../machine-memory.ts';
import type { MemoryBudget } from '../memory-budget.ts';
import { pathWithin, defaultThreads } from '../model-file.ts';
import { type Provider, ProviderConfigError } from '../port.ts';
import type { WhisperOptions } from './child.ts';
import { readRecording } from './input.ts';

/** Settings of models that transcribe. */
export interface WhisperProviderOptions {
  /** What a relative `local.path` is relative to. */
  readonly dataDir: string;
  /** 0: half of the machine's. */
  readonly threads: number;
  readonly budget: MemoryBudget;
}

/** Transcribes recordings by whisper.cpp in a process of its own. `local.path` is a model in ggml's form. */
export function whisper({ dataDir, threads, budget }: WhisperProviderOptions): Provider {
  return {
    name: 'whisper',
    async open({ slug, document }) {
      const shownPath = document.local?.path;
      if (shownPath === undefined) throw new ProviderConfigError(`model ${slug} has no local.path`);
      const path = pathWithin(dataDir, shownPath);
      const size = await checkedSize(path, shownPath);
      const stated = document.local?.memory_mb;
      const bytes = stated === undefined ? estimatedBytes(size) : Math.max(size, stated * 1024 * 1024);
      const options: WhisperOptions = {
        path,
        threads: threads > 0 ? threads : defaultThreads(),
        useGpu: document.local?.device !== 'cpu',
      };
      return openLocalModel(
        {
          slug,
          options,
          program: new URL('./child.ts', import.meta.url),
          concurrency: 1,
          memory: { bytes, inWords: `${inMib(bytes)} MiB` },
          readInput: readRecording,
        },
        budget,
      );
    },
  };
}

/** By whisper.cpp's own table of memory (tiny: a file of 75 MiB takes 273, large: 2,900 take 3,900), and a process around it. */
const estimatedBytes = (fileBytes: number): number => Math.ceil(fileBytes * 1.3) + 328 * 1024 * 1024;

const headerBytes = 48;
/** "ggml" */
const magic = 0x67_67_6d_6c;

/** The file's size, when it looks like a model of this kind: its native reader trusts what it reads. */
async function checkedSize(path: string, shownPath: string): Promise<number> {
  const file = await open(path).catch(() => undefined);
  if (!file) throw new ProviderConfigError(`file ${shownPath} is not there or cannot be read`);
  try {
    const { size } = await file.stat();
    const header = Buffer.alloc(headerBytes);
    const { bytesRead } = await file.read(header, 0, headerBytes, 0);
    if (bytesRead < headerBytes || header.readUInt32LE(0) !== magic)
      throw new ProviderConfigError(`file ${shownPath} is no Whisper model in ggml’s form`);
    // Words, contexts, widths, heads and layers: none of them is larger in any model, and none is nothing.
    const sizes = Array.from({ length: 10 }, (_, n) => header.readInt32LE(4 + 4 * n));
    if (sizes.some((each) => each < 1 || each > 1_000_000))
      throw new ProviderConfigError(`file ${shownPath} is damaged: its header holds sizes that no model has`);
    return size;
  } finally {
    await file.close();
  }
}

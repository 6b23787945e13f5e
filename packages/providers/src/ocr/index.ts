import { createRequire } from 'node:module';
import { dirname, isAbsolute, resolve } from 'node:path';
import type { Model } from '@will/core';
import { openLocalModel } from '../local-process/connection.ts';
import type { MemoryBudget } from '../memory-budget.ts';
import { type Provider, ProviderConfigError } from '../port.ts';
import { readPages } from './input.ts';
import type { OcrOptions } from './child.ts';

const mib = 1024 * 1024;
/** Measured with English data and a page of 900 × 260: 166 MiB; larger pages take more. */
const defaultMemoryMb = 320;

/**
 * Text in images, read by Tesseract in a process of its own. `provider_model` is the language (default `eng`), or several
 * with `+`; their data are a folder named by `local.path`, else packages `@tesseract.js-data/…`.
 */
export function ocr({ dataDir, budget }: { readonly dataDir: string; readonly budget: MemoryBudget }): Provider {
  return {
    name: 'tesseract',
    async open(model) {
      const memoryMb = model.document.local?.memory_mb ?? defaultMemoryMb;
      return openLocalModel(
        {
          slug: model.slug,
          program: new URL('./child.ts', import.meta.url),
          options: optionsOf(model, dataDir),
          concurrency: 1,
          memory: { bytes: memoryMb * mib, inWords: `${memoryMb} MiB` },
          readInput: readPages,
        },
        budget,
      );
    },
  };
}

const languagesPattern = /^[a-z]{3}(_[a-z]{3,4})?(\+[a-z]{3}(_[a-z]{3,4})?){0,7}$/;

function optionsOf({ document }: Model, dataDir: string): OcrOptions {
  const languages = document.provider_model ?? 'eng';
  if (!languagesPattern.test(languages))
    throw new ProviderConfigError(
      `provider_model ${languages} must be languages as Tesseract names them: eng, deu+fra`,
    );
  const folder = document.local?.path;
  if (folder !== undefined) return { languages, folder: isAbsolute(folder) ? folder : resolve(dataDir, folder) };
  if (languages.includes('+'))
    throw new ProviderConfigError('several languages need local.path, a folder with the data of each');
  return { languages, folder: folderOfPackage(languages) };
}

/** The smaller of the two kinds of data that a package holds: for whole numbers, about as exact and much faster. */
function folderOfPackage(language: string): string {
  try {
    const entry = createRequire(import.meta.url).resolve(`@tesseract.js-data/${language}`);
    return resolve(dirname(entry), '4.0.0_best_int');
  } catch (cause) {
    throw new ProviderConfigError(
      `there are no data for ${language}; install @tesseract.js-data/${language}, or name a folder by local.path`,
      { cause },
    );
  }
}

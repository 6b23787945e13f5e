import { readTaskInput, type TaskInput } from '@will/core';
import type { ModelCall } from '../port.ts';
import { readWav } from './wav.ts';

/** A recording to transcribe. */
export interface Recording {
  /** One channel, 16 bits, 16,000 a second. */
  readonly samples: Int16Array;
  /** ISO 639-1; undefined: it is found out. */
  readonly language: string | undefined;
  readonly prompt: string | undefined;
  readonly temperature: number | undefined;
  readonly intoEnglish: boolean;
  /** Undefined: the plain text. */
  readonly format: TaskInput<'transcription'>['format'];
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The recording of a call; a string says what is wrong with it. */
export function readRecording(call: ModelCall): Recording | string {
  if (call.inputKind !== 'transcription') return `input kind ${call.inputKind} must be transcription`;
  const input = readTaskInput('transcription', parse(call.input));
  if (!input) return 'the input is no transcription';
  const { audio, language, prompt, temperature, format, timestamps } = input;
  if (timestamps?.includes('word')) return 'times of single words are not known here';
  const samples = readWav(Buffer.from(audio, 'base64'));
  return typeof samples === 'string'
    ? samples
    : { samples, language, prompt, temperature, intoEnglish: input.into_english === true, format };
}

function parse(input: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(input));
  } catch {
    return undefined;
  }
}

import { samplesPerSecond } from './wav.ts';

/** A piece of what was said; times in milliseconds from the beginning. */
export interface Segment {
  readonly text: string;
  readonly t0: number;
  readonly t1: number;
}

type Format = 'verbose_json' | 'srt' | 'vtt';

const writers: Readonly<Record<Format, (segments: readonly Segment[], language: string, samples: number) => string>> = {
  srt: (segments) =>
    segments
      .map((each, n) => `${n + 1}\n${clock(each.t0, ',')} --> ${clock(each.t1, ',')}\n${each.text.trim()}\n`)
      .join('\n'),
  vtt: (segments) =>
    `WEBVTT\n\n${segments.map((each) => `${clock(each.t0, '.')} --> ${clock(each.t1, '.')}\n${each.text.trim()}\n`).join('\n')}`,
  verbose_json: (segments, language, samples) =>
    JSON.stringify({
      task: 'transcribe',
      language,
      duration: samples / samplesPerSecond,
      text: segments
        .map(({ text }) => text)
        .join('')
        .trim(),
      segments: segments.map(({ text, t0, t1 }, id) => ({ id, start: t0 / 1_000, end: t1 / 1_000, text })),
    }),
};

/** Writes the words of a recording, with their times, in one of the usual forms. */
export const writeTranscript = (
  format: Format,
  segments: readonly Segment[],
  language: string,
  samples: number,
): string => writers[format](segments, language, samples);

/** `00:01:02,345` */
function clock(ms: number, point: ',' | '.'): string {
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const rest = String(Math.floor(ms % 1_000)).padStart(3, '0');
  return `${two(ms / 3_600_000)}:${two((ms / 60_000) % 60)}:${two((ms / 1_000) % 60)}${point}${rest}`;
}

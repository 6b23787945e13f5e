/** The rate of samples that Whisper hears: one channel of 16-bit samples, so many a second. */
export const samplesPerSecond = 16_000;

const maxChannels = 8;
const maxSeconds = 4 * 3_600;

interface Format {
  readonly channels: number;
  readonly rate: number;
  readonly bytesPerSample: number;
  readonly read: (view: DataView, at: number) => number;
}

/** Samples from -1 to 1, by the format's number and bits: whole numbers (1) and floats (3). */
const readers: Readonly<Record<string, Format['read']>> = {
  '1/8': (view, at) => (view.getUint8(at) - 128) / 128,
  '1/16': (view, at) => view.getInt16(at, true) / 32_768,
  '1/24': (view, at) => ((view.getUint16(at, true) << 8) | (view.getUint8(at + 2) << 24)) / 2 ** 31,
  '1/32': (view, at) => view.getInt32(at, true) / 2 ** 31,
  '3/32': (view, at) => view.getFloat32(at, true),
};
/** A format that says what it is further below. */
const extensible = 0xff_fe;

/**
 * A WAV recording as Whisper takes it: channels are averaged, another rate is brought to 16,000 a second. A string says what
 * is wrong with it.
 */
export function readWav(bytes: Uint8Array): Int16Array | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at: number): string => String.fromCharCode(...bytes.subarray(at, at + 4));
  if (bytes.length < 44 || tag(0) !== 'RIFF' || tag(8) !== 'WAVE') return 'the recording must be a WAV file';
  let format: Format | string | undefined;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const length = view.getUint32(at + 4, true);
    const start = at + 8;
    if (tag(at) === 'fmt ' && start + 16 <= bytes.length) format = readFormat(view, start);
    if (tag(at) === 'data') {
      if (format === undefined || typeof format === 'string') return format ?? 'the recording does not say its format';
      // Streams leave the length open; then the data go to the end.
      return resampled(view, start, Math.min(length, bytes.length - start), format);
    }
    // Chunks begin at even places.
    at = start + length + (length % 2);
  }
  return 'the recording holds no sound';
}

function readFormat(view: DataView, at: number): Format | string {
  const stated = view.getUint16(at, true);
  const kind = stated === extensible && at + 26 <= view.byteLength ? view.getUint16(at + 24, true) : stated;
  const channels = view.getUint16(at + 2, true);
  const rate = view.getUint32(at + 4, true);
  const bits = view.getUint16(at + 14, true);
  const read = readers[`${kind}/${bits}`];
  if (!read) return `a recording of format ${kind} with ${bits} bits cannot be read; 8 to 32 bits, not compressed, can`;
  if (channels < 1 || channels > maxChannels) return `a recording of ${channels} channels cannot be read`;
  if (rate < 4_000 || rate > 192_000) return `a recording of ${rate} samples a second cannot be read`;
  return { channels, rate, bytesPerSample: bits / 8, read };
}

function resampled(
  view: DataView,
  start: number,
  length: number,
  { channels, rate, bytesPerSample, read }: Format,
): Int16Array | string {
  const frameBytes = channels * bytesPerSample;
  const frames = Math.floor(length / frameBytes);
  if (frames === 0) return 'the recording holds no sound';
  if (frames / rate > maxSeconds) return `the recording is longer than ${maxSeconds / 3_600} hours`;
  const frame = (n: number): number => {
    let sum = 0;
    for (let channel = 0; channel < channels; channel += 1)
      sum += read(view, start + n * frameBytes + channel * bytesPerSample);
    return sum / channels;
  };
  const step = rate / samplesPerSecond;
  return Int16Array.from({ length: Math.floor(frames / step) }, (_, n) => {
    const value = step > 1 ? average(frame, n * step, (n + 1) * step, frames) : between(frame, n * step, frames);
    return Math.round(Math.max(-1, Math.min(1, value)) * 32_767);
  });
}

/** Of all frames in a span: what is too high to be kept does not come back as noise. */
function average(frame: (n: number) => number, from: number, to: number, frames: number): number {
  let sum = 0;
  let count = 0;
  for (let n = Math.floor(from); n < Math.min(to, frames); n += 1) {
    sum += frame(n);
    count += 1;
  }
  return count === 0 ? 0 : sum / count;
}

function between(frame: (n: number) => number, at: number, frames: number): number {
  const before = Math.floor(at);
  const share = at - before;
  return frame(before) * (1 - share) + frame(Math.min(before + 1, frames - 1)) * share;
}

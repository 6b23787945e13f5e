// A Whisper of one layer with random weights: whisper.cpp loads it and computes for real, and its text is noise. The
// layout is that of ggml's Whisper models, as whisper.cpp's own loader reads them.
const words = 51_864;
const audioContext = 64;
const textContext = 64;
const width = 64;
const heads = 2;
const layers = 1;
const mels = 80;
const frequencies = 201;
/** Everything above is made of whole numbers and of 32-bit floats. */
const float32 = 0;

/** About 14 MB; the same seed gives the same bytes. */
export function tinyWhisper(seed = 42): Buffer {
  const random = uniform(seed);
  const floats = (count: number, next: () => number): Buffer =>
    Buffer.from(Float32Array.from({ length: count }, next).buffer);
  const tensor = (name: string, dims: readonly number[]): Buffer[] => {
    const count = dims.reduce((product, dim) => product * dim, 1);
    const next = /ln\w*\.weight$/.test(name) ? () => 1 : () => random() * 0.2;
    return [i32(dims.length, name.length, float32, ...dims), Buffer.from(name), floats(count, next)];
  };
  const sizes = [words, audioContext, width, heads, layers, textContext, width, heads, layers, mels, float32];
  return Buffer.concat([
    Buffer.from('lmgg'),
    i32(...sizes),
    i32(mels, frequencies),
    floats(mels * frequencies, () => Math.abs(random()) * 0.02),
    ...vocabulary(),
    ...tensors().flatMap(([name, dims]) => tensor(name, dims)),
  ]);
}

/** Plain words; the tokens with a meaning of their own come after them, and the library names those itself. */
function vocabulary(): Buffer[] {
  const plain = 50_256;
  const texts = Array.from({ length: plain }, (_, n) => Buffer.from(n === 0 ? ' ' : ` w${n}`));
  return [i32(plain), ...texts.flatMap((text) => [i32(text.length), text])];
}

type Named = readonly [name: string, dims: readonly number[]];

function tensors(): Named[] {
  return [
    ['encoder.positional_embedding', [width, audioContext]],
    ['encoder.conv1.weight', [3, mels, width]],
    ['encoder.conv1.bias', [1, width]],
    ['encoder.conv2.weight', [3, width, width]],
    ['encoder.conv2.bias', [1, width]],
    ...norm('encoder.ln_post'),
    ...block('encoder.blocks.0'),
    ...attention('encoder.blocks.0', 'attn'),
    ['decoder.positional_embedding', [width, textContext]],
    ['decoder.token_embedding.weight', [width, words]],
    ...norm('decoder.ln'),
    ...block('decoder.blocks.0'),
    ...attention('decoder.blocks.0', 'attn'),
    ...attention('decoder.blocks.0', 'cross_attn'),
  ];
}

const norm = (name: string): Named[] => [
  [`${name}.weight`, [width]],
  [`${name}.bias`, [width]],
];

const block = (name: string): Named[] => [
  ...norm(`${name}.mlp_ln`),
  [`${name}.mlp.0.weight`, [width, 4 * width]],
  [`${name}.mlp.0.bias`, [4 * width]],
  [`${name}.mlp.2.weight`, [4 * width, width]],
  [`${name}.mlp.2.bias`, [width]],
];

const attention = (name: string, kind: string): Named[] => [
  ...norm(`${name}.${kind}_ln`),
  [`${name}.${kind}.query.weight`, [width, width]],
  [`${name}.${kind}.query.bias`, [width]],
  [`${name}.${kind}.key.weight`, [width, width]],
  [`${name}.${kind}.value.weight`, [width, width]],
  [`${name}.${kind}.value.bias`, [width]],
  [`${name}.${kind}.out.weight`, [width, width]],
  [`${name}.${kind}.out.bias`, [width]],
];

/** Numbers from -1 to 1 from a linear congruential generator. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

const i32 = (...values: number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);

/** A recording as WAV: one channel of 16-bit samples, a tone that changes. */
export function toneWav(seconds: number, samplesPerSecond = 16_000): Buffer {
  const samples = Int16Array.from({ length: Math.round(seconds * samplesPerSecond) }, (_, n) => {
    const at = n / samplesPerSecond;
    return Math.round(12_000 * Math.sin(2 * Math.PI * (220 + 110 * Math.floor(at * 4)) * at));
  });
  const data = Buffer.from(samples.buffer);
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.writeUInt32LE(36 + data.length, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(samplesPerSecond, 24);
  header.writeUInt32LE(samplesPerSecond * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(data.length, 40);
  return Buffer.concat([header, data]);
}

import { writeFile } from 'node:fs/promises';

// A llama of two layers with random weights: llama.cpp loads it and computes for real, and its text is noise.
const width = 64;
const layers = 2;
const heads = 4;
const keyValueHeads = 2;
const feedForward = 128;
const contextTokens = 2048;
const headWidth = width / heads;

const words =
  'the a of to and in is it you that he was for on are with as his they be at one have this from or had by hot word but what some we can out other were all there when up use your how said an each she';

/** Kinds of values in a GGUF header. */
const type = { u32: 4, i32: 5, f32: 6, bool: 7, string: 8, array: 9 } as const;

/** Writes the model (about half a megabyte). The same seed gives the same bytes. */
export async function writeTinyGguf(path: string, seed = 42): Promise<void> {
  await writeFile(path, tinyGguf(seed));
}

export function tinyGguf(seed = 42): Buffer {
  const tokens = vocabulary();
  const tensors = tensorsOf(tokens.length);
  const fields = fieldsOf(tokens);
  const infos: Buffer[] = [];
  let offset = 0;
  for (const { name, dims } of tensors) {
    infos.push(text(name), u32(dims.length), ...dims.map((dim) => u64(dim)), u32(0), u64(offset));
    offset += align(4 * count(dims));
  }
  const header = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(tensors.length),
    u64(fields.length),
    ...fields,
    ...infos,
  ]);
  const random = normal(seed);
  const data = tensors.map((tensor) => weights(tensor, random));
  return Buffer.concat([header, Buffer.alloc(align(header.length) - header.length), ...data]);
}

interface Token {
  readonly text: string;
  readonly score: number;
  /** 1 normal, 2 unknown, 3 control, 6 byte. */
  readonly kind: number;
}

function vocabulary(): readonly Token[] {
  const tokens: Token[] = [
    { text: '<unk>', score: 0, kind: 2 },
    { text: '<s>', score: 0, kind: 3 },
    { text: '</s>', score: 0, kind: 3 },
  ];
  for (let byte = 0; byte < 256; byte += 1)
    tokens.push({ text: `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`, score: 0, kind: 6 });
  const pieces = new Set<string>();
  for (let code = 33; code < 127; code += 1) pieces.add(String.fromCharCode(code));
  pieces.add('▁');
  // Every beginning of a word, so that merging can build it up.
  for (const word of words.split(' '))
    for (let end = 2; end <= word.length + 1; end += 1) pieces.add(`▁${word}`.slice(0, end));
  let score = -1;
  for (const piece of pieces) tokens.push({ text: piece, score: score--, kind: 1 });
  return tokens;
}

function fieldsOf(tokens: readonly Token[]): Buffer[] {
  const field = (key: string, kind: number, value: Buffer): Buffer => Buffer.concat([text(key), u32(kind), value]);
  const string = (key: string, value: string): Buffer => field(key, type.string, text(value));
  const whole = (key: string, value: number): Buffer => field(key, type.u32, u32(value));
  const flag = (key: string, value: boolean): Buffer => field(key, type.bool, Buffer.from([value ? 1 : 0]));
  const list = (key: string, kind: number, values: readonly Buffer[]): Buffer =>
    field(key, type.array, Buffer.concat([u32(kind), u64(values.length), ...values]));
  return [
    string('general.architecture', 'llama'),
    string('general.name', 'tiny-random-llama'),
    whole('general.file_type', 0),
    whole('general.quantization_version', 2),
    whole('llama.context_length', contextTokens),
    whole('llama.embedding_length', width),
    whole('llama.block_count', layers),
    whole('llama.feed_forward_length', feedForward),
    whole('llama.attention.head_count', heads),
    whole('llama.attention.head_count_kv', keyValueHeads),
    whole('llama.rope.dimension_count', headWidth),
    field('llama.attention.layer_norm_rms_epsilon', type.f32, f32(1e-5)),
    field('llama.rope.freq_base', type.f32, f32(10_000)),
    whole('llama.vocab_size', tokens.length),
    string('tokenizer.ggml.model', 'llama'),
    string('tokenizer.ggml.pre', 'default'),
    list(
      'tokenizer.ggml.tokens',
      type.string,
      tokens.map((token) => text(token.text)),
    ),
    list(
      'tokenizer.ggml.scores',
      type.f32,
      tokens.map((token) => f32(token.score)),
    ),
    list(
      'tokenizer.ggml.token_type',
      type.i32,
      tokens.map((token) => i32(token.kind)),
    ),
    whole('tokenizer.ggml.bos_token_id', 1),
    whole('tokenizer.ggml.eos_token_id', 2),
    whole('tokenizer.ggml.unknown_token_id', 0),
    flag('tokenizer.ggml.add_bos_token', true),
    flag('tokenizer.ggml.add_space_prefix', true),
    string(
      'tokenizer.chat_template',
      "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:",
    ),
  ];
}

interface Tensor {
  readonly name: string;
  readonly dims: readonly number[];
}

function tensorsOf(vocabularySize: number): Tensor[] {
  const block = (n: number): Tensor[] => [
    { name: `blk.${n}.attn_norm.weight`, dims: [width] },
    { name: `blk.${n}.attn_q.weight`, dims: [width, width] },
    { name: `blk.${n}.attn_k.weight`, dims: [width, headWidth * keyValueHeads] },
    { name: `blk.${n}.attn_v.weight`, dims: [width, headWidth * keyValueHeads] },
    { name: `blk.${n}.attn_output.weight`, dims: [width, width] },
    { name: `blk.${n}.ffn_norm.weight`, dims: [width] },
    { name: `blk.${n}.ffn_gate.weight`, dims: [width, feedForward] },
    { name: `blk.${n}.ffn_up.weight`, dims: [width, feedForward] },
    { name: `blk.${n}.ffn_down.weight`, dims: [feedForward, width] },
  ];
  return [
    { name: 'token_embd.weight', dims: [width, vocabularySize] },
    ...Array.from({ length: layers }, (_, n) => block(n)).flat(),
    { name: 'output_norm.weight', dims: [width] },
    { name: 'output.weight', dims: [width, vocabularySize] },
  ];
}

function weights({ name, dims }: Tensor, random: () => number): Buffer {
  const values = new Float32Array(align(4 * count(dims)) / 4);
  const isNorm = name.endsWith('norm.weight');
  const isOutput = name === 'output.weight';
  for (let n = 0; n < count(dims); n += 1) {
    values[n] = isNorm ? 1 : random() * (isOutput ? 0.15 : 0.08);
    // Words rather than single bytes; the end of the answer (token 2) keeps its weight.
    const token = Math.floor(n / width);
    if (isOutput && token < 259 && token !== 2) (values[n] as number) *= 0.1;
  }
  return Buffer.from(values.buffer);
}

/** Normally distributed numbers (Box and Muller) from a linear congruential generator. */
function normal(seed: number): () => number {
  let state = seed;
  const uniform = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform() + 1e-9)) * Math.cos(2 * Math.PI * uniform());
}

const count = (dims: readonly number[]): number => dims.reduce((product, dim) => product * dim, 1);
const align = (bytes: number): number => Math.ceil(bytes / 32) * 32;

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
function i32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}
function f32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}
function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

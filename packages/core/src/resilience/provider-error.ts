/** A provider's own error, in the words of its own fields. What it repeats of the request is not among them. */
export interface ProviderError {
  /** Codes, types and states, from the most to the least exact; in lower case, with `_` for `-`. */
  readonly codes: readonly string[];
  /** The provider's text, '' for none. It is searched for known words, and never shown. */
  readonly message: string;
  /** The first code as the provider writes it, if it has the form of one: `context_length_exceeded`. */
  readonly code: string | undefined;
  /** The field that the provider names, if it has the form of one: `messages.0.role`. */
  readonly param: string | undefined;
  /** Where it names it: in a field of the error, or at the beginning of its text as Anthropic and Google do. */
  readonly paramFrom: 'field' | 'text' | undefined;
}

type Fields = Readonly<Record<string, unknown>>;

const codePattern = /^[A-Za-z0-9_.-]{1,64}$/;
const paramPattern = /^[A-Za-z0-9_.[\]-]{1,64}$/;
const maxMessage = 2_000;
/** A gateway may carry the error of another one within its own. */
const maxDepth = 6;

/** Reads the body of an answer that is no success. Total: a text that is no JSON is a message. */
export function readProviderError(body: string): ProviderError {
  const parsed = parse(body);
  const found = { codes: [] as string[], messages: [] as string[], params: [] as string[] };
  if (parsed === undefined) readText(body, found);
  else collect(parsed, found, 0);
  return {
    codes: found.codes.map((code) => code.toLowerCase().replaceAll('-', '_')),
    message: found.messages.join('\n').slice(0, maxMessage),
    code: found.codes.find((code) => codePattern.test(code)),
    ...paramIn(found),
  };
}

function paramIn({ params, messages }: Found): Pick<ProviderError, 'param' | 'paramFrom'> {
  const named = params.find((param) => paramPattern.test(param));
  if (named !== undefined) return { param: named, paramFrom: 'field' };
  const told = messages.map(fieldInText).find((param) => param !== undefined);
  return { param: told, paramFrom: told === undefined ? undefined : 'text' };
}

/** Top-level fields of Anthropic's and Google's requests: other words before a colon are prose. */
const fieldAtStart = new RegExp(
  [
    '^(?:\\* GenerateContentRequest\\.)?',
    '((?:messages|system|max_tokens|temperature|top_p|top_k|stop_sequences|metadata|tools|tool_choice|thinking|',
    'output_config|output_format|contents|system_instruction|generation_config|safety_settings)',
    '(?:\\.[a-z0-9_]{1,40}|\\[\\d{1,6}\\])*)\\s?:\\s',
  ].join(''),
);
/** Below these the names are the caller's own: properties of its schemas, arguments of its calls. */
const ownNames = /\.(input_schema|input|properties|args|parameters|response)\b.*$/;

/** Anthropic's `messages.1.content: …` and Google's `* GenerateContentRequest.contents[0].parts: …`. */
function fieldInText(message: string): string | undefined {
  const field = fieldAtStart.exec(message)?.[1]?.replace(ownNames, '.$1');
  return field !== undefined && paramPattern.test(field) ? field : undefined;
}

interface Found {
  readonly codes: string[];
  readonly messages: string[];
  readonly params: string[];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The start of a JSON text that was cut off, or no JSON at all. */
function readText(body: string, { codes, messages }: Found): void {
  for (const [, value = ''] of body
    .slice(0, maxMessage)
    .matchAll(/"(?:code|type|status|reason)"\s*:\s*"([^"\\]{1,64})"/g))
    codes.push(value);
  const message = /"message"\s*:\s*"((?:[^"\\]|\\.){0,1000})/.exec(body)?.[1];
  if (message !== undefined) messages.push(message);
  else if (!body.trimStart().startsWith('{')) messages.push(body.slice(0, maxMessage));
}

/** Reads the places in which vendors tell what is wrong, and no other ones. */
function collect(value: unknown, found: Found, depth: number): void {
  if (depth > maxDepth) return;
  if (typeof value === 'string') return void found.messages.push(value);
  if (Array.isArray(value)) return value.slice(0, 4).forEach((one) => collect(one, found, depth + 1));
  if (typeof value !== 'object' || value === null) return;
  const fields = value as Fields;
  for (const field of ['code', 'status', 'reason', 'type'] as const) pushCode(fields[field], found);
  if (typeof fields['param'] === 'string') found.params.push(fields['param']);
  if (Array.isArray(fields['loc'])) found.params.push(fields['loc'].filter((step) => step !== 'body').join('.'));
  if (typeof fields['field'] === 'string') found.params.push(fields['field']);
  if (typeof fields['msg'] === 'string') found.messages.push(fields['msg']);
  for (const field of [
    'error',
    'response',
    'data',
    'message',
    'detail',
    'innererror',
    'details',
    'fieldViolations',
    'metadata',
  ] as const)
    if (field === 'metadata') collectMetadata(fields[field], found, depth);
    else collect(fields[field], found, depth + 1);
}

/** OpenRouter's: why input was flagged, or the vendor's own error as a text. */
function collectMetadata(value: unknown, found: Found, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  const { reasons, raw } = value as Fields;
  if (Array.isArray(reasons) && reasons.length > 0) found.codes.push('content_filter');
  if (typeof raw === 'string') collect(parse(raw) ?? raw, found, depth + 1);
}

/** `error` says of a body that it is one, and nothing else. */
function pushCode(value: unknown, { codes }: Found): void {
  if (typeof value === 'string' && value !== 'error' && value !== '') codes.push(value.slice(0, 100));
}

import { slugOf, slugPattern, type ComplianceTag, type ModelDocument } from '@will/core';
import { z } from 'zod';
import { cap, maxCount } from './cap-schema.ts';
import {
  choice,
  choices,
  endpoint,
  fieldNames,
  filePath,
  instant,
  instantOrYes,
  keyReference,
  number,
  prose,
  record,
  slug,
  tags,
  text,
  texts,
  timeOfDay,
  timeZone,
  whole,
  yesNo,
} from './fields.ts';
import { quote } from './problem.ts';

const standards = ['HIPAA', 'GDPR'] as const;
const modalities = ['text', 'image', 'audio', 'video', 'embedding', 'score'] as const;
const maxTokens = 100_000_000;

const complianceTag = record({
  standard: choice(...standards).describe('The standard.'),
  evidence: text(1_000).describe('Where the proof is kept.').exactOptional(),
  expires_at: instant().describe('From then on the tag counts no more. Absent: it does not expire.').exactOptional(),
});

/** `none`, a comma string, or a list of standards and of maps with evidence; empty means none. */
const compliance = z
  .unknown()
  .transform((value, context): readonly ComplianceTag[] => {
    const written = typeof value === 'string' ? value.split(',') : value;
    if (!Array.isArray(written)) return refuseCompliance(value, [], context);
    const isNone = (item: unknown): boolean => typeof item === 'string' && item.trim().toLowerCase() === 'none';
    if (written.length === 1 && isNone(written[0])) return [];
    const found = new Map<string, ComplianceTag>();
    for (const [index, item] of written.entries()) {
      const read = complianceTag.safeParse(typeof item === 'string' ? { standard: item } : item);
      if (!read.success) return refuseCompliance(item, typeof value === 'string' ? [] : [index], context);
      found.set(read.data.standard, read.data);
    }
    return [...found.values()];
  })
  .meta({
    allowed: 'none, or a list of HIPAA, GDPR; instead of a word a map of standard, evidence, expires_at',
  });

function refuseCompliance(value: unknown, path: (string | number)[], context: z.RefinementCtx): never {
  const what = value === undefined ? 'is missing; it' : quote(value);
  context.addIssue({
    code: 'custom',
    path,
    message: `${what} must be none, HIPAA, GDPR, a list of these, or a map of standard, evidence, expires_at`,
  });
  return z.NEVER;
}

const usdPerMillion = () => number(0, 1_000_000);
const optionalRates = {
  input: usdPerMillion().describe('US dollars per million tokens that go in.').exactOptional(),
  output: usdPerMillion().describe('US dollars per million tokens that come out.').exactOptional(),
  cached_input: usdPerMillion()
    .describe('The same for input read from a cache. Default: as other input.')
    .exactOptional(),
  cache_write: usdPerMillion()
    .describe('The same for input written to a cache. Default: as other input.')
    .exactOptional(),
  cache_write_1h: usdPerMillion()
    .describe('The same for input written to a cache for an hour. Default: as other writes.')
    .exactOptional(),
  reasoning: usdPerMillion().describe('The same for tokens of reasoning. Default: as other output.').exactOptional(),
  audio_input: usdPerMillion().describe('The same for audio that goes in. Default: as other input.').exactOptional(),
  audio_output: usdPerMillion()
    .describe('The same for audio that comes out. Default: as other output.')
    .exactOptional(),
  image_input: usdPerMillion()
    .describe('The same for tokens of images that go in. Default: as other input.')
    .exactOptional(),
  image_output: usdPerMillion()
    .describe('The same for tokens of images that come out. Default: as other output.')
    .exactOptional(),
};
const prices = record({
  ...optionalRates,
  input: usdPerMillion().describe('US dollars per million tokens that go in.'),
  output: usdPerMillion().describe('US dollars per million tokens that come out.'),
  image: usdPerMillion()
    .describe('US dollars for each image that comes out. Default: images are paid as tokens.')
    .exactOptional(),
  request: usdPerMillion().describe('US dollars for each call, beside its tokens. Default: 0.').exactOptional(),
  tiers: z
    .array(
      record({
        above_input_tokens: whole(1, maxTokens).describe('For calls whose input is longer than this, as a whole.'),
        ...optionalRates,
      }),
    )
    .min(1)
    .max(20)
    .describe('Rates of long inputs. What a tier leaves out stays as it is.')
    .exactOptional(),
  hours: z
    .array(
      record({
        from: timeOfDay().describe('When these rates begin.'),
        to: timeOfDay().describe('When they end; earlier than `from` means the next day.'),
        days: choices(1, 'mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')
          .describe('Days on which they begin. Default: every day.')
          .exactOptional(),
        time_zone: timeZone().describe('Zone of these times. Default: `UTC`.').exactOptional(),
        ...optionalRates,
      }),
    )
    .min(1)
    .max(20)
    .describe('Rates of some hours; the first that is open counts. What it leaves out stays as it is; tiers too.')
    .exactOptional(),
});

/** Fields of a model. */
export const modelShape = {
  name: text(100).describe('Model name as people say it: `GPT-4`, `Claude 3`.'),
  slug: slug()
    .describe('Its name in subjects, keys and addresses. Default: made from the name (`GPT-3.5` becomes `gpt-3-5`).')
    .exactOptional(),
  aliases: texts(0, 64, 100)
    .describe('Other names that stand for it: `local:LLaMA`. A name stands for one model only. Default: none.')
    .exactOptional(),
  version: text(100).describe('Version of the model. Stands in every call record.').exactOptional(),
  released: instant().describe('When this version came out. Shown; decides nothing.').exactOptional(),
  deprecated: instant().describe('From then on apply and decisions warn of it; it is still used.').exactOptional(),
  retired: instantOrYes()
    .describe('From then on, or with `yes` at once, no task goes there (rule `retired`).')
    .exactOptional(),
  replaced_by: text(100)
    .describe('Model that comes after it: name, alias or slug. It is named in warnings; `stand_in` changes routes.')
    .exactOptional(),
  retires_at: instant().describe('Another name of `retired`, with a date. Stored as that.').exactOptional(),
  successor: text(100).describe('Another name of `replaced_by`. Stored as that.').exactOptional(),
  tags: tags(1).describe('Use-case tags: the task types it can do.'),
  call_method: choice('API', 'Local', 'on-device', 'container').describe(
    'How it is reached. `avoid_cloud` leaves out all that is `API`.',
  ),
  provider: slug()
    .describe(
      'What speaks to it: `openai-compatible`, `anthropic`, `google`, `gguf`. Default: `gguf` where `local.path` ends in `.gguf`, else `openai-compatible`.',
    )
    .exactOptional(),
  provider_model: text(200).describe("The provider's own name of the model. Default: the slug.").exactOptional(),
  endpoint: endpoint()
    .describe(
      'Base address, with the version: `https://api.openai.com/v1`. Default with `openai`, `anthropic` and `google`, where call_method is `API`: their own.',
    )
    .exactOptional(),
  api_key: keyReference().describe('Where the worker finds the key. Absent: no key is sent.').exactOptional(),
  modalities: record({
    input: choices(1, ...modalities).describe('What it takes.'),
    output: choices(1, ...modalities).describe('What it gives.'),
  })
    .describe('What goes in and comes out. Default: by its tags, see below.')
    .exactOptional(),
  capabilities: tags(0).describe('What a task may need of it: `tools`, `json_schema`. Default: none.').exactOptional(),
  context_tokens: whole(1, maxTokens)
    .describe('Tokens that input and output together may have. Absent: unknown, not checked.')
    .exactOptional(),
  max_output_tokens: whole(1, maxTokens)
    .describe(
      'Tokens that one answer may have at most, as its vendor states it. What a caller asks for is clamped to it. It is sent by itself only to `anthropic`, which requires a maximum. Absent: unknown.',
    )
    .exactOptional(),
  max_tokens_field: choice('max_tokens', 'max_completion_tokens')
    .describe(
      'Field that carries the maximum of output tokens at `openai-compatible`. Some newer models refuse `max_tokens`. Default: `max_tokens`.',
    )
    .exactOptional(),
  prompt_cache: choice('auto', 'off')
    .describe(
      "Hints for the vendor's prompt cache: `auto` sets them after the tools, after the instructions and at the last two turns of a chat whose caller set none, at `anthropic`, and at `openai-compatible` where `pass_through` has `cache_control`; and the conversation is the key of a chat that states no `prompt_cache_key`, where the model takes one. Default: `off`.",
    )
    .exactOptional(),
  pass_through: fieldNames()
    .describe(
      'Fields of a chat beside the known ones that go to it as they are: `top_k`, `cache_control`. Default with `openai-compatible`, where call_method is not `API`: `top_k`, `min_p`, `repetition_penalty`, `chat_template_kwargs`, `guided_json`, `guided_regex`, `thinking`, `enable_thinking`; else none.',
    )
    .exactOptional(),
  base_model: text(200)
    .describe(
      'Of a fine-tuned model: the one that it was tuned from, as its maker names it. Says so and changes nothing.',
    )
    .exactOptional(),
  adapter: text(500)
    .describe('Of a fine-tuned model: where the adapter lies that made it of its base.')
    .exactOptional(),
  lineage: texts(1, 50, 500)
    .describe('Of a fine-tuned model: how it came about, oldest first: data, runs, evaluations.')
    .exactOptional(),
  benchmark: record({
    avg_latency_ms: number(0, 3_600_000).describe('Average time of a call, in milliseconds.').exactOptional(),
    accuracy: number(1, 10).describe('Rating, 1 to 10.').exactOptional(),
    cost_per_1k_tokens_usd: record({
      input: number(0, 1_000).describe('US dollars per 1,000 tokens that go in.'),
      output: number(0, 1_000).describe('US dollars per 1,000 tokens that come out.'),
    })
      .describe('Price. Absent: unknown, which is not the same as free.')
      .exactOptional(),
  })
    .describe('What is expected of it before anything was measured.')
    .exactOptional(),
  prices: prices
    .describe('What it costs, in place of `benchmark.cost_per_1k_tokens_usd`. Absent: that.')
    .exactOptional(),
  limits: record({
    max_tokens_per_call: whole(1, maxTokens).describe('Tokens of one call, input and output together.').exactOptional(),
    daily: cap.describe('Usage cap per day (UTC).').exactOptional(),
    monthly: cap.describe('Usage cap per month (UTC).').exactOptional(),
    rpm: whole(1, 1_000_000_000).describe('Calls per minute.').exactOptional(),
    tpm: whole(1, maxCount).describe('Tokens per minute.').exactOptional(),
    concurrency: whole(1, 1_024)
      .describe('Calls at once per worker process. Default: what the provider finds natural.')
      .exactOptional(),
    cooldown_seconds: number(0, 86_400)
      .describe(
        'Length of the cooldown after too many failures or a reached limit, in seconds; 0: only as long as the provider itself asks. Default: 10, longer each time.',
      )
      .exactOptional(),
  })
    .describe('Limits of its use.')
    .exactOptional(),
  style: record({
    prompt_format: prose(4_000)
      .describe(
        'How prompts for it are written. With `{system}` or `{tone}` in it, it is the template of the system prompt; otherwise a note.',
      )
      .exactOptional(),
    tone: text(200).describe('Tone it tends to.').exactOptional(),
    strengths: texts(0, 100, 500).describe('What it does well.').exactOptional(),
    quirks: texts(0, 100, 500)
      .describe('What to watch out for. `no system role` has the system prompt sent within the first message.')
      .exactOptional(),
  })
    .describe('Tone and style notes.')
    .exactOptional(),
  data_residency: choice('US', 'EU', 'Global')
    .describe('Where data stays. `Global` does not satisfy a demand for `EU`. Absent: unknown, which satisfies none.')
    .exactOptional(),
  compliance: compliance
    .describe('Standards it complies with, as its operator states. Absent: unknown, which counts as none.')
    .exactOptional(),
  security_level: choice('safe_for_sensitive', 'non_sensitive_only')
    .describe('Whether it may see sensitive data. Absent: it may not.')
    .exactOptional(),
  allowed_tasks: record({
    can_this_model_see_customer_data: yesNo().describe('Whether it may see data of customers. Absent: it may not.'),
  })
    .describe('What it may be given.')
    .exactOptional(),
  tier: choice('standard', 'premium')
    .describe('`premium` is used only at high priority. Default: `standard`.')
    .exactOptional(),
  scalable: yesNo()
    .describe(
      'Whether a worker is started for it on demand, so that there may be none: tasks of priority `normal` and `high` then wait for one, 5 minutes at most. Default: no.',
    )
    .exactOptional(),
  adaptive_timeout: yesNo()
    .describe(
      'Whether it gives way to the next model when it is silent for far longer than it usually is. Models that are not services never do. Default: yes.',
    )
    .exactOptional(),
  streaming: yesNo()
    .describe(
      'Whether it may be asked for streams. `no`: it cannot stream, or counts no usage in streams; its silence is then seen later. Default: yes.',
    )
    .exactOptional(),
  local: record({
    path: filePath().describe('Model file (`.gguf`); where relative, within the data folder.').exactOptional(),
    container: text(500).describe('Image of the container.').exactOptional(),
    port: whole(1, 65_535)
      .describe('Port that the server in the container listens on. Default: the only one it publishes.')
      .exactOptional(),
    start: yesNo()
      .describe('Whether a container is started where none of its image runs. Default: no.')
      .exactOptional(),
    stop_when_idle_seconds: whole(1, 604_800)
      .describe('A container that was started for this model is stopped after so long without a call. Default: never.')
      .exactOptional(),
    endpoint: endpoint().describe('Address of the local server or container.').exactOptional(),
    device: choice('cpu', 'gpu', 'either').describe('What it runs on.').exactOptional(),
    memory_mb: whole(1, 10_000_000)
      .describe('Memory it needs, in MiB. Default for a gguf file: what its header lets expect.')
      .exactOptional(),
    profile: record({
      tokens_per_second: number(0, 1_000_000).describe('Speed.').exactOptional(),
      accuracy: number(1, 10).describe('Rating, 1 to 10.').exactOptional(),
    })
      .describe('Speed and accuracy on this machine.')
      .exactOptional(),
    auto_healthcheck: yesNo()
      .describe(
        'Whether it gets health checks without a call. Default: yes for all but `API`, where `yes` means: after failures.',
      )
      .exactOptional(),
  })
    .describe('Local model registry: a file, a container or a server of your own.')
    .exactOptional(),
  stand_in: text(100)
    .describe('Model that follows this one wherever a route names it, so that a route ends at something that is there.')
    .exactOptional(),
};

/** What may be said by two names. */
const spelledTwice = [
  ['retired', 'retires_at'],
  ['replaced_by', 'successor'],
] as const;

/** Reads a model as an operator writes it. */
export const modelSchema = record(modelShape).transform(
  ({ retires_at, successor, ...model }, context): ModelDocument => {
    const other = { retires_at, successor };
    for (const [field, alias] of spelledTwice)
      if (model[field] !== undefined && other[alias] !== undefined)
        context.addIssue({
          code: 'custom',
          path: [alias],
          message: `is another name of ${field}, which is there; say one`,
        });
    const provider =
      model.provider ?? (model.local?.path?.toLowerCase().endsWith('.gguf') ? 'gguf' : 'openai-compatible');
    const finished: ModelDocument = {
      ...(retires_at !== undefined && { retired: retires_at }),
      ...(successor !== undefined && { replaced_by: successor }),
      ...model,
      slug: model.slug ?? slugOf(model.name),
      aliases: model.aliases ?? [],
      provider,
      capabilities: model.capabilities ?? [],
      tier: model.tier ?? 'standard',
    };
    for (const [field, message] of misfits(finished)) context.addIssue({ code: 'custom', path: [field], message });
    return finished;
  },
);

/** Fields that do not fit together. */
function misfits({
  name,
  slug,
  provider,
  endpoint,
  local,
  call_method,
  released,
  deprecated,
  retired,
}: ModelDocument): [field: string, message: string][] {
  const found: [string, string][] = [];
  if (!slugPattern.test(slug))
    found.push(['name', `${quote(name)} has no letter or digit to make a slug from; give it a slug`]);
  if (provider === 'gguf' && local?.path === undefined)
    found.push(['local', 'provider gguf needs local.path, a .gguf file']);
  const isImage = call_method === 'container' && local?.container !== undefined;
  if (provider === 'openai-compatible' && endpoint === undefined && local?.endpoint === undefined && !isImage)
    found.push(['endpoint', 'is missing; provider openai-compatible needs endpoint or local.endpoint']);
  if (
    call_method === 'container' &&
    local?.container === undefined &&
    local?.endpoint === undefined &&
    endpoint === undefined
  )
    found.push(['local', 'call_method container needs local.container or an endpoint']);
  const isBefore = (one: string | true | undefined, other: string | undefined): boolean =>
    typeof one === 'string' && other !== undefined && Date.parse(one) < Date.parse(other);
  if (isBefore(deprecated, released)) found.push(['deprecated', `${quote(deprecated)} is before released`]);
  if (isBefore(retired, released)) found.push(['retired', `${quote(retired)} is before released`]);
  if (isBefore(retired, deprecated)) found.push(['retired', `${quote(retired)} is before deprecated`]);
  return found;
}

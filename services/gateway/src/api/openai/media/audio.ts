import type { RefusedFields, TaskInput } from '@will/core';
import { z } from 'zod';
import { readFields, withoutNulls } from '../../../server/http/check-fields.ts';
import { HttpError, invalid } from '../../../server/http/errors.ts';
import { parseJsonObject } from '../../../server/http/json.ts';
import { asJson, type MediaForm, type MediaResult, type MediaAsked, type MediaKind } from './media-kind.ts';

const number = z.stringFormat('number', /^\d(\.\d+)?$/).optional();

/** A field that may stand in a form more than once, and stands there once. */
const asList = (value: unknown): unknown => (typeof value === 'string' ? [value] : value);

/** The fields of `POST /v1/audio/transcriptions` beside its file. */
export const transcriptionSchema = z.object({
  model: z.string().min(1).max(128),
  language: z.string().max(16).optional(),
  prompt: z.string().optional(),
  response_format: z.enum(['json', 'text', 'verbose_json', 'srt', 'vtt']).optional(),
  'timestamp_granularities[]': z.preprocess(asList, z.array(z.enum(['word', 'segment'])).optional()),
  temperature: number,
});

const refusedOfTranscription: RefusedFields = {
  stream: { harmless: (value) => value === 'false', instead: 'must be false: a transcript comes whole' },
};

/** OpenAI's transcriptions. */
export const transcriptions: MediaKind = recordings({});

/** OpenAI's translations: what was said, in English. */
export const translations: MediaKind = recordings({ into_english: true });

function recordings(wanted: Pick<TaskInput<'transcription'>, 'into_english'>): MediaKind {
  return {
    kind: 'transcription',
    body: { type: 'multipart/form-data', field: 'audio', read: (form) => read(form, wanted) },
  };
}

function read({ fields, fileName, fileType }: MediaForm, wanted: object): MediaAsked {
  mustStateNoAttribute(fields);
  const { body, unknown } = readFields(transcriptionSchema, refusedOfTranscription, fields);
  const { model, language, prompt, temperature, response_format: format, 'timestamp_granularities[]': times } = body;
  if (times !== undefined && format !== 'verbose_json')
    throw invalid('timestamp_granularities[] needs response_format verbose_json', 'timestamp_granularities[]');
  return {
    unknown,
    model,
    input: {
      file_name: fileName === '' ? 'audio' : fileName,
      ...(fileType !== '' && { media_type: fileType }),
      ...(language !== undefined && { language }),
      ...(prompt !== undefined && { prompt }),
      ...(temperature !== undefined && { temperature: Number(temperature) }),
      ...(format !== undefined && format !== 'json' && format !== 'text' && { format }),
      ...(times !== undefined && { timestamps: times }),
      ...wanted,
    },
    whole: ({ output, usage }) =>
      format !== undefined && format !== 'json'
        ? shownTranscript(format, output)
        : asJson({
            text: output,
            ...(usage &&
              !usage.estimated && {
                usage: {
                  type: 'tokens',
                  input_tokens: usage.inputTokens,
                  output_tokens: usage.outputTokens,
                  total_tokens: usage.inputTokens + usage.outputTokens,
                },
              }),
          }),
  };
}

/** `metadata`, or `metadata[will_client]` as libraries flatten it, is text in a form, and nobody reads it. @throws {HttpError} 400 */
function mustStateNoAttribute(fields: MediaForm['fields']): void {
  const unheard = Object.entries(fields).find(
    ([field, value]) => /^metadata/i.test(field) && /will/i.test(`${field} ${String(value)}`),
  );
  if (unheard) throw invalid(`${unheard[0].slice(0, 80)}: attributes of a form are headers x-will-*`, 'metadata');
}

/** What is no JSON of ours: the vendor's own form, as it came. */
const shownTranscript = (format: 'text' | 'verbose_json' | 'srt' | 'vtt', output: string): MediaResult =>
  format === 'verbose_json'
    ? { contentType: 'application/json; charset=utf-8', body: output }
    : { contentType: 'text/plain; charset=utf-8', body: format === 'text' ? `${output}\n` : output };

/** `POST /v1/audio/speech`. */
export const speechSchema = z.object({
  model: z.string().min(1).max(128),
  input: z.string().min(1).max(100_000),
  voice: z.string().min(1).max(128),
  response_format: z.enum(['mp3', 'opus', 'aac', 'flac', 'wav', 'pcm']).optional(),
  speed: z.number().min(0.25).max(4).optional(),
  instructions: z.string().optional(),
  metadata: z.record(z.string().max(64), z.string().max(512)).optional(),
});

const refusedOfSpeech: RefusedFields = {
  stream_format: { harmless: (value) => value === 'audio', instead: 'must be "audio"' },
};

/** OpenAI's speech. */
export const speech: MediaKind = {
  kind: 'speech',
  body: {
    type: 'application/json',
    read(bytes) {
      const { body, unknown } = readFields(speechSchema, refusedOfSpeech, withoutNulls(parseJsonObject(bytes)));
      const { speed, instructions } = body;
      return {
        unknown,
        model: body.model,
        input: {
          text: body.input,
          voice: body.voice,
          format: body.response_format ?? 'mp3',
          ...(speed !== undefined && { speed }),
          ...(instructions !== undefined && { instructions }),
        },
        ...(body.metadata && { metadata: body.metadata }),
        whole({ data, dataType }) {
          if (!data) throw new HttpError(502, 'bad_answer', 'no sound came');
          return { contentType: dataType ?? 'application/octet-stream', body: data };
        },
      };
    },
  },
};

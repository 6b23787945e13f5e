import { availableParallelism, loadavg } from 'node:os';
import { basename, resolve } from 'node:path';
import { parseDocuments, subjects, wire, writeDocument } from '@will/contracts';
import { compileSnapshot, type ModelDocument, slugOf } from '@will/core';
import { createProviders, type GgufInspection, inspectGguf, type MeasuredSpeed, measureSpeed } from '@will/providers';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { authorName, exitCodeOf, problemInWords, showApplied, waitOf } from './apply.ts';

export interface AddModelOptions {
  readonly name?: string;
  readonly tags?: readonly string[];
  readonly context?: number;
  readonly concurrency?: number;
  readonly device?: 'cpu' | 'gpu' | 'either';
  /** False: nothing is loaded. */
  readonly measure?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/**
 * `willm models add ./file.gguf`: reads what the file says, whether it fits here and how fast it is, and makes its record of that.
 * What is seen goes to stderr; with `--dry-run` the record goes to stdout, else to the registry.
 */
export async function addModelFile(terminal: Terminal, file: string, options: AddModelOptions): Promise<ExitCode> {
  const path = resolve(file);
  const concurrency = options.concurrency ?? 1;
  const seen = await inspectGguf(path, { contextTokens: options.context, concurrency });
  terminal.err(`${inWords(seen, path)}\n`);
  if (seen.neededBytes > seen.allowedBytes) {
    const smaller = seen.model.contextTokens === undefined ? '' : '; a smaller --context takes less';
    throw new CliError(exitCodes.failed, `it does not fit this machine: ${memoryInWords(seen)}${smaller}`);
  }
  const body = documentOf(terminal, path, seen, options);
  const mayTalk = options.measure !== false && !seen.model.isEmbedding;
  const speed = mayTalk ? await measured(terminal, body) : undefined;
  const document = writeDocument({ kind: 'model', body: withSpeed(body, speed) });
  if (!options.dryRun) return applyRecord(terminal, document, options);
  if (options.json) printJson(terminal, withSpeed(body, speed));
  else terminal.content(document);
  return exitCodes.success;
}

const inMib = (bytes: number): number => Math.ceil(bytes / 1024 / 1024);

const memoryInWords = ({ neededInWords, allowedBytes }: GgufInspection): string =>
  `it needs ${neededInWords}, and models may take ${inMib(allowedBytes)} MiB here`;

function inWords(seen: GgufInspection, path: string): string {
  const { name, architecture, parameters, quantisation, contextTokens, isEmbedding } = seen.model;
  const facts = [
    architecture,
    `${Math.round(parameters / 1e6)} M parameters`,
    quantisation ?? 'unknown quantisation',
    ...(contextTokens === undefined ? [] : [`trained for ${contextTokens} tokens`]),
    ...(isEmbedding ? ['makes vectors'] : []),
  ];
  return `${name ?? basename(path)}: ${facts.join(', ')}\nmemory with ${seen.contextTokens} tokens of context: ${memoryInWords(seen)}`;
}

/** The record, read back as every document is, so that it holds what the registry would make of it. */
function documentOf(
  terminal: Terminal,
  path: string,
  { model, contextTokens, neededBytes }: GgufInspection,
  { name, tags, concurrency = 1, device = 'either' }: AddModelOptions,
): ModelDocument {
  const facts = [model.architecture, `${Math.round(model.parameters / 1e6)} M parameters`, model.quantisation];
  const stated = {
    kind: 'model',
    name: name ?? nameOf(model.name, path),
    ...(model.quantisation && { version: model.quantisation }),
    tags: tags ?? [model.isEmbedding ? 'embedding' : 'text_gen'],
    call_method: 'on-device',
    provider: 'gguf',
    capabilities: model.isEmbedding ? [] : ['json_schema'],
    context_tokens: contextTokens,
    limits: { concurrency },
    style: { strengths: [facts.filter((fact) => fact !== undefined).join(', ')] },
    local: { path, device, memory_mb: inMib(neededBytes) },
  };
  const { documents, problems } = parseDocuments('the record', JSON.stringify(stated));
  for (const problem of problems) terminal.err(`${problemInWords({ ...problem, line: 0 })}\n`);
  const document = documents[0]?.document;
  if (document?.kind !== 'model') throw new CliError(exitCodes.failed, 'no record can be made of this; see above');
  return document.body;
}

const nameOf = (stated: string | undefined, path: string): string => {
  const fromFile = basename(path).replace(/\.gguf$/i, '');
  return stated !== undefined && slugOf(stated) !== '' && stated.length <= 100 ? stated : fromFile;
};

/** How often the speed is measured. */
const speedRuns = 3;
/** Runs that differ by more of their median tell of the machine and not of the model. */
const maxSpread = 0.2;
/** So much of the machine may be busy with other work. */
const maxBusy = 0.5;

interface FoundSpeed {
  readonly words: string;
  /** Undefined: the record states none. */
  readonly speed: MeasuredSpeed | undefined;
}

/** The speed of some runs: their median and spread, and none where the machine was busy. `load`: work that waits for cores. */
export function speedOf(runs: readonly MeasuredSpeed[], load: number, cores: number): FoundSpeed {
  const sorted = runs.toSorted((one, other) => one.tokensPerSecond - other.tokensPerSecond);
  const [slowest, median, fastest] = [sorted[0], sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  if (!slowest || !median || !fastest) return { words: 'it gave no answer that could be measured', speed: undefined };
  const spread = (fastest.tokensPerSecond - slowest.tokensPerSecond) / median.tokensPerSecond;
  const range = `${slowest.tokensPerSecond} to ${fastest.tokensPerSecond} in ${runs.length} runs`;
  const words = `${median.tokensPerSecond} tokens a second (${range}), the first after ${median.firstContentMs} ms`;
  // Its own threads are part of the load once it has run.
  const isBusy = load > cores * (1 + maxBusy);
  if (!isBusy && spread <= maxSpread) return { words, speed: median };
  const why = isBusy ? `the load of this machine is ${load.toFixed(1)} on ${cores} cores` : 'the runs differ too much';
  return {
    words: `${words}; ${why}, so the record states no speed: repeat it while nothing else runs, or state local.profile`,
    speed: undefined,
  };
}

async function measured(terminal: Terminal, body: ModelDocument): Promise<MeasuredSpeed | undefined> {
  const compiled = compileSnapshot(1, [{ kind: 'model', body }]);
  const model = 'snapshot' in compiled ? compiled.snapshot.models.get(body.slug) : undefined;
  const provider = createProviders({ dataDir: '.', threads: 0 }).get('gguf');
  if (!model || !provider) throw new CliError(exitCodes.failed, 'no record can be made of this file');
  const connection = await provider.open(model);
  try {
    const runs: MeasuredSpeed[] = [];
    for (let n = 0; n < speedRuns; n += 1) {
      const speed = await measureSpeed(connection);
      if (speed) runs.push(speed);
    }
    const found = speedOf(runs, loadavg()[0] ?? 0, availableParallelism());
    terminal.err(`speed: ${found.words}\n`);
    return found.speed;
  } finally {
    await connection.close();
  }
}

function withSpeed(body: ModelDocument, speed: MeasuredSpeed | undefined): ModelDocument {
  if (!speed) return body;
  return { ...body, local: { ...body.local, profile: { tokens_per_second: speed.tokensPerSecond } } };
}

async function applyRecord(terminal: Terminal, text: string, { json }: AddModelOptions): Promise<ExitCode> {
  const question = {
    files: [{ path: 'model.yaml', text }],
    note: 'willm models add',
    author: authorName(),
    waitMs: waitOf().waitMs,
  };
  const answer = await withBus(terminal, (bus) =>
    ask(
      bus,
      subjects.registry('apply'),
      [wire.ApplyRequestSchema, question],
      wire.ApplyResponseSchema,
      waitOf().timeoutMs,
    ),
  );
  if (json) printJson(terminal, answer);
  else showApplied(terminal, answer, {});
  return exitCodeOf(answer);
}

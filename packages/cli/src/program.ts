import { Argument, Command, CommanderError, Option } from 'commander';
import { maxTimeoutMs, dataClasses, modalities, unavailableModels } from '@will/core';
import { CliError, type ExitCode, exitCodes } from './cli-error.ts';
import type { AddModelOptions } from './commands/add-model.ts';
import type { AddKnownOptions } from './commands/catalogue.ts';
import type { ApplyOptions } from './commands/apply.ts';
import type { GetOptions } from './commands/get.ts';
import type { EraseLogsOptions } from './commands/erase-logs.ts';
import type { ExportLogsOptions } from './commands/export-logs.ts';
import type { ExplainOptions } from './commands/explain.ts';
import type { LogsOptions } from './commands/logs.ts';
import type { RunOptions } from './commands/run.ts';
import type { VerifyAuditOptions } from './commands/audit.ts';
import type { BusConfigOptions, BusFolderOptions } from './commands/bus.ts';
import type { CreateKeyOptions } from './commands/keys.ts';
import type { DiffOptions } from './commands/diff.ts';
import type { HistoryOptions } from './commands/history.ts';
import type { ReplayOptions } from './commands/replay.ts';
import type { RollbackOptions } from './commands/rollback.ts';
import type { RepriceOptions } from './commands/prices.ts';
import type { TopOptions } from './commands/top.ts';
import type { FeedbackOptions } from './commands/feedback.ts';
import type { ListOptions, SubmitOptions, TasksOptions } from './commands/tasks.ts';
import type { UsageOptions } from './commands/usage.ts';
import { kindsByWord, kindWords } from './kinds.ts';
import {
  fileOrKnownModel,
  isGgufFile,
  instant,
  modelName,
  named,
  statedOnce,
  taskType,
  wholeNumber,
  words,
  wordsOf,
} from './options.ts';
import type { Terminal } from './terminal.ts';

const usageWords = ['day', 'hour', 'client', 'model', 'type', 'outcome'];
const keyRoles = ['caller', 'operator', 'auditor', 'owner'];
const priorities = ['background', 'normal', 'high'];

/** Runs one command line, without `node` and script. Says everything on the terminal; never throws. */
export async function runCli(args: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const ended = { with: exitCodes.success as ExitCode };
  const program = buildProgram(terminal, (code) => {
    ended.with = code;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return ended.with;
  } catch (error) {
    return report(terminal, error);
  }
}

function report(terminal: Terminal, error: unknown): ExitCode {
  // Commander has said its own errors already; help that was asked for is none.
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.success : exitCodes.usage;
  const message = error instanceof Error ? error.message : String(error);
  terminal.err(`willm: ${message}\n`);
  return exitCodeOf(error);
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  // By its code: its class would load the bus's libraries.
  const isUnreachable = error instanceof Error && 'code' in error && error.code === 'unreachable';
  return isUnreachable ? exitCodes.unreachable : exitCodes.failed;
}

/** Commands load what they need only when they run: help and mistakes answer without the bus's libraries. */
function buildProgram(terminal: Terminal, end: (code: ExitCode) => void): Command {
  const program = new Command('willm')
    .description("Will's models: run tasks, apply documents, see what happened and why.")
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .showSuggestionAfterError()
    .hook('preAction', async (_program, command) => {
      for (let at: Command | null = command; at; at = at.parent) await namesToSlugs(terminal, at);
    })
    .addHelpText(
      'after',
      '\nThe bus is found by NATS_URL, else by .will/run.json that `npm start` writes, else on port 4222.',
    );

  withFacts(program.command('run'))
    .description('run a task and print its answer')
    .addArgument(typeArgument())
    .argument('<text>', 'what to say; "-" reads stdin')
    .option(
      '--timeout-ms <ms>',
      'for the whole task, with all attempts (default 10 minutes)',
      wholeNumber(1, maxTimeoutMs),
    )
    .option(
      '--first-token-timeout-ms <ms>',
      'how long one model may be silent before its first content',
      wholeNumber(1, maxTimeoutMs),
    )
    .option('--idle-timeout-ms <ms>', 'how long a silence within the answer may last', wholeNumber(1, maxTimeoutMs))
    .option('--fields', "the text is JSON of the task type's fields")
    .option('--stream', 'print the answer as it is made')
    .option('--json', 'print one JSON object at the end, also when the task failed')
    .action(async (type: string, text: string, options: RunOptions) => {
      const { run } = await import('./commands/run.ts');
      end(await run(terminal, type, text, options));
    });

  withFacts(program.command('submit'))
    .description('submit a durable task: it is stored, done when it is its turn, and ends exactly once')
    .addArgument(typeArgument())
    .argument('<text>', 'what to say; "-" reads stdin')
    .option('--timeout-ms <ms>', 'until its deadline (default 24 hours)', wholeNumber(1, 31 * 86_400_000))
    .option('--not-before <time>', 'not to start before: an ISO time', instant(Date.now))
    .option('--defer <schedule>', 'start while this schedule is open, or in time for the deadline: off_hours', named)
    .option('--key <key>', 'submitting again with the same key is the same task')
    .option('--wait', 'wait for its end and print the answer')
    .option('--json', 'print JSON')
    .action(async (type: string, text: string, options: SubmitOptions) => {
      const { submit } = await import('./commands/tasks.ts');
      end(await submit(terminal, type, text, options));
    });

  const tasks = program.command('tasks').description('durable tasks');
  tasks
    .command('ls')
    .description('show tasks, newest first')
    .option('--client <name>', 'of whom (default "default")', named)
    .addOption(
      new Option('--state <state>', 'in this state').choices([
        'waiting',
        'running',
        'succeeded',
        'failed',
        'cancelled',
        'expired',
      ]),
    )
    .option('--dead', 'only dead letters: tasks that were given up, and why')
    .option('--limit <n>', 'how many (default 20)', wholeNumber(1, 200))
    .option('--json', 'print JSON')
    .action(async (options: ListOptions) => {
      const { list } = await import('./commands/tasks.ts');
      end(await list(terminal, options));
    });
  const ofTask = (word: 'get' | 'wait' | 'cancel' | 'requeue', description: string): void => {
    tasks
      .command(word)
      .description(description)
      .argument('<taskId>', 'its id')
      .option('--client <name>', 'of whom (default "default")', named)
      .option('--json', 'print JSON')
      .action(async (taskId: string, options: TasksOptions) => {
        const commands = await import('./commands/tasks.ts');
        end(await commands[word](terminal, taskId, options));
      });
  };
  ofTask('get', 'show a task as it is');
  ofTask('wait', 'wait for its end and print the answer');
  ofTask('cancel', 'end a task that has not ended');
  ofTask('requeue', 'have a dead letter run anew');

  withChange(program.command('apply'))
    .description('apply documents: all of them or none')
    .requiredOption('-f, --file <path...>', 'files or folders; "-" reads stdin')
    .option('--prune', 'remove every document that the files do not name')
    .action(async (options: ApplyOptions) => {
      const { apply } = await import('./commands/apply.ts');
      end(await apply(terminal, options));
    });

  program
    .command('get')
    .description('show documents as they are in force')
    .addArgument(new Argument('<kind>', 'what to show').choices(Object.keys(kindsByWord)))
    .argument('[name]', 'one of them, whole')
    .option('--strength <words>', 'models: only those whose strengths hold these words')
    .option('--quirk <words>', 'models: only those whose quirks hold these words')
    .option('--json', 'print JSON')
    .action(async (word: string, name: string | undefined, options: GetOptions) => {
      const { get } = await import('./commands/get.ts');
      const kind = kindsByWord[word];
      if (kind) end(await get(terminal, kind, name, options));
    });

  program
    .command('validate')
    .description('check documents without a bus: each by itself, and that they fit together')
    .argument('<files...>', 'files or folders; "-" reads stdin')
    .option('--json', 'print JSON')
    .action(async (files: string[], options: { json?: boolean }) => {
      const { validate } = await import('./commands/validate.ts');
      end(await validate(terminal, files, options));
    });

  program
    .command('import')
    .description('turn the settings of another router into documents, and tell every field that has no place in them')
    .addArgument(new Argument('<from>', 'whose settings').choices(['litellm']))
    .argument('<file>', 'its config.yaml; "-" reads stdin')
    .option('--json', 'print JSON')
    .option('--strict', 'end with exit code 2 when an entry was left out')
    .action(async (_from: string, file: string, options: { json?: boolean; strict?: boolean }) => {
      const { importFrom } = await import('./commands/import.ts');
      end(await importFrom(terminal, file, options));
    });

  program
    .command('export')
    .description('write the documents in force as YAML that apply takes')
    .argument('[folder]', 'where to, a file for each document; "-" is stdout', '-')
    .addOption(new Option('--kind <kind>', 'of one kind').choices(kindWords))
    .action(async (folder: string, options: { kind?: string }) => {
      const { exportDocuments } = await import('./commands/export.ts');
      end(await exportDocuments(terminal, folder, options));
    });

  program
    .command('history')
    .description('show every version of a document, or every revision of all, newest first')
    .addArgument(new Argument('[kind]', 'of which document').choices(kindWords))
    .argument('[name]', 'its name or slug')
    .option('--limit <n>', 'how many (default 1000)', wholeNumber(1, 1_000_000))
    .option('--json', 'print JSON')
    .action(async (kind: string | undefined, name: string | undefined, options: HistoryOptions) => {
      const { history } = await import('./commands/history.ts');
      end(await history(terminal, kind, name, options));
    });

  program
    .command('diff')
    .description('show what differs between two revisions, field by field')
    .addArgument(new Argument('[kind]', 'of which document (default: of all)').choices(kindWords))
    .argument('[name]', 'its name or slug')
    .option('--from <revision>', 'the older one (default: before the document last changed)', wholeNumber(0, 1e12))
    .option('--to <revision>', 'the newer one (default: what is in force)', wholeNumber(0, 1e12))
    .option('--json', 'print JSON')
    .action(async (kind: string | undefined, name: string | undefined, options: DiffOptions) => {
      const { diff } = await import('./commands/diff.ts');
      end(await diff(terminal, kind, name, options));
    });

  withChange(program.command('rollback'))
    .description('make a new revision whose documents equal those of an old one')
    .argument('<revision>', 'the old one; `willm history` lists them', wholeNumber(1, 1e12))
    .action(async (revision: number, options: RollbackOptions) => {
      const { rollback } = await import('./commands/rollback.ts');
      end(await rollback(terminal, revision, options));
    });

  withFacts(program.command('explain'))
    .description('say which models may do such a task, in which order, and why the others may not')
    .addArgument(typeArgument())
    .option('--needs <list>', 'capabilities it needs: tools,json_schema', words)
    .option('--input <list>', 'what goes in (default text)', wordsOf(modalities))
    .option('--output <list>', 'what comes out (default text)', wordsOf(modalities))
    .option('--input-tokens <n>', 'how long the input is', wholeNumber(0, 100_000_000))
    .option('--at <time>', 'as if it were then: an ISO time', instant(Date.now))
    .option('--json', 'print JSON')
    .action(async (type: string, options: ExplainOptions) => {
      const { explain } = await import('./commands/explain.ts');
      end(await explain(terminal, type, options));
    });

  const logsCommand = withCallFilters(program.command('logs'))
    .description('show calls, newest first')
    .option('--limit <n>', 'how many (default 20)', wholeNumber(1, 1_000))
    .option('--json', 'print JSON')
    .action(async (options: LogsOptions) => {
      const { logs } = await import('./commands/logs.ts');
      end(await logs(terminal, options));
    });
  withCallFilters(logsCommand.command('export'))
    .description('write every call that fits, one line each')
    .addOption(new Option('--format <format>', 'of the lines').choices(['csv', 'jsonl']).default('csv'))
    .option('--out <file>', 'a new file (default: stdout)')
    .action(async (_: unknown, command: Command) => {
      const { exportLogs } = await import('./commands/export-logs.ts');
      // What `logs` knows too is its own, wherever it stands.
      end(await exportLogs(terminal, command.optsWithGlobals<ExportLogsOptions>()));
    });
  logsCommand
    .command('content')
    .description('show what was said in a call, of a client whose document says keep_content_hours')
    .argument('<attemptId>', 'of the call')
    .option('--json', 'print JSON')
    .action(async (attemptId: string, _: unknown, command: Command) => {
      const { content } = await import('./commands/content.ts');
      end(await content(terminal, attemptId, command.optsWithGlobals()));
    });
  logsCommand
    .command('erase')
    .description('remove the calls, events and durable tasks of a client, for good')
    .argument('<client>', 'its name or slug', named)
    .option('--yes', 'it is meant')
    .option('--json', 'print JSON')
    .action(async (client: string, _: unknown, command: Command) => {
      const { eraseLogs } = await import('./commands/erase-logs.ts');
      end(await eraseLogs(terminal, client, command.optsWithGlobals<EraseLogsOptions>()));
    });

  program
    .command('backup')
    .description('copy every store into a folder, also while services use them (WILL_DATA_DIR or WILL_MONGODB_URI)')
    .argument('<folder>', 'a new or empty one')
    .option('--json', 'print JSON')
    .action(async (folder: string, options: { json?: boolean }) => {
      const { backUp } = await import('./commands/stores.ts');
      end(await backUp(terminal, folder, options));
    });
  program
    .command('restore')
    .description('put a backup where there are no stores yet; the services must not run')
    .argument('<folder>', 'the backup')
    .option('--json', 'print JSON')
    .action(async (folder: string, options: { json?: boolean }) => {
      const { restore } = await import('./commands/stores.ts');
      end(await restore(terminal, folder, options));
    });

  program
    .command('usage')
    .description('show calls, tokens, cost and latency, out of sums that are kept of all calls')
    .option('--by <list>', 'day, hour, client, model, type, outcome (default model)', wordsOf(usageWords))
    .option(
      '--since <time>',
      'an ISO time, or a time ago: 2h, 7d (default 24h); whole hours, clients by whole days (UTC)',
      instant(Date.now),
    )
    .option('--until <time>', 'the same (default now)', instant(Date.now))
    .option('--client <name>', 'of one client', named)
    .option('--model <name>', 'of one model', named)
    .option('--type <type>', 'of one task type', taskType)
    .addOption(new Option('--outcome <outcome>', 'that ended so').choices(['Success', 'Timeout', 'Blocked']))
    .option('--json', 'print JSON')
    .action(async (options: UsageOptions) => {
      const { usage } = await import('./commands/usage.ts');
      end(await usage(terminal, options, Date.now()));
    });

  program
    .command('top')
    .description('watch models: calls in flight and of the last minute, errors, latency, tokens and cost')
    .option('--once', 'one look instead of one every second')
    .option('--json', 'one look, as JSON')
    .option('--every <ms>', 'milliseconds between two looks (default 1000)', wholeNumber(100, 60_000))
    .action(async (options: TopOptions) => {
      const { top } = await import('./commands/top.ts');
      end(await top(terminal, options));
    });

  program
    .command('feedback')
    .description('say how good the output of a task was')
    .argument('<taskId>', 'its id')
    .option('--score <n>', '1 (useless) to 10', wholeNumber(1, 10))
    .addOption(new Option('--thumbs <way>', 'in place of a score').choices(['up', 'down']))
    .option('--client <name>', 'whose task it was', named)
    .option('--json', 'print JSON')
    .action(async (taskId: string, options: FeedbackOptions) => {
      const { feedback } = await import('./commands/feedback.ts');
      end(await feedback(terminal, taskId, options));
    });

  program
    .command('limits')
    .description('show limits and budgets, and how much of each is used')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const { limits } = await import('./commands/limits.ts');
      end(await limits(terminal, options));
    });

  const models = program.command('models').description('models and where they come from');
  models
    .command('add')
    .description(
      'make the record of a model file, with what it takes and how fast it is here, or of a well-known model',
    )
    .argument('<file or name>', 'a .gguf file, or a name of the catalogue: openai/gpt-5', fileOrKnownModel)
    .option('--name <name>', 'what it is called (default: as the file says)')
    .option('--tags <list>', 'use cases (default text_gen, or embedding)', words)
    .option('--context <n>', 'tokens of context (default at most 4096)', wholeNumber(1, 100_000_000))
    .option('--concurrency <n>', 'calls at once (default 1)', wholeNumber(1, 8))
    .addOption(new Option('--device <device>', 'what it runs on (default either)').choices(['cpu', 'gpu', 'either']))
    .option('--no-measure', 'do not load it to measure its speed')
    .option('--api-key <reference>', 'where the worker finds the key of a well-known model: env://NAME, file:///path')
    .option('--dry-run', 'print the record and apply nothing')
    .option('--json', 'print JSON')
    .action(async (named: string, options: AddModelOptions & AddKnownOptions) => {
      mustFit(named, options);
      if (isGgufFile(named)) {
        const { addModelFile } = await import('./commands/add-model.ts');
        return end(await addModelFile(terminal, named, options));
      }
      const { addKnownModel } = await import('./commands/catalogue.ts');
      end(await addKnownModel(terminal, named, options, new Date()));
    });
  models
    .command('catalogue')
    .description('list well-known models to start from, with what they take and cost')
    .option('--json', 'print their records as JSON')
    .action(async (options: { json?: boolean }) => {
      const { showCatalogue } = await import('./commands/catalogue.ts');
      end(await showCatalogue(terminal, options, new Date()));
    });

  const keys = program.command('keys').description('manage API keys');
  keys
    .command('create')
    .description('make a key; it is shown once and kept only as a digest')
    .requiredOption('--client <name>', 'whose tasks it runs', named)
    .addOption(new Option('--role <role>', 'what it may do').choices(keyRoles).default('caller'))
    .option('--project <list>', 'only within these projects', words)
    .option('--type <list>', 'only tasks of these types', words)
    .addOption(new Option('--data-class <class>', 'what its data is at least').choices([...dataClasses]))
    .addOption(
      new Option(
        '--unavailable-model <what>',
        'where a task may not have the model that it names (default: as the documents say)',
      ).choices(unavailableModels),
    )
    .option('--expires <time>', 'an ISO time after which it no longer holds', instant(Date.now))
    .option('--note <text>', 'what it is for')
    .option('--json', 'print JSON')
    .action(async (options: CreateKeyOptions) => {
      const { createKey } = await import('./commands/keys.ts');
      end(await createKey(terminal, options));
    });
  keys
    .command('ls')
    .description('show keys, revoked ones too')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const { listKeys } = await import('./commands/keys.ts');
      end(await listKeys(terminal, options));
    });
  keys
    .command('revoke')
    .description('revoke a key: every server rejects it from then on')
    .argument('<id>', 'its id, as `willm keys ls` shows it')
    .option('--json', 'print JSON')
    .action(async (id: string, options: { json?: boolean }) => {
      const { revokeKey } = await import('./commands/keys.ts');
      end(await revokeKey(terminal, id, options));
    });

  const bus = program
    .command('bus')
    .description('a nats-server with users and TLS: its configuration, and who is let in');
  bus
    .command('config')
    .description('write its configuration, and a seed and a certificate for each service; what is there stays')
    .option('--folder <path>', 'where to (default: bus in the data folder)')
    .option('--host <list>', 'names and addresses that it is reached by', words)
    .option('--kubernetes', 'print Secrets for deploy/kubernetes')
    .option('--json', 'print JSON')
    .action(async (options: BusConfigOptions) => {
      const { writeBusConfig } = await import('./commands/bus.ts');
      end(await writeBusConfig(terminal, options));
    });
  const busUsers = bus.command('users').description('clients whose own programs are let in, each as its client alone');
  busUsers
    .command('add')
    .description('make a user for a client, and tell the nats-server')
    .argument('<client>', 'its slug')
    .option('--folder <path>', 'where the bus was made (default: bus in the data folder)')
    .option('--json', 'print JSON')
    .action(async (client: string, options: BusFolderOptions) => {
      const { addBusUser } = await import('./commands/bus.ts');
      end(await addBusUser(terminal, client, options));
    });
  busUsers
    .command('remove')
    .description("end a client's user: its connections are closed")
    .argument('<client>', 'its slug')
    .option('--folder <path>', 'where the bus was made (default: bus in the data folder)')
    .action(async (client: string, options: BusFolderOptions) => {
      const { removeBusUser } = await import('./commands/bus.ts');
      end(await removeBusUser(terminal, client, options));
    });
  busUsers
    .command('ls')
    .description('show clients that have a user')
    .option('--folder <path>', 'where the bus was made (default: bus in the data folder)')
    .option('--json', 'print JSON')
    .action(async (options: BusFolderOptions) => {
      const { listBusUsers } = await import('./commands/bus.ts');
      end(await listBusUsers(terminal, options));
    });

  const audit = program
    .command('audit')
    .description('what was changed and refused, each entry bound to the one before');
  audit
    .command('ls')
    .description('show entries, newest first')
    .option('--limit <n>', 'how many (default 100)', wholeNumber(1, 500))
    .option('--before <n>', 'those before this number', wholeNumber(1, 1e12))
    .option('--json', 'print JSON')
    .action(async (options: { limit?: number; before?: number; json?: boolean }) => {
      const { listAudit } = await import('./commands/audit.ts');
      end(await listAudit(terminal, options));
    });
  audit
    .command('verify')
    .description('read the whole log and tell the first entry that is not as it was written')
    .option('--anchor <file>', 'compare with the ends that WILL_AUDIT_ANCHOR keeps in a file')
    .option('--file <file>', 'verify this copy of audit.jsonl, without asking the registry')
    .option('--json', 'print JSON')
    .action(async (options: VerifyAuditOptions) => {
      const { verifyAudit } = await import('./commands/audit.ts');
      end(await verifyAudit(terminal, options));
    });

  const prices = program.command('prices').description('what models cost by their documents');
  prices
    .command('show')
    .description('show prices in dollars per million tokens')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const { showPrices } = await import('./commands/prices.ts');
      end(await showPrices(terminal, options));
    });
  prices
    .command('refresh')
    .description('put prices of the catalogue that comes with this release into the documents of models called by API')
    .option('--model <name>', 'of one model', named)
    .option('--dry-run', 'say what would change')
    .option('--json', 'print the answer as JSON')
    .action(async (options: { model?: string; dryRun?: boolean; json?: boolean }) => {
      const { refreshPrices } = await import('./commands/prices.ts');
      end(await refreshPrices(terminal, options, new Date()));
    });
  prices
    .command('reprice')
    .description('charge past calls of a model anew, at the prices that its document says now')
    .requiredOption('--model <name>', 'whose calls', named)
    .requiredOption('--since <time>', 'from when: an ISO time, or a time ago: 2h, 7d', instant(Date.now))
    .option('--until <time>', 'the same (default now)', instant(Date.now))
    .option('--json', 'print JSON')
    .action(async (options: RepriceOptions) => {
      const { reprice } = await import('./commands/prices.ts');
      end(await reprice(terminal, options));
    });

  program
    .command('status')
    .description('show live processes, their revisions, and the models served')
    .option('--json', 'print JSON')
    .action(async (options: { json?: boolean }) => {
      const { status } = await import('./commands/status.ts');
      end(await status(terminal, options));
    });

  program
    .command('replay')
    .description('make a kept decision again, from the documents of its revision or of another one')
    .argument('<id>', 'of the decision or of its task')
    .option('--revision <n>', 'what this revision would have chosen; default: its own', wholeNumber(1, 1e12))
    .option('--json', 'print JSON')
    .action(async (id: string, options: ReplayOptions) => {
      const { replay } = await import('./commands/replay.ts');
      end(await replay(terminal, id, options));
    });

  program
    .command('decision')
    .description('say why a task went where it went')
    .argument('<id>', 'of the decision or of the task')
    .option('--json', 'print JSON')
    .action(async (id: string, options: { json?: boolean }) => {
      const { decision } = await import('./commands/decision.ts');
      end(await decision(terminal, id, options));
    });

  return program;
}

const typeArgument = (): Argument =>
  new Argument('<type>', 'the task type: text_gen, code, translation, …').argParser(taskType);

/** Which calls. */
const withCallFilters = (command: Command): Command =>
  command
    .option('--client <name>', 'of one client', named)
    .option('--project <name>', 'of one project', named)
    .option('--reflex <name>', 'of one reflex', named)
    .option('--model <name>', 'of one model', named)
    .option('--type <type>', 'of one task type', taskType)
    .addOption(new Option('--outcome <outcome>', 'that ended so').choices(['Success', 'Timeout', 'Blocked']))
    .option('--task <id>', 'of one task')
    .option('--decision <id>', 'of one decision')
    .option('--since <time>', 'an ISO time, or a time ago: 15m, 2h, 7d', instant(Date.now))
    .option('--until <time>', 'the same (default now)', instant(Date.now));

/** A file is looked at and measured, a well-known model is not: what asks for the other is a mistake. */
function mustFit(model: string, options: AddModelOptions & AddKnownOptions): void {
  const { context, concurrency, device, measure, apiKey } = options;
  const wrong = isGgufFile(model)
    ? [apiKey !== undefined && '--api-key']
    : [
        context && '--context',
        concurrency && '--concurrency',
        device && '--device',
        measure === false && '--no-measure',
      ];
  const first = wrong.find((option) => typeof option === 'string');
  if (first === undefined) return;
  const what = isGgufFile(model) ? 'a well-known model' : 'a file';
  throw new CliError(exitCodes.usage, `${first} is for ${what}, and ${JSON.stringify(model)} is none`);
}

/** Options that name documents, and the commands for which these must exist. */
const nameOptions = ['client', 'project', 'reflex', 'model'] as const;
const needDocuments: ReadonlySet<string> = new Set(['run', 'submit', 'explain']);

/** Puts slugs in place of the names that a command line holds. */
async function namesToSlugs(terminal: Terminal, command: Command): Promise<void> {
  const needs = needDocuments.has(command.name());
  const said = nameOptions.flatMap((kind) => {
    const name: unknown = command.getOptionValue(kind);
    // Which model a task may have, and what a key is for, is told where that is checked.
    const isCheckedLater = (needs && kind === 'model') || command.name() === 'create';
    return typeof name === 'string' && name !== 'default' && !isCheckedLater ? [[kind, name] as const] : [];
  });
  if (said.length === 0) return;
  const { resolveNames } = await import('./resolve-names.ts');
  const found = await resolveNames(terminal, Object.fromEntries(said), needs);
  for (const [kind, slug] of Object.entries(found)) command.setOptionValue(kind, slug);
}

/** What every change of documents may be told. */
const withChange = (command: Command): Command =>
  command
    .option('--dry-run', 'check, and say what would change, also of the decisions of the last hour')
    .option('--note <text>', 'why, for the history')
    .option('--force', 'remove what keys, projects, tasks, budgets or rules depend on; take names of removed documents')
    .option('--allow-loosening', 'loosen rules on data although the settings say strict_changes')
    .option('--no-wait', 'do not wait until every live process works with the new revision')
    .option('--timeout-ms <ms>', 'how long to wait for that (default 30000)', wholeNumber(1, 600_000))
    .option('--json', 'print the answer as JSON');

/** What `run` and `explain` say of a task alike. */
const withFacts = (command: Command): Command =>
  statedOnce(
    command
      .option('--client <name>', 'for whom (default "default")', named)
      .option('--project <name>', 'within which project', named)
      .option('--reflex <name>', 'for which reflex', named)
      .addOption(new Option('--priority <priority>', 'how urgent (default normal)').choices(priorities))
      .option('--high-priority', 'priority high: premium models are allowed and tried first')
      .option(
        '--model <name>',
        'use this model: slug, name or alias; it is an error if the task may not have it',
        modelName,
      )
      .addOption(
        new Option(
          '--unavailable-model <what>',
          'where the task may not have its --model: an error, or the route answers (default error)',
        ).choices(unavailableModels),
      )
      .addOption(
        new Option('--data-class <class>', 'what the data is; can only be stricter than the documents say').choices([
          ...dataClasses,
        ]),
      )
      .option('--max-tokens <n>', 'longest output, in tokens', wholeNumber(1, 10_000_000)),
  );

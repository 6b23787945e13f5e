import { subjects, wire } from '@will/contracts';
import { CliError, type ExitCode, exitCodes } from '../cli-error.ts';
import { printJson, type Terminal } from '../terminal.ts';
import { ask, withBus } from '../with-bus.ts';
import { authorName } from './apply.ts';

/** `willm logs content`: what was said in a call of a client that has it kept. */
export async function content(
  terminal: Terminal,
  attemptId: string,
  options: { readonly json?: boolean },
): Promise<ExitCode> {
  const question = [wire.GetContentRequestSchema, { attemptId, author: authorName() }] as const;
  const answer = await withBus(terminal, (bus) =>
    ask(bus, subjects.telemetry('content'), question, wire.GetContentResponseSchema),
  );
  if (answer.error !== '' || !answer.content) throw new CliError(exitCodes.failed, answer.error);
  const { output, isCut, untilUnixMs } = answer.content;
  const input = new TextDecoder().decode(answer.content.input);
  if (options.json) {
    printJson(terminal, { ...answer.content, input });
    return exitCodes.success;
  }
  terminal.content(`${input}\n\n${output}\n`);
  const until = new Date(Number(untilUnixMs)).toISOString();
  terminal.err(`kept until ${until}${isCut ? '; only the beginnings of what was said' : ''}\n`, 'dim');
  return exitCodes.success;
}

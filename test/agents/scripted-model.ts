/** What an upstream reads of a request, in no vendor's form. */
export interface Conversation {
  readonly tools: readonly OfferedTool[];
  /** Assistant turns that called tools, oldest first. */
  readonly turns: readonly Turn[];
  /** Everything that users said. */
  readonly said: string;
}

export interface OfferedTool {
  readonly name: string;
  /** Names of its arguments; empty: it takes free text. */
  readonly parameters: readonly string[];
  readonly required: readonly string[];
  readonly types: Readonly<Record<string, string>>;
}

export interface Turn {
  readonly calls: number;
  readonly results: readonly string[];
  /** What the vendor gave with this turn's reasoning, as it came back; undefined: it did not. */
  readonly seal: string | undefined;
}

export interface Reply {
  readonly reasoning: string;
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> }[];
  /** Opaque to everybody but the vendor; it must come back with the turn. */
  readonly seal: string;
}

type Action =
  | { readonly kind: 'write'; readonly path: string; readonly content: string }
  | { readonly kind: 'run'; readonly command: string };

/** The job: two files at once, a test that fails, the fix, the test that passes. */
const plan: readonly (readonly Action[])[] = [
  [
    { kind: 'write', path: 'sum.mjs', content: 'export const sum = (a, b) => a - b;\n' },
    { kind: 'write', path: 'note.txt', content: 'sum of two numbers\n' },
  ],
  [{ kind: 'run', command: 'node check.mjs' }],
  [{ kind: 'run', command: "sed -i 's/a - b/a + b/' sum.mjs" }],
  [{ kind: 'run', command: 'node check.mjs' }],
];

export const planTurns = plan.length;
export const doneText = 'Done: the check passes.';
/** Stands in the prompt of the job, so that a client's own side questions are told apart. */
export const jobWord = 'WILL-JOB';

/** The next thing that a model which follows the plan says. */
export function nextReply({ tools, turns, said }: Conversation): Reply {
  const actions = said.includes(jobWord) && tools.length > 0 ? plan[turns.length] : undefined;
  if (!actions)
    return { reasoning: '', text: said.includes(jobWord) ? doneText : 'A short title', calls: [], seal: '' };
  return {
    reasoning: `Step ${turns.length + 1} of the plan.`,
    text: turns.length === 0 ? 'I write the file first.' : '',
    calls: actions.map((action) => callOf(action, tools)),
    seal: sealOf(turns.length),
  };
}

/** Base64, as vendors' own are. */
export const sealOf = (turn: number): string =>
  Buffer.from(`sealed reasoning of turn ${turn} `.repeat(8)).toString('base64');

function callOf(action: Action, tools: readonly OfferedTool[]): Reply['calls'][number] {
  const writer = tools.find(
    ({ name, parameters }) => /^(write|write_file|create)$/i.test(name) && parameters.includes('content'),
  );
  if (action.kind === 'write' && writer) return withArguments(writer, { path: action.path, content: action.content });
  const command = action.kind === 'run' ? action.command : `cat > ${action.path} <<'END'\n${action.content}END`;
  const runner = tools.find(({ name }) =>
    /^(bash|run_shell_command|shell|exec_command|shell_command|developer__shell|execute_command|run_commands)$/i.test(
      name,
    ),
  );
  if (!runner) throw new Error(`no tool runs a command among ${tools.map(({ name }) => name).join(', ')}`);
  return withArguments(runner, { command });
}

const synonyms: Readonly<Record<string, readonly string[]>> = {
  path: ['file_path', 'filePath', 'path', 'filepath'],
  content: ['content'],
  command: ['command', 'cmd', 'commands'],
};

function withArguments(tool: OfferedTool, given: Readonly<Record<string, string>>): Reply['calls'][number] {
  const filled: Record<string, unknown> = {};
  for (const [what, value] of Object.entries(given)) {
    const name = synonyms[what]?.find((known) => tool.parameters.includes(known));
    if (name === undefined) throw new Error(`${tool.name} takes no ${what}`);
    filled[name] = tool.types[name] !== 'array' ? value : name === 'commands' ? [value] : ['bash', '-lc', value];
  }
  for (const name of tool.required)
    if (!(name in filled))
      filled[name] = tool.types[name] === 'boolean' ? false : tool.types[name] === 'number' ? 1 : 'as planned';
  return { name: tool.name, arguments: filled };
}

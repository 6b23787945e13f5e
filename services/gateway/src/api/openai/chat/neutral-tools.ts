import { invalid } from '../../../server/http/errors.ts';
import type { ChatBody } from './chat-schema.ts';

type Tool = NonNullable<ChatBody['tools']>[number];
type Choice = NonNullable<ChatBody['tool_choice']>;

/** A function that a model may call: the only kind of tool that every model here can have. */
export type NeutralTool = Extract<Tool, { type: 'function'; function: object }>;
/** A choice among tools that every model understands. */
export type NeutralChoice = Exclude<Choice, object> | Extract<Choice, { type: 'function'; function: object }>;

/** Tools of a chat in one form for all models. */
export interface NeutralTools {
  readonly tools?: readonly NeutralTool[];
  readonly choice?: NeutralChoice;
  /** Vendors' own tools that were left out, for the notice. */
  readonly dropped: readonly string[];
}

/** The tools that models here can have. @throws {HttpError} 400: another one must be used. */
export function neutralTools({ tools = [], tool_choice: choice }: ChatBody): NeutralTools {
  if (tools.length === 0 && choice === undefined) return noTools;
  const functions = tools.filter(isFunction).map(withCacheControl);
  const dropped = tools.filter((tool) => !isFunction(tool)).map(({ type }) => `tools.${type}`);
  if (typeof choice === 'object' && choice.type === 'allowed_tools' && 'allowed_tools' in choice)
    return { ...allowedOf(choice as Allowed, functions), dropped };
  if (typeof choice === 'object' && !('function' in choice)) throw notOffered(choice.type);
  // Without a tool there is nothing to choose, and vendors refuse the word.
  if (functions.length === 0) return { dropped };
  return { tools: functions, ...(choice !== undefined && { choice: choice as NeutralChoice }), dropped };
}

const noTools: NeutralTools = { dropped: [] };

const isFunction = (tool: Tool): tool is NeutralTool => tool.type === 'function';

/** Some libraries hang the hint on the function, others on the tool. */
function withCacheControl(tool: NeutralTool): NeutralTool {
  const { cache_control: inner, ...described } = tool.function;
  return inner === undefined
    ? tool
    : { type: 'function', function: described, cache_control: tool.cache_control ?? inner };
}

type Allowed = Extract<Choice, { allowed_tools: object }>;

/** Of all tools only some may be used now: the others are not told of. */
function allowedOf(
  { allowed_tools: { mode, tools } }: Allowed,
  functions: readonly NeutralTool[],
): Omit<NeutralTools, 'dropped'> {
  const names = new Set(tools.map((tool) => nameOf(tool)));
  const allowed = functions.filter(({ function: { name } }) => names.has(name));
  if (allowed.length === 0) throw invalid('tool_choice.allowed_tools must name a function of tools', 'tool_choice');
  return { tools: allowed, choice: mode };
}

function nameOf(tool: Readonly<Record<string, unknown>>): unknown {
  const { name, function: described } = tool as { name?: unknown; function?: { name?: unknown } };
  return described?.name ?? name;
}

const notOffered = (type: string) =>
  invalid(
    `tool_choice.type ${JSON.stringify(type.slice(0, 64))} must be "function": no model here runs a vendor's own tool`,
    'tool_choice',
  );

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One coding agent as a person would set it up. */
export interface AgentClient {
  readonly name: string;
  /** npm package and version. */
  readonly package: string;
  readonly version: string;
  /** Below the folder that the package was installed in. */
  readonly program: string;
  /** Dialects that it can be set to speak. */
  readonly dialects: readonly string[];
  /** Those of them in which it sends back what a model must see again with its calls. */
  readonly returnsReasoningIn: readonly string[];
  /** Writes its settings into `home`, and says how it is started for one job. */
  setUp(job: AgentJob): Promise<{ readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> }>;
}

export interface AgentJob {
  readonly home: string;
  readonly workspace: string;
  /** Of the product, without `/v1`. */
  readonly url: string;
  readonly model: string;
  readonly dialect: string;
  readonly prompt: string;
  readonly headers: Readonly<Record<string, string>>;
}

const write = async (home: string, path: string, text: string): Promise<void> => {
  const full = join(home, path);
  await mkdir(join(full, '..'), { recursive: true });
  await writeFile(full, text);
};

const linesOf = (headers: Readonly<Record<string, string>>, between: string): string =>
  Object.entries(headers)
    .map(([name, value]) => name + between + value)
    .join('\n');

const claudeCode: AgentClient = {
  name: 'claude-code',
  package: '@anthropic-ai/claude-code',
  version: '2.1.197',
  program: `node_modules/@anthropic-ai/claude-code-${process.platform}-${process.arch}/claude`,
  dialects: ['messages'],
  returnsReasoningIn: ['messages'],
  setUp: ({ url, model, prompt, headers }) =>
    Promise.resolve({
      args: [
        '-p',
        prompt,
        '--model',
        model,
        '--allowedTools',
        'Bash',
        'Write',
        'Edit',
        'Read',
        '--output-format',
        'json',
      ],
      env: {
        ANTHROPIC_BASE_URL: url,
        ANTHROPIC_API_KEY: 'none',
        ANTHROPIC_CUSTOM_HEADERS: linesOf(headers, ': '),
        ANTHROPIC_SMALL_FAST_MODEL: model,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
        DISABLE_AUTOUPDATER: '1',
      },
    }),
};

const codex: AgentClient = {
  name: 'codex',
  package: '@openai/codex',
  version: '0.171.0',
  program: 'node_modules/.bin/codex',
  dialects: ['responses'],
  returnsReasoningIn: ['responses'],
  async setUp({ home, url, model, prompt, headers }) {
    const stated = Object.entries(headers).map(([name, value]) => `"${name}" = "${value}"`);
    await write(
      home,
      '.codex/config.toml',
      `model = "${model}"\nmodel_provider = "will"\n\n[model_providers.will]\nname = "Will"\nbase_url = "${url}/v1"\nwire_api = "responses"\nhttp_headers = { ${stated.join(', ')} }\n`,
    );
    const args = ['exec', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox', '--json', prompt];
    return { args, env: { CODEX_HOME: join(home, '.codex') } };
  },
};

const opencode: AgentClient = {
  name: 'opencode',
  package: 'opencode-ai',
  version: '1.18.33',
  program: `node_modules/opencode-${process.platform}-${process.arch}/bin/opencode`,
  dialects: ['chat', 'messages', 'responses'],
  returnsReasoningIn: ['messages'],
  async setUp({ workspace, url, model, dialect, prompt, headers }) {
    const npm = { chat: '@ai-sdk/openai-compatible', messages: '@ai-sdk/anthropic', responses: '@ai-sdk/openai' }[
      dialect
    ];
    const settings = {
      model: `will/${model}`,
      small_model: `will/${model}`,
      autoupdate: false,
      share: 'disabled',
      permission: { '*': 'allow' },
      provider: {
        will: {
          npm,
          name: 'Will',
          options: { baseURL: `${url}/v1`, apiKey: 'none', headers },
          models: { [model]: { name: model, tool_call: true, limit: { context: 200_000, output: 8_192 } } },
        },
      },
    };
    await write(workspace, 'opencode.json', JSON.stringify(settings));
    return {
      args: ['run', '--format', 'json', prompt],
      env: { OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_MODELS_FETCH: '1' },
    };
  },
};

const continueCli: AgentClient = {
  name: 'continue',
  package: '@continuedev/cli',
  version: '1.5.47',
  program: 'node_modules/.bin/cn',
  dialects: ['chat', 'messages'],
  returnsReasoningIn: ['chat'],
  async setUp({ home, url, model, dialect, prompt, headers }) {
    const settings = {
      name: 'will',
      version: '1.0.0',
      schema: 'v1',
      models: [
        {
          name: model,
          provider: dialect === 'chat' ? 'openai' : 'anthropic',
          model,
          apiBase: `${url}/v1/`,
          apiKey: 'none',
          roles: ['chat'],
          capabilities: ['tool_use'],
          requestOptions: { headers },
        },
      ],
    };
    await write(home, 'config.yaml', JSON.stringify(settings));
    return {
      args: ['-p', prompt, '--auto', '--config', join(home, 'config.yaml')],
      env: { CONTINUE_TELEMETRY_ENABLED: '0', CONTINUE_CLI_ENABLE_TELEMETRY: '0' },
    };
  },
};

export const agentClients: readonly AgentClient[] = [claudeCode, codex, opencode, continueCli];

import { documentFile, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import type { AgentUpstream } from './upstream.ts';

/** Provider families, each with its own form. */
export const families = ['openai-compatible', 'openai', 'anthropic', 'google'] as const;
export type Family = (typeof families)[number];

export const modelOf = (family: Family): string => `agent-${family}`;
/** Its like, which fails in the middle of a session and cools down afterwards. */
export const failingModelOf = (family: Family): string => `failing-${family}`;
/** What a client of AcmeLegal names and may not have. */
export const cloudModel = 'cloud-model';

const model = (name: string, family: Family, method: 'API' | 'Local', upstream: AgentUpstream): string =>
  [
    'kind: model',
    `name: ${name}`,
    'tags: [text_gen]',
    `call_method: ${method}`,
    `provider: ${family}`,
    `endpoint: ${upstream.url}/${family}/v1`,
    ...(family === 'openai-compatible' ? [] : ['api_key: env://WILL_AGENTS_KEY']),
    'capabilities: [tools, json_schema]',
    'context_tokens: 200000',
    'max_output_tokens: 32000',
    'data_residency: EU',
    'compliance: [HIPAA, GDPR]',
    'security_level: safe_for_sensitive',
    'allowed_tasks: { can_this_model_see_customer_data: yes }',
  ].join('\n');

const acmeLegal = `[client:AcmeLegal]
  unavailable_model: route
  data_rules:
    use_compliant_only: true
    avoid_cloud: true
`;

/** The product with a model of each family, one in the cloud, a route over all of them, and AcmeLegal. */
export async function startAgentWorld(upstream: AgentUpstream): Promise<System> {
  const names = families.map(modelOf);
  const system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        ...families.map((family) => model(modelOf(family), family, 'Local', upstream)),
        ...families.map((family) => model(failingModelOf(family), family, 'Local', upstream)),
        model(cloudModel, 'openai-compatible', 'API', upstream),
        routeDocument('text_gen', cloudModel, ...names),
      ),
      'acme.will': acmeLegal,
    },
    callers: ['default'],
    env: { WILL_AGENTS_KEY: 'none' },
    counts: { gateway: 1, 'provider-worker': 2 },
  });
  await system.untilServed(...names, ...families.map(failingModelOf), cloudModel);
  return system;
}

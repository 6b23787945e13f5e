/** Documents of small worlds, as an operator would write them. */
export interface ModelFields {
  readonly name: string;
  readonly callMethod?: 'API' | 'Local' | 'on-device' | 'container';
  readonly provider?: string;
  readonly endpoint?: string;
  readonly apiKey?: string;
  readonly path?: string;
  readonly tags?: string;
  readonly residency?: 'US' | 'EU' | 'Global';
  readonly compliance?: string;
  readonly securityLevel?: 'safe_for_sensitive' | 'non_sensitive_only';
  readonly seesCustomerData?: 'yes' | 'no';
  readonly concurrency?: number;
  readonly aliases?: readonly string[];
}

/** A model that may see everything, unless the fields say otherwise. */
export function modelDocument(fields: ModelFields): string {
  const lines = [
    'kind: model',
    `name: ${fields.name}`,
    `tags: [${fields.tags ?? 'text_gen'}]`,
    `call_method: ${fields.callMethod ?? 'Local'}`,
    `provider: ${fields.provider ?? 'openai-compatible'}`,
    `data_residency: ${fields.residency ?? 'EU'}`,
    `compliance: ${fields.compliance ?? '[HIPAA, GDPR]'}`,
    `security_level: ${fields.securityLevel ?? 'safe_for_sensitive'}`,
    `allowed_tasks: { can_this_model_see_customer_data: ${fields.seesCustomerData ?? 'yes'} }`,
    ...(fields.endpoint ? [`endpoint: ${fields.endpoint}`] : []),
    ...(fields.apiKey ? [`api_key: ${fields.apiKey}`] : []),
    ...(fields.path ? [`local: { path: ${fields.path} }`] : []),
    ...(fields.concurrency ? [`limits: { concurrency: ${fields.concurrency} }`] : []),
    ...(fields.aliases ? [`aliases: [${fields.aliases.map((alias) => JSON.stringify(alias)).join(', ')}]`] : []),
  ];
  return lines.join('\n');
}

/** A route in declared order. */
export const routeDocument = (taskType: string, ...models: string[]): string =>
  [
    'kind: route',
    `name: ${taskType}`,
    ...models.map((model, n) => `${n === 0 ? 'primary' : `fallback_${n}`}: ${JSON.stringify(model)}`),
  ].join('\n');

/** Clients that state nothing. */
export const callersDocument = (...names: string[]): string =>
  `clients: [${names.map((name) => `{ name: ${JSON.stringify(name)} }`).join(', ')}]\n`;

export const openByDefault = 'kind: settings\nname: global\ndefault_data_class: open';

/** One file out of several documents. */
export const documentFile = (...documents: string[]): string => `${documents.join('\n---\n')}\n`;

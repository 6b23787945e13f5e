import { type AnyDocument, compileSnapshot } from '@will/core';

/** Documents of one client, one route and some models, whose cooldowns may be short. */
export function snapshotOf(client: string, models: readonly string[], concurrency: number, cooldownSeconds?: number) {
  const documents: AnyDocument[] = models.map((slug) => ({
    kind: 'model',
    body: {
      name: slug,
      slug,
      aliases: [],
      tags: ['text_gen'],
      capabilities: [],
      tier: 'standard',
      security_level: 'safe_for_sensitive',
      allowed_tasks: { can_this_model_see_customer_data: true },
      provider: 'openai-compatible',
      call_method: 'API',
      endpoint: 'http://10.0.0.5:8000/v1',
      limits: { concurrency, ...(cooldownSeconds !== undefined && { cooldown_seconds: cooldownSeconds }) },
    },
  }));
  const steps = models.map((model, n) => ({ step: n === 0 ? 'primary' : `fallback_${n}`, model }));
  const route = { kind: 'route', body: { name: 'text_gen', slug: 'text_gen', steps, wait_ms: 20 } } as AnyDocument;
  const compiled = compileSnapshot(1, [...documents, route, { kind: 'client', body: { name: client, slug: client } }]);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.snapshot;
}

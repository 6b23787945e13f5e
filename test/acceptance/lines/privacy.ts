import assert from 'node:assert/strict';
import { type ModelFields, routeDocument } from '../../support/documents.ts';
import { answerer, rulesOf, upstreamModel } from '../asks.ts';
import type { Section } from '../line.ts';
import type { World } from '../world.ts';

const unsaid = ['data_residency', 'compliance', 'security_level', 'allowed_tasks'];

export const privacy: Section = {
  heading: 'Privacy & Compliance Tags',
  documents: (world) => [
    guarded(world, { name: 'In The US', residency: 'US' }),
    guarded(world, { name: 'Anywhere', residency: 'Global' }),
    guarded(world, { name: 'Only HIPAA', compliance: 'HIPAA' }),
    guarded(world, { name: 'Not Safe', securityLevel: 'non_sensitive_only' }),
    guarded(world, { name: 'No Customers', seesCustomerData: 'no' }),
    guarded(world, { name: 'Says Nothing' })
      .split('\n')
      .filter((text) => !unsaid.some((field) => text.startsWith(field)))
      .join('\n'),
    guarded(world, { name: 'May All' }),
    routeDocument('guarded', ...names),
    'kind: client\nname: In Europe\ndata_class: open\ndata_rules: { data_residency: EU }',
    'kind: client\nname: Doctors\ndata_class: open\ndata_rules: { use_compliant_only: true }\ncompliance: [GDPR]',
  ],
  lines: [
    {
      line: '`data_residency`: US / EU / Global',
      title: 'a client of the EU is answered in the EU alone, also when all of those fail',
      async check(world) {
        await everyFallbackKeeps(world, { client: 'in-europe' }, ['only-hipaa', 'not-safe', 'no-customers', 'may-all']);
      },
    },
    {
      line: '`compliance`: HIPAA, GDPR, none',
      title: 'a client that asks for GDPR reaches no model that states another standard or none',
      async check(world) {
        await everyFallbackKeeps(world, { client: 'doctors' }, [
          'in-the-us',
          'anywhere',
          'not-safe',
          'no-customers',
          'may-all',
        ]);
      },
    },
    {
      line: '`security_level`: safe_for_sensitive, non_sensitive_only',
      title: 'sensitive data reaches only models that are safe for it, over HTTP',
      async check(world) {
        failAll(world);
        const task = { model: 'guarded', messages: [{ role: 'user', content: 'Hello' }] };
        await world.post('/v1/chat/completions', task, { 'x-will-data-class': 'sensitive' });
        assert.deepEqual(reached(world), ['in-the-us', 'anywhere', 'only-hipaa', 'no-customers', 'may-all']);
        assert.equal((await rulesOf(world, 'guarded', { dataClass: 'sensitive' }))['not-safe'], 'security_level');
      },
    },
    {
      line: '`allowed_tasks`: can_this_model_see_customer_data: yes/no',
      title: 'data of customers reaches only models that may see it',
      async check(world) {
        await everyFallbackKeeps(world, { dataClass: 'customer' }, [
          'in-the-us',
          'anywhere',
          'only-hipaa',
          'not-safe',
          'may-all',
        ]);
      },
    },
    {
      line: 'What is not said counts as not allowed',
      title: 'a model that says nothing gets open data and nothing else',
      async check(world) {
        assert.equal(await answerer(world, 'guarded', { model: 'Says Nothing' }), 'says-nothing');
        for (const more of [
          { client: 'in-europe' },
          { client: 'doctors' },
          { dataClass: 'customer' },
          { dataClass: 'sensitive' },
        ] as const)
          assert.equal(await answerer(world, 'guarded', { model: 'Says Nothing', ...more }), 'model_not_allowed');
        assert.equal(world.upstream.countOf('says-nothing'), 1);
      },
    },
  ],
};

/** A failure of one line must not have the model cool down in the next. */
const guarded = (world: World, fields: ModelFields): string =>
  upstreamModel(world, { tags: 'guarded', ...fields }, 'limits: { cooldown_seconds: 0 }');

const names = ['In The US', 'Anywhere', 'Only HIPAA', 'Not Safe', 'No Customers', 'Says Nothing', 'May All'];
const slugs = names.map((name) => name.toLowerCase().replaceAll(' ', '-'));

/** Every model refuses its call for a reason that the next may do without, so that a task reaches all that it may. */
function failAll(world: World): void {
  for (const slug of slugs) world.upstream.script(slug, { kind: 'status', status: 500 });
}

/** Which models a task reached, in the order of the route. */
const reached = (world: World): readonly string[] => slugs.filter((slug) => world.called().includes(slug));

async function everyFallbackKeeps(
  world: World,
  task: Parameters<typeof answerer>[2],
  allowed: readonly string[],
): Promise<void> {
  failAll(world);
  assert.equal(await answerer(world, 'guarded', task), 'all_failed');
  assert.deepEqual(reached(world), allowed);
}

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dataClasses } from '../domain/data-class.ts';
import { stricterOf, type DataRequirement } from './data-requirement.ts';
import { exclusionOf, requirementOf } from './eligibility.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { client, facts, model, onDevice, openByDefault, project, snapshotOf } from '../testing/documents.ts';
import { whatWouldChange } from './would-change.ts';

const nowMs = Date.UTC(2026, 10, 23, 12);
const residency = fc.constantFrom('US', 'EU', 'Global');
const standard = fc.constantFrom('HIPAA', 'GDPR');
const requirement: fc.Arbitrary<DataRequirement> = fc
  .record({
    dataClass: fc.constantFrom(...dataClasses),
    avoidCloud: fc.boolean(),
    compliantOnly: fc.boolean(),
    standards: fc.uniqueArray(standard),
    residencies: fc.uniqueArray(residency, { maxLength: 2 }),
  })
  // Documents name standards only where they ask for compliance.
  .map(({ standards, ...asked }) => ({ ...asked, standards: asked.compliantOnly ? standards : [] }));
const models = fc.record(
  {
    data_residency: residency,
    compliance: fc.uniqueArray(standard).map((standards) => standards.map((one) => ({ standard: one }))),
    security_level: fc.constantFrom('safe_for_sensitive', 'non_sensitive_only'),
    allowed_tasks: fc.boolean().map((may) => ({ can_this_model_see_customer_data: may })),
    place: fc.constantFrom(onDevice, { endpoint: 'https://api.example.com' }),
  },
  { requiredKeys: [] },
);

test('the stricter of two requirements admits no model that either of them alone excludes, and all others', () => {
  let admitted = 0;
  fc.assert(
    fc.property(requirement, requirement, models, (then, now, { place, ...tags }) => {
      const { models: known } = snapshotOf(model('m', { ...tags, ...place }));
      const one = known.get('m');
      if (!one) throw new Error('the model was not compiled');
      const isAdmitted = (asked: DataRequirement): boolean =>
        exclusionOf(one, { ...asked, identity: undefined, premium: 'no' }, facts(), nowMs) === undefined;
      if (isAdmitted(stricterOf(then, now))) admitted += 1;
      expect(isAdmitted(stricterOf(then, now))).toBe(isAdmitted(then) && isAdmitted(now));
    }),
    { numRuns: 2_000 },
  );
  expect(admitted).toBeGreaterThan(0);
});

const acme = { avoid_cloud: true, use_compliant_only: true, data_residency: 'EU' } as const;
const strict = snapshotOf(
  openByDefault,
  model('cloud', { endpoint: 'https://api.example.com' }),
  client('acme', { data_class: 'sensitive', compliance: ['GDPR'], data_rules: acme }),
  project('night', { client: 'acme' }),
);
const loose = snapshotOf(
  openByDefault,
  model('cloud', { endpoint: 'https://api.example.com' }),
  client('acme'),
  project('night', { client: 'acme' }),
);
const ofAcme = facts({ client: 'acme', project: 'night' });

test('a floor holds where documents no longer ask for it, and documents hold where the floor does not', () => {
  const floor = requirementOf(strict, ofAcme);
  expect(requirementOf(loose, { ...ofAcme, floor })).toEqual(floor);
  expect(requirementOf(strict, { ...ofAcme, floor: requirementOf(loose, ofAcme) })).toEqual(floor);
  expect(requirementOf(loose, ofAcme)).toMatchObject({ dataClass: 'open', avoidCloud: false, residencies: [] });
});

test('no advice promises that a document could free a task from its floor', () => {
  const advised = (snapshot: Snapshot, avoidCloud: boolean): readonly string[] => {
    const floor = { ...requirementOf(loose, ofAcme), avoidCloud };
    return whatWouldChange(snapshot, { ...ofAcme, floor, model: 'cloud' }, nowMs);
  };
  const asks = snapshotOf(
    openByDefault,
    model('cloud', { ...onDevice, endpoint: 'https://api.example.com' }),
    client('acme', { data_rules: { avoid_cloud: true } }),
    project('night', { client: 'acme' }),
  );
  expect(advised(asks, false).join()).toContain('client acme did not ask for avoid_cloud');
  expect(advised(asks, true).join()).not.toContain('did not ask');
});

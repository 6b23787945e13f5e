import assert from 'node:assert/strict';
import { routeDocument } from '../../support/documents.ts';
import { answerer, candidatesOf, upstreamModel } from '../asks.ts';
import type { Section } from '../line.ts';
import { caller } from '../caller.ts';

const offHours = (zone: string): string =>
  `kind: schedule\nname: off_hours\nfrom: "21:00"\nto: "06:00"\ntime_zone: ${zone}\nprefer: local\npriorities: [background]\ntask_types: [shifts]`;

export const timeAware: Section = {
  heading: 'Time-Aware Switching',
  documents: (world) => [
    upstreamModel(world, { name: 'By Day', tags: 'shifts' }),
    upstreamModel(world, { name: 'By Night', callMethod: 'Local', tags: 'shifts' }),
    routeDocument('shifts', 'By Day', 'By Night'),
    offHours(zoneWhereItIs(12)),
    upstreamModel(world, { name: 'Premium', tags: 'tiers' }, 'tier: premium'),
    upstreamModel(world, { name: 'Standard', tags: 'tiers' }),
    routeDocument('tiers', 'Standard', 'Premium'),
  ],
  lines: [
    {
      line: 'Cheaper or local models during off-hours (background tasks after 9PM)',
      title: 'after 9 PM a background task goes to the local model, others do not, and before it none does',
      async check(world) {
        const both = async (): Promise<string[]> => [
          await answerer(world, 'shifts', { priority: 'background' }),
          await answerer(world, 'shifts'),
        ];
        assert.deepEqual(await both(), ['by-day', 'by-day']);
        assert.equal((await world.apply(offHours(zoneWhereItIs(22)))).code, 0);
        assert.deepEqual(await both(), ['by-night', 'by-day']);
        assert.equal((await world.apply(offHours('UTC'))).code, 0);
        const at = (hour: number) => ({ priority: 'background', atUnixMs: Date.UTC(2026, 10, 24, hour, 30) }) as const;
        assert.equal((await candidatesOf(world, 'shifts', at(20)))[0], 'by-day');
        assert.equal((await candidatesOf(world, 'shifts', at(21)))[0], 'by-night');
      },
    },
    {
      line: 'Premium models only when flagged as `high_priority = true`',
      title: 'a premium model answers with `high_priority: true` by HTTP, bus and command line, and never without',
      async check(world) {
        const body = { model: 'tiers', messages: [{ role: 'user', content: 'Hello' }] };
        const byHttp = async (headers: Record<string, string>): Promise<string | null> =>
          (await world.post('/v1/chat/completions', body, headers)).headers.get('x-will-model');
        world.upstream.script('standard', { kind: 'status', status: 500 });
        assert.equal(await byHttp({}), null);
        assert.equal(world.upstream.countOf('premium'), 0);
        world.forget();
        assert.equal(await byHttp({ 'x-will-high-priority': 'true' }), 'premium');
        assert.equal(await answerer(world, 'tiers', { highPriority: true }), 'premium');
        const { out } = await world.willm('run', 'tiers', 'Hello', '--client', caller, '--high-priority', '--json');
        assert.equal((JSON.parse(out) as { model: string }).model, 'premium');
      },
    },
  ],
};

/** A zone of a fixed offset in which the hour is this one now. */
function zoneWhereItIs(hour: number): string {
  const ahead = (hour - new Date().getUTCHours() + 24) % 24;
  // The signs of these names are the other way round.
  return ahead <= 12 ? `Etc/GMT-${ahead}` : `Etc/GMT+${24 - ahead}`;
}

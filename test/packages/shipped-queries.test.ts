import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { documentFile, modelDocument, openByDefault, routeDocument } from '../support/documents.ts';
import { startSystem, type System } from '../support/system.ts';
import { root } from './installed.ts';

// What dashboards, alerts and the autoscaler read, beside what the running product shows.

const files = join(root, 'deploy/helm/will/files');
let upstream: ReplayingUpstream;
let system: System;
/** Metric → names of its labels, over all processes. */
const shown = new Map<string, Set<string>>();

beforeAll(async () => {
  upstream = await startReplayingUpstream();
  system = await startSystem({
    documents: {
      'world.yaml': documentFile(
        openByDefault,
        `${modelDocument({ name: 'GPT-4', endpoint: `${upstream.url}/v1` })}\nlimits: { concurrency: 2, daily: { requests: 100 } }`,
        routeDocument('text_gen', 'GPT-4'),
      ),
    },
    callers: ['default'],
    counts: { gateway: 1, tasks: 1 },
    env: { WILL_METRICS_PORT: '0' },
  });
  await system.untilServed('gpt-4');
  await system.client.start({ type: 'text_gen', input: 'Hello' }, true, () => {});
  await fetch(`${system.httpUrl}/v1/models`);
});
afterAll(async () => {
  await system?.stop();
  await upstream?.close();
});

async function scrape(): Promise<readonly string[]> {
  for (const { metricsUrl } of system.processes.processes.values()) {
    if (metricsUrl === '') continue;
    const text = await (await fetch(`${metricsUrl}/metrics`)).text();
    for (const [, name = '', labels = ''] of text.matchAll(/^([a-z_]+)(?:\{([^}]*)\})? /gm)) {
      const known = shown.get(name) ?? new Set<string>();
      for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label);
      shown.set(name, known);
    }
  }
  return [...shown.keys()];
}

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly expr: string }[] }[];
}
interface Dashboard {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[];
}

function queries(): string[] {
  const { groups } = parse(readFileSync(join(files, 'rules.yaml'), 'utf8')) as Rules;
  const boards = readdirSync(join(files, 'dashboards')).map(
    (name) => JSON.parse(readFileSync(join(files, 'dashboards', name), 'utf8')) as Dashboard,
  );
  return [
    ...groups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
    ...boards.flatMap(({ panels }) => panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))),
  ];
}

/** There only once something went wrong, a price was known, or a model retires soon or has changed. */
const seldom =
  /^will_(model_retires_in_seconds|model_changes|fallbacks|cost_usd|cost_unknown_calls|records_dropped|model_demand)/;

test('every metric and label that a shipped query reads is shown by the running product', async () => {
  await vi.waitFor(async () => expect(await scrape()).toContain('will_limit_used_ratio'), {
    interval: 500,
  });
  let read = 0;
  for (const query of queries())
    for (const [, name = '', matchers = ''] of query.matchAll(
      /\b((?:will_|gen_ai_client_|http_server_)\w+)(?:\{([^}]*)\})?/g,
    )) {
      if (seldom.test(name) && !shown.has(name)) continue;
      expect([query, shown.has(name) && name]).toEqual([query, name]);
      for (const [, label = ''] of matchers.matchAll(/(\w+)(?:=~?|!=|!~)"/g))
        expect([query, [...(shown.get(name) ?? [])]]).toEqual([query, expect.arrayContaining([label])]);
      read += 1;
    }
  expect(read).toBeGreaterThan(40);
});

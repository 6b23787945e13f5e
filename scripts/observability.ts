// `npm run observability`: dashboards and alerts anew, into the chart.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { boards, dashboardJson } from './observability/dashboards.ts';
import { ruleGroups } from './observability/rules.ts';
import { root } from './paths.ts';

const folder = 'deploy/helm/will/files';

/** File → text, as it should be. */
export const observabilityFiles = (): ReadonlyMap<string, string> =>
  new Map([
    [`${folder}/rules.yaml`, stringify({ groups: ruleGroups }, { lineWidth: 0, aliasDuplicateObjects: false })],
    ...boards.map(
      (board) =>
        [`${folder}/dashboards/${board.uid}.json`, `${JSON.stringify(dashboardJson(board), undefined, 2)}\n`] as const,
    ),
  ]);

/** Every expression that is shipped, with names of Grafana's variables replaced. */
export const shippedQueries = (): readonly string[] =>
  [
    ...ruleGroups.flatMap(({ rules }) => rules.map(({ expr }) => expr)),
    ...boards.flatMap(({ panels }) => panels.flatMap(({ queries }) => Object.keys(queries))),
  ].map((expr) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$model', '.+'));

if (import.meta.main)
  for (const [file, text] of observabilityFiles()) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }

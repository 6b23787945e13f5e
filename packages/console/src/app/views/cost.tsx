import { useMemo } from 'preact/hooks';
import { pathOf, urlOf, useApi } from '../api.ts';
import { dollars, duration, number, percent, sumOfMoney, time } from '../format.ts';
import { Chart } from '../parts/chart.tsx';
import { Filters } from '../parts/filters.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { View } from '../parts/view.tsx';
import { useUrlState } from '../url-state.ts';
import { LimitTable } from './limit-table.tsx';
import type { ShownLimit } from './now.tsx';

interface Group {
  readonly start_unix_ms?: number;
  readonly client?: string;
  readonly model?: string;
  readonly task_type?: string;
  readonly outcome?: string;
  readonly cost_tag?: string;
  readonly calls: number;
  readonly successes: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cached_input_tokens: number;
  readonly cost_nano_usd: number;
  readonly unknown_costs: number;
  readonly saved_nano_usd: number;
  readonly p95_ms?: number;
}
interface Cost {
  readonly by: string;
  readonly from: number;
  readonly to: number;
  readonly groups: readonly Group[];
  readonly total: Group | null;
  readonly series: readonly Group[];
  readonly budgets: readonly ShownLimit[];
}

const hourMs = 3_600_000;
const dayMs = 86_400_000;
const spans: Readonly<Record<string, number>> = { day: 1, week: 7, month: 30, quarter: 90 };
const linesShown = 8;
const groupings = ['model', 'client', 'type', 'outcome', 'tag'];
/** Sums of clients and cost tags are kept apart from those of task types and outcomes. */
const ofClients = ['model', 'client', 'tag'];

/** Today and yesterday as UTC has them, since clients are counted by its days; the others end with this hour. */
function periodOf(span: string, nowMs: number): { readonly from: number; readonly to: number } {
  const today = Math.floor(nowMs / dayMs) * dayMs;
  if (span === 'today') return { from: today, to: today + dayMs };
  if (span === 'yesterday') return { from: today - dayMs, to: today };
  const to = Math.ceil(nowMs / hourMs) * hourMs;
  return { from: to - (spans[span] ?? 7) * dayMs, to };
}

const nameOf = (group: Group, by: string): string =>
  ({ client: group.client, model: group.model, type: group.task_type, outcome: group.outcome, tag: group.cost_tag })[
    by
  ] || '(none)';

export function Cost() {
  const { query } = useUrlState();
  const { span = 'week', by = 'model', ...filters } = query;
  // By the hour, so that the same address asks the same while the page is open.
  const { from, to } = periodOf(span, Date.now());
  const { data, error } = useApi<Cost>(pathOf('/cost', { ...filters, by, from, to }));
  return (
    <View title="Cost" error={error} isLoading={!data}>
      <Filters
        filters={[
          { name: 'by', title: 'By', choices: filters['client'] || filters['tag'] ? ofClients : groupings },
          { name: 'span', title: 'Over', choices: ['week', 'day', 'today', 'yesterday', 'month', 'quarter'] },
          { name: 'client', title: 'Client' },
          { name: 'model', title: 'Model' },
          ...(filters['client'] || filters['tag'] ? [] : [{ name: 'type', title: 'Task type' }]),
          { name: 'tag', title: 'Key of a cost tag' },
        ]}
      />
      {data && <CostState cost={data} span={query['span']} filters={filters} />}
    </View>
  );
}

function CostState({
  cost,
  span,
  filters,
}: {
  readonly cost: Cost;
  readonly span: string | undefined;
  readonly filters: Readonly<Record<string, string>>;
}) {
  const { by, total, groups } = cost;
  return (
    <>
      <Cards total={total} />
      <OverTime cost={cost} />
      <Table
        caption={`By ${by}, from ${time(cost.from)} to ${time(cost.to)}; the dearest first`}
        rows={groups}
        keyOf={(group) => nameOf(group, by)}
        empty="no calls."
        columns={[
          {
            title: by,
            value: (group) => <a href={narrowed(cost, by, span, filters, nameOf(group, by))}>{nameOf(group, by)}</a>,
          },
          ...figuresOf(total),
        ]}
      />
      {!filters['tag'] && (
        <p>
          <a
            href={urlOf(pathOf('/calls/export', { ...filters, from: cost.from, to: cost.to, format: 'csv' }))}
            download="calls.csv"
          >
            Export these calls as CSV
          </a>
        </p>
      )}
      <h2>Budgets</h2>
      <LimitTable caption="Budgets" limits={cost.budgets} />
    </>
  );
}

/** Columns of the sums of a group, beside the total. */
const figuresOf = (total: Group | null): readonly Column<Group>[] => [
  { title: 'Cost', value: sumOfMoney, isRight: true },
  {
    title: 'Share',
    value: ({ cost_nano_usd }) => percent(cost_nano_usd, total?.cost_nano_usd ?? 0),
    isRight: true,
  },
  { title: 'Calls', value: ({ calls }) => number(calls), isRight: true },
  { title: 'Per call', value: perCall, isRight: true },
  { title: 'Success', value: ({ calls, successes }) => percent(successes, calls), isRight: true },
  { title: 'Input tokens', value: ({ input_tokens }) => number(input_tokens), isRight: true },
  {
    title: 'Hit rate',
    value: ({ cached_input_tokens, input_tokens }) => percent(cached_input_tokens, input_tokens),
    isRight: true,
  },
  { title: 'Saved', value: ({ saved_nano_usd }) => dollars(saved_nano_usd), isRight: true },
  { title: 'Output tokens', value: ({ output_tokens }) => number(output_tokens), isRight: true },
  { title: 'Duration p95', value: ({ p95_ms }) => duration(p95_ms), isRight: true },
];

const Cards = ({ total }: Pick<Cost, 'total'>) => (
  <>
    <dl class="cards">
      <div>
        <dt>Cost</dt>
        <dd>{total ? sumOfMoney(total) : '$0'}</dd>
      </div>
      <div>
        <dt>Calls</dt>
        <dd>{number(total?.calls ?? 0)}</dd>
      </div>
      <div>
        <dt>Calls of unknown cost</dt>
        <dd>{number(total?.unknown_costs ?? 0)}</dd>
      </div>
      <div>
        <dt>Saved by caching</dt>
        <dd>{dollars(total?.saved_nano_usd ?? 0)}</dd>
      </div>
      <div>
        <dt>Input from caches</dt>
        <dd>{total ? percent(total.cached_input_tokens, total.input_tokens) : ''}</dd>
      </div>
    </dl>
    {total !== null && total.unknown_costs > 0 && (
      <p class="quiet">A + means: calls of unknown cost come on top of the sum.</p>
    )}
  </>
);

/** The mean of the calls whose cost is known. */
const perCall = ({ cost_nano_usd, calls, unknown_costs }: Group): string =>
  calls > unknown_costs ? dollars(cost_nano_usd / (calls - unknown_costs)) : '?';

/** Where a group is looked into, over the same time: of a client its models, of others their calls. */
function narrowed(
  { from, to }: Cost,
  by: string,
  span: string | undefined,
  filters: Readonly<Record<string, string>>,
  name: string,
): string {
  if (by === 'client') return pathOf('/cost', { ...filters, by: 'model', span, client: name });
  // Calls are not listed by cost tag.
  if (by === 'tag') return pathOf('/cost', { ...filters, by: 'client', span });
  return pathOf('/calls', { ...filters, [by]: name, from: localInput(from), to: localInput(to) });
}

/** An instant as a field of date and time has it. */
const localInput = (atMs: number): string => new Date(atMs).toLocaleString('sv-SE').replace(' ', 'T').slice(0, 16);

function OverTime({ cost }: { readonly cost: Cost }) {
  const { by } = cost;
  const { times, series } = useMemo(() => linesOf(cost), [cost]);
  if (times.length < 2) return null;
  return <Chart title={`Cost over time by ${by}`} times={times} series={series} show={(usd) => dollars(usd * 1e9)} />;
}

function linesOf({ series, groups, by }: Cost) {
  const times = [...new Set(series.map(({ start_unix_ms }) => start_unix_ms ?? 0))].toSorted((a, b) => a - b);
  const names = groups.slice(0, linesShown).map((group) => nameOf(group, by));
  const usdAt = new Map(
    series.map((group) => [`${group.start_unix_ms} ${nameOf(group, by)}`, group.cost_nano_usd / 1e9]),
  );
  return { times, series: names.map((name) => ({ name, values: times.map((at) => usdAt.get(`${at} ${name}`) ?? 0) })) };
}

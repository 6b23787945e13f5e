// Grafana's dashboards, out of short descriptions.

interface Panel {
  readonly title: string;
  readonly unit: string;
  /** Expression → legend. */
  readonly queries: Readonly<Record<string, string>>;
}
export interface Board {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  /** Variables: name → expression whose values it takes. */
  readonly variables?: Readonly<Record<string, string>>;
}

const quantile = (q: number, metric: string, by: string, filter = ''): string =>
  `histogram_quantile(${q}, sum by (le, ${by}) (rate(${metric}_bucket${filter}[$__rate_interval])))`;

export const boards: readonly Board[] = [
  {
    uid: 'will-overview',
    title: 'Will: overview',
    panels: [
      {
        title: 'Tasks by end',
        unit: 'ops',
        queries: { 'sum by (end) (rate(will_tasks_total[$__rate_interval]))': '{{end}}' },
      },
      {
        title: 'Budget burnt within an hour, as a multiple of what a month allows',
        unit: 'none',
        queries: {
          'will:availability:bad_ratio_1h / 0.005': 'availability',
          'max(will:first_content:bad_ratio_1h) / 0.05': 'first content',
        },
      },
      {
        title: 'First content, 95th percentile',
        unit: 's',
        queries: { [quantile(0.95, 'will_task_first_content_seconds', 'type')]: '{{type}}' },
      },
      {
        title: 'Whole tasks, 95th percentile',
        unit: 's',
        queries: { [quantile(0.95, 'will_task_duration_seconds', 'type')]: '{{type}}' },
      },
      { title: 'Tasks in flight', unit: 'none', queries: { 'sum(will_tasks_in_flight)': 'tasks' } },
      {
        title: 'Fallbacks',
        unit: 'ops',
        queries: { 'sum by (model) (rate(will_fallbacks_total[$__rate_interval]))': 'to {{model}}' },
      },
      {
        title: 'Records on their way',
        unit: 'none',
        queries: { 'sum(will_records_waiting)': 'in processes', 'max(will_events_pending)': 'in the stream' },
      },
      {
        title: 'Event loops, longest delay',
        unit: 's',
        queries: { 'max by (app) (will_loop_delay_seconds)': '{{app}}' },
      },
    ],
  },
  {
    uid: 'will-model',
    title: 'Will: a model',
    variables: { model: 'label_values(will_model_slots, model)' },
    panels: [
      {
        title: 'Calls by status',
        unit: 'ops',
        queries: { 'sum by (status) (rate(will_calls_total{model=~"$model"}[$__rate_interval]))': '{{status}}' },
      },
      {
        title: 'In flight, slots, demand',
        unit: 'none',
        queries: {
          'sum(will_model_in_flight{model=~"$model"})': 'in flight',
          'sum(will_model_slots{model=~"$model"})': 'slots',
          'sum(will_model_demand{model=~"$model"}) or vector(0)': 'demand',
        },
      },
      {
        title: 'First content',
        unit: 's',
        queries: Object.fromEntries(
          [0.5, 0.95, 0.99].map((q) => [
            quantile(
              q,
              'gen_ai_client_inference_time_to_first_chunk',
              'gen_ai_request_model',
              '{gen_ai_request_model=~"$model"}',
            ),
            `p${q * 100}`,
          ]),
        ),
      },
      {
        title: 'Whole calls',
        unit: 's',
        queries: Object.fromEntries(
          [0.5, 0.95, 0.99].map((q) => [
            quantile(q, 'gen_ai_client_inference_duration', 'gen_ai_request_model', '{gen_ai_request_model=~"$model"}'),
            `p${q * 100}`,
          ]),
        ),
      },
      {
        title: 'Tokens',
        unit: 'none',
        queries: {
          'sum(rate(gen_ai_client_inference_usage_input_tokens_total{gen_ai_request_model=~"$model"}[$__rate_interval]))':
            'input a second',
          'sum(rate(gen_ai_client_inference_usage_output_tokens_total{gen_ai_request_model=~"$model"}[$__rate_interval]))':
            'output a second',
        },
      },
      {
        title: 'Workers that serve it, and its cooldown',
        unit: 'none',
        queries: {
          'sum(will_model_served{model=~"$model"})': 'workers',
          'max(will_model_cooling_seconds{model=~"$model"})': 'seconds of cooldown left',
        },
      },
    ],
  },
  {
    uid: 'will-cost',
    title: 'Will: costs and budgets',
    panels: [
      {
        title: 'Dollars an hour, by model',
        unit: 'currencyUSD',
        queries: { 'sum by (model) (rate(will_cost_usd_total[15m])) * 3600': '{{model}}' },
      },
      {
        title: 'Calls of unknown price',
        unit: 'ops',
        queries: { 'sum by (model) (rate(will_cost_unknown_calls_total[$__rate_interval]))': '{{model}}' },
      },
      {
        title: 'Budgets of clients and projects, used share',
        unit: 'percentunit',
        queries: {
          'max by (scope, id, metric, period) (will_limit_used_ratio{scope=~"client|project"})':
            '{{scope}} {{id}} {{metric}} per {{period}}',
        },
      },
      {
        title: 'Left of them',
        unit: 'none',
        queries: {
          'min by (scope, id, metric, period) (will_limit_left{scope=~"client|project"})':
            '{{scope}} {{id}} {{metric}} per {{period}}',
        },
      },
    ],
  },
  {
    uid: 'will-durable',
    title: 'Will: durable tasks',
    panels: [
      {
        title: 'Waiting or running',
        unit: 'none',
        queries: { 'max by (priority) (will_queue_waiting)': '{{priority}}' },
      },
      {
        title: 'Age of the oldest',
        unit: 's',
        queries: { 'max by (priority) (will_queue_age_seconds)': '{{priority}}' },
      },
      { title: 'Demand for models', unit: 'none', queries: { 'sum by (model) (will_model_demand)': '{{model}}' } },
    ],
  },
  {
    uid: 'will-limits',
    title: 'Will: limits',
    panels: [
      {
        title: 'Used share',
        unit: 'percentunit',
        queries: {
          'max by (scope, id, metric, period) (will_limit_used_ratio)': '{{scope}} {{id}} {{metric}} per {{period}}',
        },
      },
      {
        title: 'Left',
        unit: 'none',
        queries: {
          'min by (scope, id, metric, period) (will_limit_left)': '{{scope}} {{id}} {{metric}} per {{period}}',
        },
      },
      { title: 'Cooldowns', unit: 's', queries: { 'max by (model) (will_model_cooling_seconds) > 0': '{{model}}' } },
    ],
  },
];

/** A dashboard as Grafana imports it: two panels in a row. */
export const dashboardJson = ({ uid, title, panels, variables = {} }: Board): object => ({
  uid,
  title,
  tags: ['will'],
  schemaVersion: 39,
  refresh: '30s',
  time: { from: 'now-1h', to: 'now' },
  templating: {
    list: [
      { name: 'datasource', type: 'datasource', query: 'prometheus' },
      ...Object.entries(variables).map(([name, query]) => ({
        name,
        type: 'query',
        datasource,
        query,
        refresh: 2,
        multi: true,
        includeAll: true,
      })),
    ],
  },
  panels: panels.map((panel, index) => ({
    id: index + 1,
    type: 'timeseries',
    title: panel.title,
    datasource,
    gridPos: { x: (index % 2) * 12, y: Math.floor(index / 2) * 8, w: 12, h: 8 },
    fieldConfig: { defaults: { unit: panel.unit, min: 0 }, overrides: [] },
    targets: Object.entries(panel.queries).map(([expr, legendFormat], at) => ({
      refId: String.fromCharCode(65 + at),
      datasource,
      expr,
      legendFormat,
    })),
  })),
});

const datasource = { type: 'prometheus', uid: '${datasource}' };

// Alerts and service-level objectives as Prometheus takes them.

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
export interface RuleGroup {
  readonly name: string;
  readonly rules: readonly Rule[];
}

/** Ends that are ours. What a rule blocked, a caller did or a budget forbade burns nothing. */
const ourFailures = 'ALL_FAILED|DEADLINE|WORKER_LOST|ROUTER_LOST|TRUNCATED|OVERLOADED|UNAVAILABLE|NO_WORKER|INTERNAL';

interface Objective {
  readonly name: string;
  /** Share that must be good. */
  readonly target: number;
  /** Share that is bad within a window; a range vector's window is `WINDOW`. */
  readonly bad: string;
  readonly summary: string;
}

/** Bound of the objective on first content: one of the histogram's own buckets. */
const firstContentBound = '2.56';

export const objectives: readonly Objective[] = [
  {
    name: 'availability',
    target: 0.995,
    bad: `sum(rate(will_tasks_total{end=~"${ourFailures}"}[WINDOW])) / sum(rate(will_tasks_total{end=~"Success|${ourFailures}"}[WINDOW]))`,
    summary: 'admitted tasks fail',
  },
  {
    name: 'first_content',
    target: 0.95,
    bad: `1 - sum by (type) (rate(will_task_first_content_seconds_bucket{le="${firstContentBound}"}[WINDOW])) / sum by (type) (rate(will_task_first_content_seconds_count[WINDOW]))`,
    summary: `answers begin later than ${firstContentBound} s`,
  },
  {
    name: 'recorded',
    target: 0.999,
    bad: 'avg_over_time((max(will_events_pending) > bool 1000)[WINDOW:30s])',
    summary: 'calls are recorded late: telemetry is behind',
  },
];

const windows = ['5m', '30m', '1h', '6h'] as const;

/** Two speeds, each with a short window beside the long one, so that an alert ends soon after its cause. */
const burns = [
  { long: '1h', short: '5m', factor: 14.4, severity: 'page' },
  { long: '6h', short: '30m', factor: 6, severity: 'ticket' },
] as const;

const seriesOf = (name: string, window: string): string => `will:${name}:bad_ratio_${window}`;

const recordings = ({ name, bad }: Objective): Rule[] =>
  windows.map((window) => ({ record: seriesOf(name, window), expr: bad.replaceAll('WINDOW', window) }));

const burnAlerts = ({ name, target, summary }: Objective): Rule[] =>
  burns.map(({ long, short, factor, severity }) => {
    const bound = `${factor} * ${Number((1 - target).toFixed(6))}`;
    return {
      alert: `WillBudgetBurns_${name}`,
      expr: `${seriesOf(name, long)} > ${bound} and ${seriesOf(name, short)} > ${bound}`,
      labels: { severity, objective: name },
      annotations: {
        summary: `${summary}; at this rate the month's budget of ${name} is gone in ${factor > 10 ? 'two days' : 'five days'}`,
      },
    };
  });

const alert = (name: string, expr: string, wait: string, severity: string, summary: string): Rule => ({
  alert: name,
  expr,
  ...(wait !== '' && { for: wait }),
  labels: { severity },
  annotations: { summary },
});

const conditions: readonly Rule[] = [
  alert(
    'WillRecordsDropped',
    'increase(will_records_dropped_total[5m]) > 0',
    '',
    'page',
    'call records were lost; the stream or NATS was not connected for too long',
  ),
  alert('WillRecordsNotStored', 'max(will_events_pending) > 1000', '5m', 'page', 'telemetry is behind or stopped'),
  alert(
    'WillOldDocuments',
    'max(will_revision) - min(will_revision) > 0 or max(will_snapshot_age_seconds) > 15',
    '1m',
    'page',
    'a process works with older documents than the registry published',
  ),
  alert(
    'WillModelCooling',
    'max by (model) (will_model_cooling_seconds) > 0',
    '10m',
    'ticket',
    '{{ $labels.model }} has been cooling down for ten minutes',
  ),
  alert(
    'WillModelNotServed',
    'max by (model) (will_model_served) == 0',
    '5m',
    'ticket',
    'no worker serves {{ $labels.model }}',
  ),
  alert(
    'WillModelChanged',
    'max by (model, signal) (increase(will_model_changes_total[1h])) > 0',
    '',
    'ticket',
    '{{ $labels.model }} answers otherwise than before ({{ $labels.signal }}); willm status says how',
  ),
  alert(
    'WillModelRetires',
    'min by (model) (will_model_retires_in_seconds) > 0',
    '1h',
    'ticket',
    '{{ $labels.model }} retires within 30 days; name its successor in routes',
  ),
  alert(
    'WillDemandNotMet',
    'sum by (model) (will_model_demand) > 20',
    '2m',
    'ticket',
    'tasks wait for {{ $labels.model }}; add workers',
  ),
  alert(
    'WillLimitNearlyUsed',
    'max by (scope, id, metric, period) (will_limit_used_ratio{period!="minute"}) > 0.9',
    '',
    'ticket',
    '{{ $labels.scope }} {{ $labels.id }}: nine tenths of {{ $labels.metric }} per {{ $labels.period }} are used',
  ),
  alert(
    'WillQueueIsOld',
    'max by (priority) (will_queue_age_seconds) > 900',
    '5m',
    'ticket',
    'the oldest durable task of {{ $labels.priority }} priority is older than a quarter of an hour',
  ),
  alert('WillNatsDisconnected', 'min(will_bus_connected) == 0', '30s', 'page', 'a process has lost NATS'),
];

export const ruleGroups: readonly RuleGroup[] = [
  { name: 'will-objectives', rules: objectives.flatMap(recordings) },
  { name: 'will-burn-rates', rules: objectives.flatMap(burnAlerts) },
  { name: 'will-conditions', rules: conditions },
];

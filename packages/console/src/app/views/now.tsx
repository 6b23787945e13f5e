import { useApi } from '../api.ts';
import { amount, duration, time } from '../format.ts';
import { Table } from '../parts/table.tsx';
import { View } from '../parts/view.tsx';

interface ChangeProblem {
  readonly severity: 'error' | 'warning';
  readonly what: string;
  readonly since_ms?: number;
  readonly until_ms?: number;
  readonly used_up_ms?: number;
  readonly whom: string;
  readonly view: string;
}
interface ModelNow {
  readonly model: string;
  readonly workers: number;
  readonly slots: number;
  readonly in_flight: number;
  readonly reason: string;
  readonly cooling_until_ms: number;
  readonly cooling_reason: string;
  readonly calls: number;
  readonly errors: number;
  readonly first_token_p95_ms?: number;
  readonly p95_ms?: number;
}
interface ProcessNow {
  readonly process_id: string;
  readonly service: string;
  readonly revision: number;
  readonly started_unix_ms: number;
  readonly is_lagging: boolean;
}
export interface ShownLimit {
  readonly scope: string;
  readonly id: string;
  readonly metric: string;
  readonly period: string;
  readonly most: number;
  readonly used: number;
  readonly period_ends_unix_ms: number;
  readonly forecast?: number;
  readonly used_up_unix_ms?: number;
}
interface Present {
  readonly at_ms: number;
  readonly revision: number | null;
  readonly problems: readonly ChangeProblem[];
  readonly models: readonly ModelNow[];
  readonly processes: readonly ProcessNow[];
  readonly limits: readonly ShownLimit[];
}

const everyMs = 5_000;

export function Now() {
  const { data, error } = useApi<Present>('/now', everyMs);
  return (
    <View title="Now" error={error} isLoading={!data}>
      {data && <PresentState present={data} />}
    </View>
  );
}

function PresentState({ present }: { readonly present: Present }) {
  const { at_ms: nowMs, problems, models, processes, revision, limits } = present;
  const inFlight = models.reduce((sum, model) => sum + model.in_flight, 0);
  return (
    <>
      <Problems problems={problems} />
      <dl class="cards">
        <Card title="Revision" value={revision === null ? 'unknown' : String(revision)} />
        <Card title="Calls in flight" value={String(inFlight)} />
        <Card title="Calls, last minute" value={String(models.reduce((sum, model) => sum + model.calls, 0))} />
        <Card title="Errors, last minute" value={String(models.reduce((sum, model) => sum + model.errors, 0))} />
      </dl>
      <Table
        caption="Models, with their calls of the last minute"
        rows={models}
        keyOf={({ model }) => model}
        columns={[
          { title: 'Model', value: ({ model }) => <a href={`/calls?model=${encodeURIComponent(model)}`}>{model}</a> },
          { title: 'State', value: (model) => <ModelState model={model} nowMs={nowMs} /> },
          { title: 'Slots in use', value: ({ in_flight, slots }) => `${in_flight} of ${slots}`, isRight: true },
          { title: 'Calls', value: ({ calls }) => calls, isRight: true },
          {
            title: 'Errors',
            value: ({ errors }) => (errors > 0 ? <span class="bad">{errors}</span> : 0),
            isRight: true,
          },
          { title: 'First token p95', value: ({ first_token_p95_ms }) => duration(first_token_p95_ms), isRight: true },
          { title: 'Duration p95', value: ({ p95_ms }) => duration(p95_ms), isRight: true },
        ]}
      />
      <h2>Processes</h2>
      <Table
        caption="Live processes"
        rows={processes}
        keyOf={({ process_id }) => process_id}
        columns={[
          { title: 'Service', value: ({ service }) => service },
          { title: 'Process', value: ({ process_id }) => process_id },
          {
            title: 'Revision',
            value: ({ revision: has, is_lagging }) =>
              is_lagging ? <span class="warn">{has}, lagging</span> : has || '',
            isRight: true,
          },
          { title: 'Up', value: ({ started_unix_ms }) => duration(nowMs - started_unix_ms), isRight: true },
        ]}
      />
      <h2>Limits above 90 %</h2>
      <Table
        caption="Limits above 90 %"
        rows={limits}
        keyOf={({ scope, id, metric, period }) => `${scope} ${id} ${metric} ${period}`}
        columns={[
          { title: 'Of', value: ({ scope, id }) => `${scope} ${id}` },
          { title: 'Used', value: ({ metric, used }) => amount(metric, used), isRight: true },
          {
            title: 'Limit',
            value: ({ metric, most, period }) => `${amount(metric, most)} per ${period}`,
            isRight: true,
          },
        ]}
      />
    </>
  );
}

const Problems = ({ problems }: Pick<Present, 'problems'>) => (
  <section aria-label="What is wrong" aria-live="polite">
    {problems.length === 0 ? (
      <p class="good">Nothing is wrong.</p>
    ) : (
      <ul class="plain">
        {problems.map((problem) => (
          <li key={problem.what} class={`problem ${problem.severity}`}>
            <strong>{problem.severity === 'error' ? 'Error' : 'Warning'}:</strong>{' '}
            <a href={problem.view}>{problem.what}</a>
            <span class="quiet">
              {' '}
              · for {problem.whom}
              {problem.since_ms !== undefined && ` · since ${time(problem.since_ms)}`}
              {problem.used_up_ms !== undefined && ` · at this pace used up ${time(problem.used_up_ms)}`}
              {problem.until_ms !== undefined && ` · until ${time(problem.until_ms)}`}
            </span>
          </li>
        ))}
      </ul>
    )}
  </section>
);

const Card = ({ title, value }: { readonly title: string; readonly value: string }) => (
  <div>
    <dt>{title}</dt>
    <dd>{value}</dd>
  </div>
);

function ModelState({ model, nowMs }: { readonly model: ModelNow; readonly nowMs: number }) {
  if (model.cooling_until_ms > nowMs)
    return (
      <span class="warn">
        cooldown for {duration(model.cooling_until_ms - nowMs)}: {model.cooling_reason}
      </span>
    );
  return model.workers > 0 ? <span class="good">served</span> : <span class="bad">not served: {model.reason}</span>;
}

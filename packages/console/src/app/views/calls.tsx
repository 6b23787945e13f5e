import { useEffect, useState } from 'preact/hooks';
import { pathOf, urlOf, useApi } from '../api.ts';
import { dollars, duration, time } from '../format.ts';
import { useLive } from '../live.ts';
import { type Filter, Filters } from '../parts/filters.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { View } from '../parts/view.tsx';
import { useUrlState } from '../url-state.ts';

export interface Call {
  readonly started_at: string;
  readonly attempt_id: string;
  readonly task_id: string;
  readonly decision_id?: string;
  readonly attempt: number;
  readonly client: string;
  readonly project?: string;
  readonly task_type: string;
  readonly model?: string;
  readonly outcome: string;
  readonly status?: string;
  readonly reason?: string;
  readonly duration_ms: number;
  readonly first_content_ms?: number;
  readonly input_tokens?: number;
  readonly output_tokens?: number;
  readonly cached_input_tokens?: number;
  readonly cost_nano_usd?: number;
  readonly http_status?: number;
}

const filters: readonly Filter[] = [
  { name: 'client', title: 'Client' },
  { name: 'project', title: 'Project' },
  { name: 'model', title: 'Model' },
  { name: 'type', title: 'Task type' },
  { name: 'outcome', title: 'Outcome', choices: ['any', 'Success', 'Timeout', 'Blocked'] },
  { name: 'task', title: 'Task' },
  { name: 'from', title: 'From', type: 'datetime-local' },
  { name: 'to', title: 'To', type: 'datetime-local' },
];
const rowsKept = 200;

export function Calls() {
  const { query, set } = useUrlState();
  const { behind, from, to, ...rest } = query;
  const asked = { ...rest, from: instant(from), to: instant(to) };
  const { data, error } = useApi<{ calls: readonly Call[]; next?: string }>(pathOf('/calls', { ...asked, behind }));
  const fresh = useFreshCalls(pathOf('/events', rest), !behind && !from && !to, data?.calls ?? []);
  return (
    <View title="Calls" error={error} isLoading={!data}>
      <Filters filters={filters} onChange={{ behind: '' }} />
      {data && (
        <Table caption="Calls, newest first" rows={fresh} keyOf={({ attempt_id }) => attempt_id} columns={columns} />
      )}
      <p>
        {behind && (
          <button type="button" onClick={() => set({ behind: '' })}>
            Newest
          </button>
        )}{' '}
        {data?.next && (
          <button type="button" onClick={() => set({ behind: data.next ?? '' })}>
            Older
          </button>
        )}{' '}
        <a href={urlOf(pathOf('/calls/export', { ...asked, format: 'csv' }))} download="calls.csv">
          Export as CSV
        </a>
      </p>
    </View>
  );
}

/** The page with the calls that ended since, while the newest ones are shown. */
function useFreshCalls(path: string, isLive: boolean, page: readonly Call[]): readonly Call[] {
  const [fresh, setFresh] = useState<readonly Call[]>([]);
  useEffect(() => setFresh([]), [page]);
  useLive<Call>(isLive ? path : undefined, 'call', (calls) =>
    setFresh((before) => {
      const newest = new Map([...before.toReversed(), ...calls].map((call) => [call.attempt_id, call]));
      return [...newest.values()].toReversed().slice(0, rowsKept);
    }),
  );
  const known = new Set(fresh.map(({ attempt_id }) => attempt_id));
  return [...fresh, ...page.filter(({ attempt_id }) => !known.has(attempt_id))].slice(0, rowsKept);
}

const instant = (local: string | undefined): string | undefined => (local ? new Date(local).toISOString() : undefined);

const columns: readonly Column<Call>[] = [
  { title: 'Time', value: ({ started_at, task_id }) => <a href={`/tasks/${task_id}`}>{time(started_at)}</a> },
  { title: 'Client', value: ({ client, project }) => (project ? `${client} / ${project}` : client) },
  { title: 'Task type', value: ({ task_type }) => task_type },
  { title: 'Model', value: ({ model }) => model ?? 'none' },
  { title: 'Outcome', value: (call) => <Outcome call={call} /> },
  { title: 'Duration', value: ({ duration_ms }) => duration(duration_ms), isRight: true },
  { title: 'First token', value: ({ first_content_ms }) => duration(first_content_ms), isRight: true },
  { title: 'In', value: ({ input_tokens }) => input_tokens ?? '', isRight: true },
  { title: 'Out', value: ({ output_tokens }) => output_tokens ?? '', isRight: true },
  { title: 'Cost', value: ({ cost_nano_usd }) => dollars(cost_nano_usd), isRight: true },
  {
    title: 'Why',
    value: ({ decision_id, task_id }) => (
      <a href={`/why/${decision_id || task_id}`} aria-label={`Why task ${task_id} went there`}>
        why
      </a>
    ),
  },
];

export function Outcome({ call }: { readonly call: Call }) {
  const { outcome, status, reason } = call;
  const words = status && status !== outcome ? `${outcome} (${status})` : outcome;
  return (
    <span class={outcome === 'Success' ? 'good' : 'bad'}>
      {words}
      {reason ? <span class="quiet"> {reason}</span> : null}
    </span>
  );
}

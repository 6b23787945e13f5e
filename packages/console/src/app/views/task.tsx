import { useRoute } from 'preact-iso';
import { useApi } from '../api.ts';
import { dollars, duration, sumOfMoney, time } from '../format.ts';
import { type Column, Table } from '../parts/table.tsx';
import { View } from '../parts/view.tsx';
import { type Call, Outcome } from './calls.tsx';
import { type Decision, DecisionState } from './decision.tsx';

interface TaskAnswer {
  readonly task_id: string;
  readonly attempts: readonly Call[];
  readonly decision: Decision | null;
}

/** One task: its attempts as a waterfall, what it cost with all of them, and its decision. */
export function Task() {
  const { params } = useRoute();
  const id = params['id'] ?? '';
  const { data, error } = useApi<TaskAnswer>(`/tasks/${encodeURIComponent(id)}`);
  return (
    <View title={`Task ${id}`} error={error} isLoading={!data}>
      {data && (
        <>
          <Attempts attempts={data.attempts} />
          {data.decision && (
            <>
              <h2>Why</h2>
              <DecisionState decision={data.decision} />
            </>
          )}
        </>
      )}
    </View>
  );
}

function Attempts({ attempts }: { readonly attempts: readonly Call[] }) {
  const startMs = Math.min(...attempts.map(({ started_at }) => Date.parse(started_at)));
  const endMs = Math.max(...attempts.map((call) => Date.parse(call.started_at) + call.duration_ms));
  const costs = attempts.map(({ cost_nano_usd }) => cost_nano_usd);
  const known = costs.reduce<number>((sum, cost) => sum + (cost ?? 0), 0);
  const unknown = costs.filter((cost) => cost === undefined).length;
  const [first] = attempts;
  const columns: readonly Column<Call>[] = [
    { title: 'Attempt', value: ({ attempt, model }) => `${attempt}. ${model ?? 'no model'}` },
    { title: 'Outcome', value: (call) => <Outcome call={call} /> },
    { title: 'When', value: (call) => <Bar call={call} startMs={startMs} spanMs={Math.max(1, endMs - startMs)} /> },
    { title: 'First token', value: ({ first_content_ms }) => duration(first_content_ms), isRight: true },
    { title: 'Duration', value: ({ duration_ms }) => duration(duration_ms), isRight: true },
    { title: 'In', value: ({ input_tokens }) => input_tokens ?? '', isRight: true },
    { title: 'Cached', value: ({ cached_input_tokens }) => cached_input_tokens ?? '', isRight: true },
    { title: 'Out', value: ({ output_tokens }) => output_tokens ?? '', isRight: true },
    { title: 'Cost', value: ({ cost_nano_usd }) => dollars(cost_nano_usd), isRight: true },
  ];
  return (
    <>
      {first && (
        <p>
          {first.task_type} for client <strong>{first.client}</strong>
          {first.project ? `, project ${first.project}` : ''}, {time(first.started_at)}, in all{' '}
          {duration(endMs - startMs)} and{' '}
          {sumOfMoney({ cost_nano_usd: known, unknown_costs: unknown, calls: costs.length })}.
        </p>
      )}
      <Table caption="Attempts" rows={attempts} keyOf={({ attempt_id }) => attempt_id} columns={columns} />
    </>
  );
}

/** Grey until the first token, coloured while the answer came. */
function Bar({ call, startMs, spanMs }: { readonly call: Call; readonly startMs: number; readonly spanMs: number }) {
  const percent = (ms: number): string => `${(100 * ms) / spanMs}%`;
  const offset = Date.parse(call.started_at) - startMs;
  const waited = call.first_content_ms ?? call.duration_ms;
  const isGood = call.outcome === 'Success';
  return (
    <div
      class="bar"
      role="img"
      aria-label={`begins after ${duration(offset) || '0 ms'}, takes ${duration(call.duration_ms)}`}
    >
      <span class={isGood ? 'wait' : 'bad'} style={{ left: percent(offset), width: percent(waited) }} />
      <span
        class={isGood ? '' : 'bad'}
        style={{ left: percent(offset + waited), width: percent(Math.max(0, call.duration_ms - waited)) }}
      />
    </div>
  );
}

import { useState } from 'preact/hooks';
import { pathOf, post, useApi } from '../api.ts';
import { dollars, duration, time } from '../format.ts';
import { Filters } from '../parts/filters.tsx';
import { Table } from '../parts/table.tsx';
import { View } from '../parts/view.tsx';
import { session } from '../session.ts';
import { useUrlState } from '../url-state.ts';

interface DurableTask {
  readonly task_id: string;
  readonly client: string;
  readonly type: string;
  readonly priority: string;
  readonly state: string;
  readonly created_unix_ms: number;
  readonly deadline_unix_ms: number;
  readonly finished_unix_ms?: number;
  readonly starts_unix_ms?: number;
  readonly waits_for?: string;
  readonly pickups: number;
  readonly dead_reason?: string;
  readonly answered_by?: string;
  readonly cost_nano_usd?: number;
  readonly failure?: { readonly code: string; readonly message: string };
}

export function Durable() {
  const { query } = useUrlState();
  const { data, error, reload } = useApi<{ tasks: readonly DurableTask[]; clients_left_out: number }>(
    pathOf('/durable-tasks', query),
    5_000,
  );
  const [failure, setFailure] = useState<Error>();
  const change = (task: DurableTask, word: 'cancel' | 'requeue'): void => {
    post(pathOf(`/durable-tasks/${task.task_id}/${word}`, { client: task.client }), {}).then(reload, setFailure);
  };
  return (
    <View title="Durable tasks" error={failure ?? error} isLoading={!data}>
      <Filters
        filters={[
          { name: 'client', title: 'Client' },
          {
            name: 'state',
            title: 'State',
            choices: ['any', 'waiting', 'running', 'succeeded', 'failed', 'cancelled', 'expired'],
          },
          { name: 'dead', title: 'Dead letters alone', choices: ['no', 'true'] },
        ]}
      />
      {data && data.clients_left_out > 0 && (
        <p class="warn">{data.clients_left_out} clients are not asked: name one to see its tasks.</p>
      )}
      {data && (
        <Table
          caption="Durable tasks, newest first"
          rows={data.tasks}
          keyOf={({ task_id }) => task_id}
          columns={[
            { title: 'Task', value: (task) => <Task task={task} /> },
            { title: 'Client', value: ({ client }) => client },
            { title: 'Type', value: ({ type, priority }) => `${type}, ${priority}` },
            { title: 'State', value: (task) => <State task={task} /> },
            { title: 'Starts', value: ({ starts_unix_ms }) => time(starts_unix_ms) },
            { title: 'Created', value: ({ created_unix_ms }) => time(created_unix_ms) },
            { title: 'Deadline', value: ({ deadline_unix_ms }) => time(deadline_unix_ms) },
            {
              title: 'Took',
              value: ({ created_unix_ms, finished_unix_ms }) =>
                finished_unix_ms === undefined ? '' : duration(finished_unix_ms - created_unix_ms),
              isRight: true,
            },
            { title: 'Pickups', value: ({ pickups }) => pickups, isRight: true },
            {
              title: 'Cost',
              value: ({ answered_by, cost_nano_usd }) => (answered_by ? dollars(cost_nano_usd) : ''),
              isRight: true,
            },
            { title: 'Change', value: (task) => <Changes task={task} change={change} /> },
          ]}
        />
      )}
    </View>
  );
}

/** What has not run has no calls to look at. */
const Task = ({ task: { task_id, pickups, waits_for } }: { readonly task: DurableTask }) =>
  pickups > 0 || waits_for !== undefined ? <a href={`/tasks/${task_id}`}>{task_id}</a> : <>{task_id}</>;

function State({ task }: { readonly task: DurableTask }) {
  const why = task.dead_reason ?? task.failure?.message ?? waitsFor(task);
  return (
    <>
      <span
        class={task.state === 'succeeded' ? 'good' : task.state === 'failed' || task.state === 'expired' ? 'bad' : ''}
      >
        {task.state}
      </span>
      {why ? <span class="quiet"> {why}</span> : null}
      {task.answered_by ? <span class="quiet"> by {task.answered_by}</span> : null}
    </>
  );
}

function waitsFor({ state, starts_unix_ms, waits_for }: DurableTask): string | undefined {
  if (state !== 'waiting') return undefined;
  return waits_for ?? (starts_unix_ms === undefined ? 'in the queue' : 'for its time');
}

function Changes({
  task,
  change,
}: {
  readonly task: DurableTask;
  readonly change: (task: DurableTask, word: 'cancel' | 'requeue') => void;
}) {
  if (session.value?.role === 'auditor') return null;
  if (task.dead_reason)
    return (
      <button type="button" onClick={() => change(task, 'requeue')}>
        Requeue
      </button>
    );
  return task.finished_unix_ms === undefined ? (
    <button type="button" onClick={() => change(task, 'cancel')}>
      Cancel
    </button>
  ) : null;
}

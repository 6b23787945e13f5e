import { useState } from 'preact/hooks';
import { post } from '../api.ts';
import { count, dollars, duration } from '../format.ts';
import { Table } from '../parts/table.tsx';

interface Move {
  readonly task_type: string;
  readonly client: string;
  readonly project: string;
  readonly from: string;
  readonly to: string;
  readonly data_class_before: string;
  readonly data_class_after: string;
  readonly tasks: number;
  readonly before_nano_usd: number;
  readonly after_nano_usd: number;
  readonly before_ms?: number;
  readonly after_ms?: number;
}
interface Previewed {
  readonly tasks: number;
  readonly moved: number;
  readonly refused: number;
  readonly admitted: number;
  readonly before_nano_usd: number;
  readonly after_nano_usd: number;
  readonly unknown_costs: number;
  readonly is_partial: boolean;
  readonly moves: readonly Move[];
}

/** Replays the recorded decisions of a window under the documents of an editor. */
export function Preview({ path, text }: { readonly path: string; readonly text: string }) {
  const [window, setWindow] = useState('day');
  const [previewed, setPreviewed] = useState<Previewed>();
  const [error, setError] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const replay = (): void => {
    setIsBusy(true);
    post<Previewed>('/what-if', { files: [{ path, text }], window })
      .then(
        (answer) => {
          setError('');
          setPreviewed(answer);
        },
        (failure: Error) => setError(failure.message),
      )
      .finally(() => setIsBusy(false));
  };
  return (
    <>
      <form class="fields" onSubmit={(event) => event.preventDefault()}>
        <label>
          Recorded tasks of the last
          <select value={window} onChange={(event) => setWindow(event.currentTarget.value)}>
            {['hour', 'day', 'week'].map((word) => (
              <option key={word}>{word}</option>
            ))}
          </select>
        </label>
        <button type="button" disabled={isBusy} onClick={replay}>
          Preview moves and money
        </button>
        {isBusy && <progress aria-label="Replaying" />}
      </form>
      <div aria-live="polite">
        {error && <p class="bad">{error}</p>}
        {previewed && <PreviewState previewed={previewed} />}
      </div>
    </>
  );
}

function PreviewState({ previewed }: { readonly previewed: Previewed }) {
  const { tasks, moved, refused, admitted, is_partial: isPartial, unknown_costs: unknown, moves } = previewed;
  return (
    <>
      <p>
        {isPartial && 'The newest '}
        {count(tasks, 'task')} replayed: <strong>{moved} move</strong>, {refused} refused, {admitted} admitted. Cost by
        the documents in force {dollars(previewed.before_nano_usd)}, by these{' '}
        <strong>{dollars(previewed.after_nano_usd)}</strong>
        {unknown > 0 && `, without ${count(unknown, 'task')} of unknown cost`}.
      </p>
      <Table
        caption="Tasks that move"
        rows={moves}
        keyOf={(move) => JSON.stringify(move)}
        columns={[
          { title: 'Tasks', value: (move) => `${move.tasks} × ${move.task_type}` },
          { title: 'Client', value: ({ client, project }) => (project ? `${client} / ${project}` : client) },
          { title: 'From', value: ({ from }) => from || 'refused' },
          { title: 'To', value: ({ to }) => to || <span class="bad">refused</span> },
          { title: 'Cost before', value: ({ before_nano_usd }) => dollars(before_nano_usd), isRight: true },
          { title: 'Cost after', value: ({ after_nano_usd }) => dollars(after_nano_usd), isRight: true },
          { title: 'Took', value: ({ before_ms }) => duration(before_ms), isRight: true },
          { title: 'Expected', value: ({ after_ms }) => duration(after_ms), isRight: true },
          {
            title: 'Data class',
            value: ({ data_class_before, data_class_after }) =>
              data_class_before === data_class_after ? data_class_after : `${data_class_before} → ${data_class_after}`,
          },
        ]}
      />
    </>
  );
}

import { pathOf, urlOf, useApi } from '../api.ts';
import { number, time } from '../format.ts';
import { Filters } from '../parts/filters.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { View } from '../parts/view.tsx';
import { useUrlState } from '../url-state.ts';
import type { Source } from './decision.tsx';

const dayMs = 86_400_000;

interface Broken {
  readonly rule: string;
  readonly detail: string;
  readonly sources: readonly Source[];
}
interface Row {
  readonly client: string;
  readonly project?: string;
  readonly requirement: { readonly data_class: string };
  readonly cells: readonly (readonly Broken[] | null)[];
}
interface Place {
  readonly slug: string;
  readonly data_residency?: string;
  readonly call_method: string;
}
interface Matrix {
  readonly revision: number;
  readonly models: readonly Place[];
  /** Of every model, also of those that the filter leaves out. */
  readonly places: readonly Place[];
  readonly rows: readonly Row[];
  readonly next?: number;
}

/** Shows who may see whose data: each cell is free, or names the rules that forbid it. */
export function Data() {
  const { query, set } = useUrlState();
  const { over: _over, ...asked } = query;
  const { data, error } = useApi<Matrix>(pathOf('/data', asked));
  return (
    <View title="Data" error={error} isLoading={!data}>
      <Filters
        filters={[
          { name: 'client', title: 'Client' },
          { name: 'model', title: 'Model' },
        ]}
        onChange={{ page: '' }}
      />
      {data && <MatrixTable matrix={data} />}
      {data && <Proof matrix={data} />}
      {data?.next !== undefined && (
        <button type="button" onClick={() => set({ page: String(data.next) })}>
          Next clients
        </button>
      )}
    </View>
  );
}

const periods: Readonly<Record<string, string>> = {
  yesterday: 'yesterday (UTC)',
  today: 'today (UTC)',
  week: 'the last 7 days',
  month: 'the last 30 days',
};

const days: Readonly<Record<string, number>> = { today: 1, week: 7, month: 30 };

/** Days as UTC has them, since calls of clients are counted by its days. */
function periodOf(chosen: string): { readonly from: number; readonly to: number } {
  const tonight = Math.ceil(Date.now() / dayMs) * dayMs;
  if (chosen === 'yesterday') return { from: tonight - 2 * dayMs, to: tonight - dayMs };
  return { from: tonight - (days[chosen] ?? 1) * dayMs, to: tonight };
}

/** Where a client's calls ran, and the signed report that proves it. Without a client there is nothing to report. */
function Proof({ matrix }: { readonly matrix: Matrix }) {
  const { query, set } = useUrlState();
  const { client, over = 'month' } = query;
  if (!client) return <p class="quiet">Choose a client to see, and to prove, where its calls ran.</p>;
  return (
    <>
      <h2>Where its calls ran</h2>
      <Period client={client} over={over} onChange={(value) => set({ over: value })} />
      <Ran matrix={matrix} path={pathOf('/cost', { client, by: 'model', ...periodOf(over) })} />
      <p class="quiet">
        The proof holds every sealed call with its model, rule and place, signed; an hour is sealed once it is over.
        Anyone checks it offline: <code>willm prove verify proof.jsonl --audit audit.jsonl</code>
      </p>
    </>
  );
}

const Period = ({
  client,
  over,
  onChange,
}: {
  readonly client: string;
  readonly over: string;
  readonly onChange: (over: string) => void;
}) => (
  <p class="fields">
    <label>
      Calls of
      <select value={over} onChange={(event) => onChange(event.currentTarget.value)}>
        {Object.entries(periods).map(([value, words]) => (
          <option key={value} value={value}>
            {words}
          </option>
        ))}
      </select>
    </label>
    <a class="button" href={urlOf(pathOf('/proof', { client, ...periodOf(over) }))} download={`proof-${client}.jsonl`}>
      Prove where they ran
    </a>
  </p>
);

interface RanAt {
  readonly model: string;
  readonly calls: number;
}

const ranColumns = (places: ReadonlyMap<string, Place>): readonly Column<RanAt>[] => [
  { title: 'Model', value: ({ model }) => model || 'refused before any call' },
  { title: 'Call method', value: ({ model }) => places.get(model)?.call_method ?? '' },
  {
    title: 'Residency',
    value: ({ model }) => (model ? (places.get(model)?.data_residency ?? 'unknown') : ''),
  },
  { title: 'Calls', value: ({ calls }) => number(calls), isRight: true },
];

function Ran({ matrix, path }: { readonly matrix: Matrix; readonly path: string }) {
  const { data, error } = useApi<{ groups: readonly RanAt[]; from: number; to: number }>(path);
  const places = new Map(matrix.places.map((model) => [model.slug, model]));
  return (
    <>
      {error && <p class="bad">{error.message}</p>}
      {data && (
        <Table
          caption={`Calls from ${time(data.from)} to ${time(data.to)}, by model; places as documents state them now`}
          rows={data.groups}
          keyOf={({ model }) => model}
          empty="no calls."
          columns={ranColumns(places)}
        />
      )}
    </>
  );
}

const MatrixTable = ({ matrix }: { readonly matrix: Matrix }) => (
  <section class="scroll" tabIndex={0} aria-label="Clients by models">
    <table>
      <caption>Which model may see whose data, by revision {matrix.revision}</caption>
      <thead>
        <tr>
          <th scope="col">Client</th>
          <th scope="col">Data class</th>
          {matrix.models.map(({ slug, data_residency, call_method }) => (
            <th key={slug} scope="col">
              <a href={`/documents/model/${encodeURIComponent(slug)}`}>{slug}</a>
              <br />
              {call_method}, {data_residency ?? 'residency unknown'}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {matrix.rows.map((row) => (
          <tr key={`${row.client} ${row.project ?? ''}`}>
            <th scope="row">{row.project ? `${row.client} / ${row.project}` : row.client}</th>
            <td>{row.requirement.data_class}</td>
            {row.cells.map((cell, index) => (
              <Cell key={matrix.models[index]?.slug} broken={cell} />
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </section>
);

function Cell({ broken }: { readonly broken: readonly Broken[] | null }) {
  if (!broken) return <td class="yes">may</td>;
  return (
    <td class="no">
      {broken.map(({ rule, detail, sources }) => {
        const owner = sources.at(-1);
        const href = owner
          ? `/documents/${owner.kind}/${encodeURIComponent(owner.slug)}?field=${owner.field}`
          : '/documents';
        return (
          <div key={rule}>
            <a href={href} title={detail}>
              {rule}
            </a>
          </div>
        );
      })}
    </td>
  );
}

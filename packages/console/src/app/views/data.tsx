import { useState } from 'preact/hooks';
import { pathOf, urlOf, useApi } from '../api.ts';
import { Filters } from '../parts/filters.tsx';
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
interface Matrix {
  readonly revision: number;
  readonly models: readonly { readonly slug: string; readonly data_residency?: string; readonly call_method: string }[];
  readonly rows: readonly Row[];
  readonly next?: number;
}

/** Shows who may see whose data: each cell is free, or names the rules that forbid it. */
export function Data() {
  const { query, set } = useUrlState();
  const { data, error } = useApi<Matrix>(pathOf('/data', query));
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
      <Proof client={query['client']} />
      {data?.next !== undefined && (
        <button type="button" onClick={() => set({ page: String(data.next) })}>
          Next clients
        </button>
      )}
    </View>
  );
}

/** A signed report of where a client's calls ran. Without a client there is nothing to report. */
function Proof({ client }: { readonly client: string | undefined }) {
  const [days, setDays] = useState('30');
  if (!client) return <p class="quiet">Choose a client to download the proof of where its calls ran.</p>;
  const from = Date.now() - Number(days) * dayMs;
  return (
    <p class="fields">
      <label>
        Calls of
        <select value={days} onChange={(event) => setDays(event.currentTarget.value)}>
          <option value="1">the last day</option>
          <option value="7">the last 7 days</option>
          <option value="30">the last 30 days</option>
        </select>
      </label>
      <a class="button" href={urlOf(pathOf('/proof', { client, from }))} download={`proof-${client}.jsonl`}>
        Prove where they ran
      </a>
    </p>
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

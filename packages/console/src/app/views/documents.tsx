import { useState } from 'preact/hooks';
import { pathOf, post, useApi } from '../api.ts';
import { time } from '../format.ts';
import { Filters } from '../parts/filters.tsx';
import { Table } from '../parts/table.tsx';
import { View } from '../parts/view.tsx';
import { isOwner } from '../session.ts';
import { useUrlState } from '../url-state.ts';

export interface Version {
  readonly revision: number;
  readonly author: string;
  readonly note: string;
  readonly at_unix_ms: number;
  readonly action: string;
  readonly fields: readonly string[];
  readonly changes: number;
}
interface Listed {
  readonly kind: string;
  readonly slug: string;
  readonly name: string;
  readonly revision: number;
  readonly author: string;
  readonly updated_unix_ms: number;
}

const kinds = ['any', 'model', 'route', 'task_type', 'client', 'project', 'reflex', 'schedule', 'settings'];

export function Documents() {
  const { query } = useUrlState();
  const { data, error } = useApi<{ documents: readonly Listed[] }>(pathOf('/documents', { kind: query['kind'] }));
  const wanted = (query['name'] ?? '').toLowerCase();
  const rows = (data?.documents ?? []).filter(({ name, slug }) => `${name} ${slug}`.toLowerCase().includes(wanted));
  return (
    <View title="Documents" error={error} isLoading={!data}>
      <Filters
        filters={[
          { name: 'kind', title: 'Kind', choices: kinds },
          { name: 'name', title: 'Name' },
        ]}
      />
      <p>
        <a href="/what-if">Try or apply new documents</a>
      </p>
      {data && (
        <Table
          caption="Documents in force"
          rows={rows}
          keyOf={({ kind, slug }) => `${kind} ${slug}`}
          columns={[
            {
              title: 'Document',
              value: ({ kind, slug }) => (
                <a href={`/documents/${kind}/${encodeURIComponent(slug)}`}>{`${kind} ${slug}`}</a>
              ),
            },
            { title: 'Name', value: ({ name }) => name },
            { title: 'Revision', value: ({ revision }) => revision, isRight: true },
            { title: 'By', value: ({ author }) => author },
            { title: 'Changed', value: ({ updated_unix_ms }) => time(updated_unix_ms) },
          ]}
        />
      )}
      <Revisions />
    </View>
  );
}

function Revisions() {
  const { data, error, reload } = useApi<{ revisions: readonly Version[] }>('/revisions?limit=50');
  const [note, setNote] = useState('');
  const [said, setSaid] = useState('');
  const rollback = (revision: number): void => {
    post<{ revision: number; problems: readonly { message: string }[] }>('/rollback', { revision, note }).then(
      (answer) => {
        setSaid(
          answer.problems.length > 0
            ? answer.problems.map(({ message }) => message).join('; ')
            : `Revision ${answer.revision} equals revision ${revision}.`,
        );
        reload();
      },
      (failure: Error) => setSaid(failure.message),
    );
  };
  return (
    <>
      <h2>Revisions</h2>
      {error && <p class="bad">{error.message}</p>}
      {isOwner() && (
        <form class="fields" onSubmit={(event) => event.preventDefault()}>
          <label>
            Note for a rollback
            <input size={40} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
          </label>
        </form>
      )}
      <p aria-live="polite">{said}</p>
      {data && (
        <Table
          caption="Revisions, newest first"
          rows={data.revisions}
          keyOf={({ revision }) => String(revision)}
          columns={[
            { title: 'Revision', value: ({ revision }) => revision },
            { title: 'Time', value: ({ at_unix_ms }) => time(at_unix_ms) },
            { title: 'By', value: ({ author }) => author },
            { title: 'Documents', value: ({ changes }) => changes, isRight: true },
            { title: 'Note', value: (version) => version.note },
            ...(isOwner()
              ? [
                  {
                    title: 'Change',
                    value: ({ revision }: Version) => (
                      <button type="button" disabled={note.trim() === ''} onClick={() => rollback(revision)}>
                        Roll back to {revision}
                      </button>
                    ),
                  },
                ]
              : []),
          ]}
        />
      )}
    </>
  );
}

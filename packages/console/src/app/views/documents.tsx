import { pathOf, useApi } from '../api.ts';
import { time } from '../format.ts';
import { Author } from '../parts/author.tsx';
import { Filters } from '../parts/filters.tsx';
import { Table } from '../parts/table.tsx';
import { View } from '../parts/view.tsx';
import { useUrlState } from '../url-state.ts';
import { Revisions } from './revisions.tsx';

export interface Listed {
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
  const { data, error, reload } = useApi<{ documents: readonly Listed[] }>(
    pathOf('/documents', { kind: query['kind'] }),
  );
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
            { title: 'By', value: ({ author }) => <Author author={author} /> },
            { title: 'Changed', value: ({ updated_unix_ms }) => time(updated_unix_ms) },
          ]}
        />
      )}
      <Revisions onChange={reload} />
    </View>
  );
}

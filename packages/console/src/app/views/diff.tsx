import { pathOf, useApi } from '../api.ts';
import { type Column, Table } from '../parts/table.tsx';

interface FieldChange {
  readonly kind: string;
  readonly slug: string;
  readonly field: string;
  readonly before?: string;
  readonly after?: string;
}
interface Difference {
  readonly from: number;
  readonly to: number;
  readonly changes: readonly FieldChange[];
}

const columns: readonly Column<FieldChange>[] = [
  {
    title: 'Document',
    value: (change) => (
      <a href={`/documents/${change.kind}/${encodeURIComponent(change.slug)}`}>
        {change.kind} {change.slug}
      </a>
    ),
  },
  { title: 'Field', value: ({ field }) => field || 'the whole document' },
  { title: 'Before', value: ({ before }) => <code>{before ?? 'not stated'}</code> },
  { title: 'After', value: ({ after }) => <code>{after ?? 'not stated'}</code> },
];

/** Shows the changes of a revision, field by field: in one document, or in all. */
export function Diff({
  revision,
  kind,
  slug,
}: {
  readonly revision: number;
  readonly kind?: string;
  readonly slug?: string;
}) {
  const { data, error } = useApi<Difference>(pathOf('/diff', { kind, slug, from: revision - 1, to: revision }));
  return (
    <>
      <h2>What revision {revision} changed</h2>
      {error && <p class="bad">{error.message}</p>}
      {data && (
        <Table
          caption={`Fields that differ between revisions ${data.from} and ${data.to}`}
          rows={data.changes}
          keyOf={(change) => `${change.kind} ${change.slug} ${change.field}`}
          columns={columns}
        />
      )}
    </>
  );
}

import { useRoute } from 'preact-iso';
import { useApi } from '../api.ts';
import { time } from '../format.ts';
import { Table } from '../parts/table.tsx';
import { View } from '../parts/view.tsx';
import { useUrlState } from '../url-state.ts';
import type { Version } from './documents.tsx';
import { Editor } from './editor.tsx';

interface Described {
  readonly kind: string;
  readonly slug: string;
  readonly name: string;
  readonly revision: number;
  readonly author: string;
  readonly text: string;
  readonly versions: readonly Version[];
}
interface Difference {
  readonly from: number;
  readonly to: number;
  readonly changes: readonly { readonly field: string; readonly before?: string; readonly after?: string }[];
}

/** One document: its text to edit, its versions, and what a version changed. */
export function Document() {
  const { params } = useRoute();
  const { query } = useUrlState();
  const [kind, slug] = [params['kind'] ?? '', params['slug'] ?? ''];
  const { data, error, reload } = useApi<Described>(`/documents/${kind}/${encodeURIComponent(slug)}`);
  const revision = query['revision'];
  return (
    <View title={`${kind} ${slug}`} error={error} isLoading={!data}>
      {data && (
        <>
          <p class="quiet">
            Revision {data.revision}, by {data.author}
          </p>
          <Editor
            key={data.revision}
            path={`${kind}/${slug}.yaml`}
            text={data.text}
            field={query['field']}
            onApplied={reload}
          />
          <h2>Versions</h2>
          <Table
            caption="Versions, newest first"
            rows={data.versions}
            keyOf={(version) => String(version.revision)}
            columns={[
              {
                title: 'Revision',
                value: (version) => (
                  <a href={`/documents/${kind}/${encodeURIComponent(slug)}?revision=${version.revision}`}>
                    {version.revision}
                  </a>
                ),
              },
              { title: 'Time', value: ({ at_unix_ms }) => time(at_unix_ms) },
              { title: 'By', value: ({ author }) => author },
              {
                title: 'Change',
                value: ({ action, fields }) => (fields.length > 0 ? `${action}: ${fields.join(', ')}` : action),
              },
              { title: 'Note', value: ({ note }) => note },
            ]}
          />
          {revision !== undefined && <Diff kind={kind} slug={slug} revision={Number(revision)} />}
        </>
      )}
    </View>
  );
}

function Diff({ kind, slug, revision }: { readonly kind: string; readonly slug: string; readonly revision: number }) {
  const { data, error } = useApi<Difference>(
    `/diff?kind=${kind}&slug=${encodeURIComponent(slug)}&from=${revision - 1}&to=${revision}`,
  );
  return (
    <>
      <h2>What revision {revision} changed</h2>
      {error && <p class="bad">{error.message}</p>}
      {data && (
        <Table
          caption={`Fields that differ between revisions ${data.from} and ${data.to}`}
          rows={data.changes}
          keyOf={({ field }) => field}
          columns={[
            { title: 'Field', value: ({ field }) => field },
            { title: 'Before', value: ({ before }) => <code>{before ?? 'not stated'}</code> },
            { title: 'After', value: ({ after }) => <code>{after ?? 'not stated'}</code> },
          ]}
        />
      )}
    </>
  );
}

import { useRoute } from 'preact-iso';
import { pathOf, useApi } from '../api.ts';
import { time } from '../format.ts';
import { Author } from '../parts/author.tsx';
import { Table } from '../parts/table.tsx';
import { View } from '../parts/view.tsx';
import { useUrlState } from '../url-state.ts';
import { Diff } from './diff.tsx';
import { Editor } from './editor.tsx';
import type { Version } from './revisions.tsx';

interface Described {
  readonly kind: string;
  readonly slug: string;
  readonly name: string;
  readonly revision: number;
  readonly author: string;
  readonly text: string;
  readonly versions: readonly Version[];
}
/** One document: its text to edit, its versions, and what a version changed. */
export function Document() {
  const { params } = useRoute();
  const { query, set } = useUrlState();
  const [kind, slug] = [params['kind'] ?? '', params['slug'] ?? ''];
  const here = `/documents/${kind}/${encodeURIComponent(slug)}`;
  const { revision, edit } = query;
  const { data, error, reload } = useApi<Described>(pathOf(here, { revision: edit }));
  return (
    <View title={`${kind} ${slug}`} error={error} isLoading={!data}>
      {data && (
        <>
          <p class="quiet">
            Revision {data.revision}, by <Author author={data.author} />
          </p>
          {edit && (
            <p class="warn">
              The text below is that of revision {edit}. Revision {data.revision} holds until you apply it.{' '}
              <a href={here}>Edit the document in force</a>
            </p>
          )}
          <Editor
            key={`${data.revision} ${data.text}`}
            path={`${kind}/${slug}.yaml`}
            text={data.text}
            field={query['field']}
            onApplied={() => (edit ? set({ edit: '' }) : reload())}
          />
          <h2>Versions</h2>
          <Table
            caption="Versions, newest first"
            rows={data.versions}
            keyOf={(version) => String(version.revision)}
            columns={[
              {
                title: 'Revision',
                value: (version) => <a href={pathOf(here, { revision: version.revision })}>{version.revision}</a>,
              },
              { title: 'Time', value: ({ at_unix_ms }) => time(at_unix_ms) },
              { title: 'By', value: ({ author }) => <Author author={author} /> },
              {
                title: 'Change',
                value: ({ action, fields }) => (fields.length > 0 ? `${action}: ${fields.join(', ')}` : action),
              },
              { title: 'Note', value: ({ note }) => note },
              {
                title: 'Text',
                value: (version) =>
                  version.revision === data.revision ? (
                    'in force'
                  ) : (
                    <a href={pathOf(here, { edit: version.revision })}>Edit revision {version.revision}</a>
                  ),
              },
            ]}
          />
          {revision !== undefined && <Diff kind={kind} slug={slug} revision={Number(revision)} />}
        </>
      )}
    </View>
  );
}

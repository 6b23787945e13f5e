import { useEffect, useState } from 'preact/hooks';
import { post, useApi } from '../api.ts';
import { time } from '../format.ts';
import { Author } from '../parts/author.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { isOwner } from '../session.ts';
import { useUrlState } from '../url-state.ts';
import { type Applied, AppliedState } from './applied.tsx';
import { Diff } from './diff.tsx';

export interface Version {
  readonly revision: number;
  readonly author: string;
  readonly note: string;
  readonly at_unix_ms: number;
  readonly action: string;
  readonly fields: readonly string[];
  readonly changes: number;
}

const columns: readonly Column<Version>[] = [
  {
    title: 'Revision',
    value: ({ revision }) => (
      <a href={`/documents?revision=${revision}`} aria-label={`What revision ${revision} changed`}>
        {revision}
      </a>
    ),
  },
  { title: 'Time', value: ({ at_unix_ms }) => time(at_unix_ms) },
  { title: 'By', value: ({ author }) => <Author author={author} /> },
  { title: 'Documents', value: ({ changes }) => changes, isRight: true },
  { title: 'Note', value: ({ note }) => note },
];

/** Revisions with what each changed; an owner goes back to one after seeing what that would change. */
export function Revisions({ onChange }: { readonly onChange: () => void }) {
  const { query } = useUrlState();
  const { data, error, reload } = useApi<{ revisions: readonly Version[] }>('/revisions?limit=50');
  const [target, setTarget] = useState<number>();
  const newest = data?.revisions[0]?.revision;
  return (
    <>
      <h2>Revisions</h2>
      {error && <p class="bad">{error.message}</p>}
      {data && (
        <Table
          caption="Revisions, newest first"
          rows={data.revisions}
          keyOf={({ revision }) => String(revision)}
          columns={[
            ...columns,
            ...(isOwner()
              ? [
                  {
                    title: 'Change',
                    value: ({ revision }: Version) =>
                      revision === newest ? (
                        'in force'
                      ) : (
                        <button type="button" onClick={() => setTarget(revision)}>
                          Roll back to {revision}
                        </button>
                      ),
                  },
                ]
              : []),
          ]}
        />
      )}
      {target !== undefined && (
        <Rollback
          key={target}
          revision={target}
          onDone={() => {
            reload();
            onChange();
          }}
        />
      )}
      {query['revision'] && <Diff revision={Number(query['revision'])} />}
    </>
  );
}

/** A rollback concerns every document that changed since: it is shown before it is made. */
function Rollback({ revision, onDone }: { readonly revision: number; readonly onDone: () => void }) {
  const [tried, setTried] = useState<Applied>();
  const [made, setMade] = useState<Applied>();
  const [failure, setFailure] = useState<Error>();
  useEffect(() => {
    post<Applied>('/rollback', { revision, dry_run: true }).then(setTried, setFailure);
  }, [revision]);
  const roll = (note: string): void => {
    post<Applied>('/rollback', { revision, note }).then((answer) => {
      setFailure(undefined);
      setMade(answer);
      if (answer.problems.length === 0) onDone();
    }, setFailure);
  };
  const shown = made ?? tried;
  return (
    <section aria-label={`Rollback to revision ${revision}`} aria-live="polite">
      <h2>Rollback to revision {revision}</h2>
      <p class="quiet">
        All documents become as they were at revision {revision}. To take back one document alone, open it and edit its
        old version.
      </p>
      {failure && <p class="bad">{failure.message}</p>}
      {shown && <AppliedState applied={shown} isDry={made === undefined} onProblem={() => {}} />}
      {!made && <NoteForm revision={revision} onNote={roll} />}
    </section>
  );
}

function NoteForm({ revision, onNote }: { readonly revision: number; readonly onNote: (note: string) => void }) {
  const [note, setNote] = useState('');
  return (
    <form
      class="fields"
      onSubmit={(event) => {
        event.preventDefault();
        onNote(note);
      }}
    >
      <label>
        Note, why
        <input size={40} value={note} onInput={(event) => setNote(event.currentTarget.value)} required />
      </label>
      <button class="main" type="submit" disabled={note.trim() === ''}>
        Make revision {revision} hold again
      </button>
    </form>
  );
}

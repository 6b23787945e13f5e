import { useState } from 'preact/hooks';
import { ask, pathOf, post, useApi } from '../api.ts';
import { time } from '../format.ts';
import { Author } from '../parts/author.tsx';
import { Table } from '../parts/table.tsx';
import { View } from '../parts/view.tsx';
import { isOwner } from '../session.ts';
import { useUrlState } from '../url-state.ts';

interface Entry {
  readonly sequence: number;
  readonly at_unix_ms: number;
  readonly service: string;
  readonly actor: string;
  readonly action: string;
  readonly object: string;
  readonly detail: string;
}
interface Key {
  readonly id: string;
  readonly client: string;
  readonly role: string;
  readonly projects: readonly string[];
  readonly note: string;
  readonly created_unix_ms: number;
  readonly revoked_unix_ms: number;
  readonly expires_unix_ms: number;
}

export function Audit() {
  const { query, set } = useUrlState();
  const { data, error } = useApi<{ entries: readonly Entry[] }>(pathOf('/audit', { before: query['before'] }));
  const [verdict, setVerdict] = useState('');
  const verify = (): void => {
    setVerdict('Reading the whole log…');
    post<{ entries: number; problem: string; position: number }>('/audit/verify', {}).then(
      ({ entries, problem, position }) =>
        setVerdict(
          problem === '' ? `${entries} entries, all as they were written.` : `Wrong at entry ${position}: ${problem}`,
        ),
      (failure: Error) => setVerdict(failure.message),
    );
  };
  const last = data?.entries.at(-1)?.sequence ?? 0;
  return (
    <View title="Audit and keys" error={error} isLoading={!data}>
      <Keys />
      <h2>Audit log</h2>
      <p>
        <button type="button" onClick={verify}>
          Verify the log
        </button>{' '}
        <span aria-live="polite">{verdict}</span>
      </p>
      {data && (
        <Table
          caption="Changes and refusals, newest first"
          rows={data.entries}
          keyOf={({ sequence }) => String(sequence)}
          columns={[
            { title: 'No', value: ({ sequence }) => sequence },
            { title: 'Time', value: ({ at_unix_ms }) => time(at_unix_ms) },
            { title: 'Service', value: ({ service }) => service },
            { title: 'Actor', value: ({ actor }) => <Author author={actor} /> },
            { title: 'Action', value: ({ action }) => action },
            { title: 'Object', value: ({ object }) => object },
            { title: 'Detail', value: ({ detail }) => detail },
          ]}
        />
      )}
      {last > 1 && (
        <button type="button" onClick={() => set({ before: String(last) })}>
          Older
        </button>
      )}
    </View>
  );
}

function Keys() {
  const { query } = useUrlState();
  const wanted = query['key'];
  const { data, error, reload } = useApi<{ keys: readonly Key[] }>('/keys');
  const [made, setMade] = useState('');
  const [failure, setFailure] = useState('');
  const fail = (reason: Error): void => setFailure(reason.message);
  const create = (event: Event): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    post<{ key: string }>('/keys', Object.fromEntries(new FormData(form))).then(({ key }) => {
      setMade(key);
      setFailure('');
      form.reset();
      reload();
    }, fail);
  };
  const revoke = (id: string): void => {
    ask(`/keys/${id}`, { method: 'DELETE' }).then(reload, fail);
  };
  return (
    <>
      <h2>Keys</h2>
      {isOwner() && <KeyForm onSubmit={create} />}
      <div aria-live="polite">
        {(failure || error) && <p class="bad">{failure || error?.message}</p>}
        {made && (
          <p>
            The key, shown this once: <code>{made}</code>
          </p>
        )}
      </div>
      {wanted !== undefined && (
        <p>
          Key {wanted} alone. <a href="/audit">Show every key</a>
        </p>
      )}
      {data && (
        <Table
          caption="Keys, oldest first"
          rows={data.keys.filter(({ id }) => wanted === undefined || id === wanted)}
          keyOf={({ id }) => id}
          columns={[
            { title: 'Key', value: ({ id }) => id },
            { title: 'Client', value: ({ client, projects }) => [client, ...projects].join(' / ') },
            { title: 'Role', value: ({ role }) => role },
            { title: 'State', value: stateOf },
            { title: 'Created', value: ({ created_unix_ms }) => time(created_unix_ms) },
            { title: 'Note', value: ({ note }) => note },
            ...(isOwner()
              ? [
                  {
                    title: 'Change',
                    value: ({ id, revoked_unix_ms }: Key) =>
                      revoked_unix_ms === 0 ? (
                        <button type="button" onClick={() => revoke(id)}>
                          Revoke {id}
                        </button>
                      ) : null,
                  },
                ]
              : []),
          ]}
        />
      )}
    </>
  );
}

const KeyForm = ({ onSubmit }: { readonly onSubmit: (event: Event) => void }) => (
  <form class="fields" aria-label="New key" onSubmit={onSubmit}>
    <label>
      Client
      <input name="client" required />
    </label>
    <label>
      Role
      <select name="role">
        {['caller', 'operator', 'auditor', 'owner'].map((role) => (
          <option key={role}>{role}</option>
        ))}
      </select>
    </label>
    <label>
      Note
      <input name="note" />
    </label>
    <button type="submit">Make a key</button>
  </form>
);

const stateOf = ({ revoked_unix_ms, expires_unix_ms }: Key) =>
  revoked_unix_ms > 0 ? (
    <span class="bad">revoked {time(revoked_unix_ms)}</span>
  ) : expires_unix_ms > 0 ? (
    `holds until ${time(expires_unix_ms)}`
  ) : (
    'holds'
  );

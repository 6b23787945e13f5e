import { useState } from 'preact/hooks';
import { useLocation, useRoute } from 'preact-iso';
import { ask, post, useApi } from '../api.ts';
import { View } from '../parts/view.tsx';
import { useUrlState } from '../url-state.ts';
import { type Decision, DecisionState, type ShownSet, SetState, WouldChange } from './decision.tsx';

/** Shows why a task went where it went, or where one would go. */
export function Why() {
  const { params } = useRoute();
  const id = params['id'];
  return id ? <OfDecision id={id} /> : <Ask />;
}

function OfDecision({ id }: { readonly id: string }) {
  const { data, error } = useApi<Decision>(`/decisions/${encodeURIComponent(id)}`);
  return (
    <View title="Why" error={error} isLoading={!data}>
      {data && (
        <>
          <DecisionState decision={data} />
          <Replay id={id} own={data.revision} />
        </>
      )}
    </View>
  );
}

interface Replayed {
  readonly revision: number;
  readonly identical: boolean;
  readonly differences: readonly string[];
  readonly order: readonly string[];
}

function Replay({ id, own }: { readonly id: string; readonly own: number }) {
  const [revision, setRevision] = useState(String(own));
  const [replayed, setReplayed] = useState<Replayed>();
  const [error, setError] = useState('');
  const replay = (): void => {
    ask<Replayed>(`/decisions/${encodeURIComponent(id)}/replay?revision=${encodeURIComponent(revision)}`).then(
      (answer) => {
        setError('');
        setReplayed(answer);
      },
      (failure: Error) => setError(failure.message),
    );
  };
  return (
    <>
      <h2>Replay</h2>
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          replay();
        }}
      >
        <label>
          With the documents of revision
          <input
            inputMode="numeric"
            size={8}
            value={revision}
            onInput={(event) => setRevision(event.currentTarget.value)}
          />
        </label>
        <button class="main" type="submit">
          Replay
        </button>
      </form>
      <div aria-live="polite">
        {error && <p class="bad">{error}</p>}
        {replayed && (
          <>
            <p class={replayed.identical ? 'good' : 'warn'}>
              {replayed.identical ? 'Identical' : 'Not identical'} with revision {replayed.revision}:{' '}
              {replayed.order.join(', ') || 'no model'}
            </p>
            <ul>
              {replayed.differences.map((difference) => (
                <li key={difference}>{difference}</li>
              ))}
            </ul>
          </>
        )}
      </div>
    </>
  );
}

/** Explains a task that nobody has sent, by what the address says of it. */
function Ask() {
  const { query } = useUrlState();
  const { route } = useLocation();
  const [answer, setAnswer] = useState<{ set: ShownSet; would_change: readonly string[] }>();
  const [error, setError] = useState<Error>();
  const [id, setId] = useState('');
  const explain = (event: Event): void => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const said = Object.fromEntries([...fields].filter(([, value]) => value !== ''));
    post<{ set: ShownSet; would_change: readonly string[] }>('/explain', said).then((given) => {
      setError(undefined);
      setAnswer(given);
    }, setError);
  };
  return (
    <View title="Why" error={error}>
      <form
        class="fields"
        onSubmit={(event) => {
          event.preventDefault();
          route(`/why/${encodeURIComponent(id.trim())}`);
        }}
      >
        <label>
          Id of a decision or a task
          <input size={30} value={id} onInput={(event) => setId(event.currentTarget.value)} required />
        </label>
        <button type="submit">Show why</button>
      </form>
      <h2>Or ask where a task would go</h2>
      <form class="fields" onSubmit={explain}>
        <label>
          Task type
          <input name="type" defaultValue={query['type'] ?? 'text_gen'} required />
        </label>
        <label>
          Client
          <input name="client" defaultValue={query['client'] ?? ''} />
        </label>
        <label>
          Project
          <input name="project" defaultValue={query['project'] ?? ''} />
        </label>
        <label>
          Model
          <input name="model" defaultValue={query['model'] ?? ''} />
        </label>
        <label>
          Data class
          <select name="data_class">
            <option value="">as documents say</option>
            {['open', 'customer', 'sensitive', 'customer-sensitive'].map((word) => (
              <option key={word}>{word}</option>
            ))}
          </select>
        </label>
        <button class="main" type="submit">
          Explain
        </button>
      </form>
      <div aria-live="polite">
        {answer && (
          <>
            <SetState set={answer.set} />
            <WouldChange words={answer.would_change} />
          </>
        )}
      </div>
    </View>
  );
}

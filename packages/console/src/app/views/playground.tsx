import { useRef, useState } from 'preact/hooks';
import { ask, asPost, send } from '../api.ts';
import { dollars, duration } from '../format.ts';
import { View } from '../parts/view.tsx';
import { eventsIn } from '../server-events.ts';
import { type Decision, DecisionState } from './decision.tsx';

interface End {
  readonly model_name?: string;
  readonly cost_nano_usd?: number;
  readonly decision_id: string;
  readonly task_id: string;
  readonly code?: string;
  readonly message?: string;
}

/** Runs a task with chosen attributes; its decision stands beside the answer. */
export function Playground() {
  const [text, setText] = useState('');
  const [end, setEnd] = useState<End & { readonly tookMs: number }>();
  const [decision, setDecision] = useState<Decision>();
  const [error, setError] = useState<Error>();
  const running = useRef<AbortController>(undefined);
  const [isRunning, setIsRunning] = useState(false);

  const run = async (said: Record<string, unknown>): Promise<void> => {
    const stop = new AbortController();
    running.current = stop;
    const startedMs = performance.now();
    const response = await send('/run', { ...asPost(said), signal: stop.signal });
    for await (const { event, data } of eventsIn(response)) {
      if (event === 'delta') setText((before) => before + (data as { text: string }).text);
      if (event !== 'end' && event !== 'error') continue;
      const ended = data as End;
      setEnd({ ...ended, tookMs: performance.now() - startedMs });
      if (ended.decision_id || ended.task_id) setDecision(await decisionOf(ended.decision_id || ended.task_id));
    }
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const said = Object.fromEntries([...fields].filter(([, value]) => value !== ''));
    setText('');
    setEnd(undefined);
    setDecision(undefined);
    setError(undefined);
    setIsRunning(true);
    run(said)
      .catch((failure: Error) => failure.name !== 'AbortError' && setError(failure))
      .finally(() => setIsRunning(false));
  };
  return (
    <View title="Playground" error={error}>
      <form class="fields" onSubmit={submit}>
        <TaskFields />
        <button class="main" type="submit" disabled={isRunning}>
          Run
        </button>
        {isRunning && (
          <button type="button" onClick={() => running.current?.abort()}>
            Cancel
          </button>
        )}
      </form>
      <div class="two">
        <section aria-label="Answer" aria-live="polite">
          <pre>{text}</pre>
          {end && <EndState end={end} tookMs={end.tookMs} />}
        </section>
        <section aria-label="Decision">{decision && <DecisionState decision={decision} />}</section>
      </div>
    </View>
  );
}

const TaskFields = () => (
  <>
    <label>
      Task type
      <input name="type" defaultValue="text_gen" required />
    </label>
    <label>
      Client
      <input name="client" />
    </label>
    <label>
      Project
      <input name="project" />
    </label>
    <label>
      Model
      <input name="model" />
    </label>
    <label>
      Priority
      <select name="priority">
        {['normal', 'background', 'high'].map((word) => (
          <option key={word}>{word}</option>
        ))}
      </select>
    </label>
    <label>
      What to say
      <input name="text" size={60} required />
    </label>
  </>
);

function EndState({ end, tookMs }: { readonly end: End; readonly tookMs: number }) {
  if (end.code)
    return (
      <p class="bad">
        {end.code}: {end.message}
      </p>
    );
  return (
    <p>
      {end.model_name}, {duration(tookMs)}, {dollars(end.cost_nano_usd)}, <a href={`/tasks/${end.task_id}`}>the task</a>
    </p>
  );
}

/** A decision is stored a moment after the task. */
async function decisionOf(id: string): Promise<Decision | undefined> {
  for (let tries = 0; tries < 20; tries += 1) {
    const found = await ask<Decision>(`/decisions/${encodeURIComponent(id)}`).catch(() => undefined);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return undefined;
}

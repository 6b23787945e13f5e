import { duration, time } from '../format.ts';
import { Table } from '../parts/table.tsx';

export interface Source {
  readonly kind: string;
  readonly slug: string;
  readonly field: string;
}
interface Exclusion {
  readonly model: string;
  readonly rule: string;
  readonly detail: string;
  readonly mend: string;
  readonly sources: readonly Source[];
}
interface RankedModel {
  readonly model: string;
  readonly utility: number;
  readonly success: number;
  readonly expected_ms: number;
  readonly quality: number;
}
export interface ShownSet {
  readonly revision: number;
  readonly data_class: string;
  readonly candidates: readonly { readonly model: string; readonly why: string }[];
  readonly exclusions: readonly Exclusion[];
  readonly notes: readonly string[];
  readonly ranking?: { readonly mode: string; readonly goal: string; readonly models: readonly RankedModel[] };
}
export interface Decision {
  readonly decision_id: string;
  readonly task_id: string;
  readonly revision: number;
  readonly at_unix_ms: number;
  readonly client: string;
  readonly task_type: string;
  readonly order: readonly string[];
  readonly skipped: readonly { readonly model: string; readonly reason: string }[];
  readonly set?: ShownSet;
  readonly would_change: readonly string[];
}

export function DecisionState({ decision }: { readonly decision: Decision }) {
  return (
    <>
      <p>
        Decision {decision.decision_id} of task <a href={`/tasks/${decision.task_id}`}>{decision.task_id}</a> for client{' '}
        <strong>{decision.client}</strong>, {decision.task_type}, revision {decision.revision},{' '}
        {time(decision.at_unix_ms)}. Tried in this order: <strong>{decision.order.join(', ') || 'none'}</strong>.
      </p>
      {decision.skipped.map(({ model, reason }) => (
        <p key={model} class="warn">
          Passed over {model}: {reason}
        </p>
      ))}
      {decision.set && <SetState set={decision.set} />}
      <WouldChange words={decision.would_change} />
    </>
  );
}

export const WouldChange = ({ words }: { readonly words: readonly string[] }) =>
  words.length === 0 ? null : (
    <>
      <h2>What would change it</h2>
      <ul>
        {words.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </>
  );

export function SetState({ set }: { readonly set: ShownSet }) {
  return (
    <>
      {set.notes.map((note) => (
        <p key={note} class="warn">
          {note}
        </p>
      ))}
      <Table
        caption={`Candidates, best first; ${set.data_class} data`}
        rows={set.candidates.map((candidate, index) => ({ ...candidate, place: index + 1 }))}
        keyOf={({ model }) => model}
        columns={[
          { title: 'Model', value: ({ model, place }) => `${place}. ${model}` },
          { title: 'Because', value: ({ why }) => why },
        ]}
      />
      <Table
        caption="Left out, and why"
        rows={set.exclusions}
        keyOf={({ model, rule }) => `${model} ${rule}`}
        columns={[
          { title: 'Model', value: ({ model }) => model },
          { title: 'Rule', value: ({ rule }) => rule },
          { title: 'Reason', value: ({ detail }) => detail },
          { title: 'Stated by', value: ({ sources }) => <Sources sources={sources} /> },
          { title: 'To change it', value: ({ mend }) => mend },
        ]}
      />
      {set.ranking && (
        <Table
          caption={`Scores by goal ${set.ranking.goal}, ${set.ranking.mode}`}
          rows={set.ranking.models}
          keyOf={({ model }) => model}
          columns={[
            { title: 'Model', value: ({ model }) => model },
            { title: 'Utility', value: ({ utility }) => utility.toFixed(3), isRight: true },
            { title: 'Success', value: ({ success }) => `${(100 * success).toFixed(1)} %`, isRight: true },
            { title: 'Expected', value: ({ expected_ms }) => duration(expected_ms), isRight: true },
            { title: 'Quality', value: ({ quality }) => quality.toFixed(2), isRight: true },
          ]}
        />
      )}
    </>
  );
}

/** The documents that a rule comes from, each at its field. */
export const Sources = ({ sources }: { readonly sources: readonly Source[] }) => (
  <>
    {sources.map(({ kind, slug, field }, index) => (
      <span key={`${kind} ${slug}`}>
        {index > 0 && ', '}
        <a href={`/documents/${kind}/${encodeURIComponent(slug)}?field=${encodeURIComponent(field)}`}>
          {kind} {slug}
        </a>
      </span>
    ))}
  </>
);

import { count } from '../format.ts';
import { Table } from '../parts/table.tsx';

export interface ChangeProblem {
  readonly path: string;
  readonly line: number;
  readonly field: string;
  readonly message: string;
}
export interface Applied {
  readonly revision: number;
  readonly changes: readonly { readonly kind: string; readonly slug: string; readonly action: string }[];
  readonly problems: readonly ChangeProblem[];
  readonly warnings: readonly string[];
  readonly lagging: readonly string[];
  readonly decision_changes: readonly { readonly words: string }[];
  readonly decisions_note: string;
  readonly loosenings: readonly { readonly kind: string; readonly slug: string; readonly words: string }[];
  readonly looser_decisions: readonly { readonly words: string }[];
}

/** Shows the changes that were made, or would be made. */
export function AppliedState({
  applied,
  isDry,
  onProblem,
}: {
  readonly applied: Applied;
  readonly isDry: boolean;
  readonly onProblem: (problem: ChangeProblem) => void;
}) {
  const { problems, changes, warnings, loosenings, revision } = applied;
  if (problems.length > 0)
    return (
      <>
        <p class="bad">Nothing was applied: {count(problems.length, 'problem')}.</p>
        <ul>
          {problems.map((problem) => (
            <li key={`${problem.line} ${problem.field} ${problem.message}`}>
              <button type="button" onClick={() => onProblem(problem)}>
                Line {problem.line}
              </button>{' '}
              {problem.field && <code>{problem.field}</code>} {problem.message}
            </li>
          ))}
        </ul>
      </>
    );
  return (
    <>
      <p class="good">
        {changes.length === 0 ? 'Nothing changes' : count(changes.length, 'document')}
        {isDry ? `; dry run, revision ${revision} stays.` : `, revision ${revision}.`}
      </p>
      <Lines title="Warnings" lines={warnings} />
      <Lines
        title="Looser rules on data"
        lines={loosenings.map(({ kind, slug, words }) => `${kind} ${slug}: ${words}`)}
      />
      <Lines title="Decisions that get more models" lines={applied.looser_decisions.map(({ words }) => words)} />
      <Lines title="Decisions that change" lines={applied.decision_changes.map(({ words }) => words)} />
      {applied.decisions_note && <p class="quiet">{applied.decisions_note}</p>}
      <Lines title="Not confirmed by" lines={applied.lagging} />
      <Table
        caption="Documents"
        rows={changes}
        keyOf={({ kind, slug }) => `${kind} ${slug}`}
        columns={[
          { title: 'Document', value: ({ kind, slug }) => `${kind} ${slug}` },
          { title: 'Change', value: ({ action }) => action },
        ]}
      />
    </>
  );
}

const Lines = ({ title, lines }: { readonly title: string; readonly lines: readonly string[] }) =>
  lines.length === 0 ? null : (
    <>
      <h2>{title}</h2>
      <ul>
        {lines.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </>
  );

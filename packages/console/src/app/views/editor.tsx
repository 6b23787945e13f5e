import { useEffect, useRef, useState } from 'preact/hooks';
import { post } from '../api.ts';
import { isOwner } from '../session.ts';
import { Preview } from './preview.tsx';
import { type Applied, AppliedState, type ChangeProblem } from './applied.tsx';

/** A text of documents that is tried, and by an owner applied. Problems lead to their lines. */
export function Editor({
  path,
  text: given,
  field,
  onApplied,
}: {
  readonly path: string;
  readonly text: string;
  readonly field?: string | undefined;
  readonly onApplied: () => void;
}) {
  const [text, setText] = useState(given);
  const [note, setNote] = useState('');
  const [tried, setTried] = useState<Applied & { readonly isDry: boolean }>();
  const [error, setError] = useState('');
  const [isBusy, setIsBusy] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  const goTo = (line: number): void => selectLine(area.current, line);
  useEffect(() => {
    if (field) goTo(lineOfField(given, field));
  }, []);
  const change = (isDry: boolean): void => {
    setIsBusy(true);
    post<Applied>(isDry ? '/dry-run' : '/apply', { files: [{ path, text }], note })
      .then(
        (answer) => {
          setError('');
          setTried({ ...answer, isDry });
          if (!isDry && answer.problems.length === 0) onApplied();
        },
        (failure: Error) => setError(failure.message),
      )
      .finally(() => setIsBusy(false));
  };
  return (
    <>
      <label>
        {path}
        <textarea ref={area} spellcheck={false} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <form class="fields" onSubmit={(event) => event.preventDefault()}>
        <button class="main" type="button" disabled={isBusy} onClick={() => change(true)}>
          Dry run
        </button>
        {isOwner() && (
          <>
            <label>
              Note, why
              <input size={40} value={note} onInput={(event) => setNote(event.currentTarget.value)} />
            </label>
            <button type="button" disabled={isBusy || note.trim() === ''} onClick={() => change(false)}>
              Apply
            </button>
          </>
        )}
      </form>
      {canRetire(text) && (
        <p>
          <button type="button" onClick={() => setText(`${text.trimEnd()}\nretired: yes\n`)}>
            Retire this model in the text
          </button>
        </p>
      )}
      <Preview path={path} text={text} />
      <div aria-live="polite">
        {error && <p class="bad">{error}</p>}
        {tried && (
          <AppliedState
            applied={tried}
            isDry={tried.isDry}
            onProblem={(problem: ChangeProblem) => goTo(problem.line)}
          />
        )}
      </div>
    </>
  );
}

/** True of the text of one model that is in use. */
const canRetire = (text: string): boolean => /^kind: model$/m.test(text) && !/^(?:retired|---)/m.test(text);

/** Puts the cursor on a line, counted from 1, and selects it. */
function selectLine(area: HTMLTextAreaElement | null, line: number): void {
  if (!area || line < 1) return;
  const lines = area.value.split('\n');
  const start = lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0);
  area.focus();
  area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
}

/** Where a dotted field begins in YAML; 0: nowhere. */
function lineOfField(text: string, field: string): number {
  const lines = text.split('\n');
  return field.split('.').reduce((after, name) => {
    const found = lines.findIndex((line, index) => index >= after && line.trimStart().startsWith(`${name}:`));
    return found === -1 ? after : found + 1;
  }, 0);
}

import { useUrlState } from '../url-state.ts';

export interface Filter {
  readonly name: string;
  readonly title: string;
  /** Absent: any text. The first choice is what no choice means. */
  readonly choices?: readonly string[];
  readonly type?: 'text' | 'datetime-local';
}

/** Filters that live in the address; a change takes effect when the field is left or by Enter. */
export function Filters({
  filters,
  onChange = {},
}: {
  readonly filters: readonly Filter[];
  readonly onChange?: Record<string, string>;
}) {
  const { query, set } = useUrlState();
  const change = (name: string, value: string): void => {
    if ((query[name] ?? '') !== value.trim()) set({ ...onChange, [name]: value.trim() });
  };
  return (
    <form class="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      {filters.map(({ name, title, choices, type = 'text' }) => (
        <label key={name}>
          {title}
          {choices ? (
            <select name={name} value={query[name] ?? ''} onChange={(event) => change(name, event.currentTarget.value)}>
              {choices.map((choice, index) => (
                <option key={choice} value={index === 0 ? '' : choice}>
                  {choice}
                </option>
              ))}
            </select>
          ) : (
            <Field type={type} name={name} value={query[name] ?? ''} onChange={(value) => change(name, value)} />
          )}
        </label>
      ))}
    </form>
  );
}

function Field({
  type,
  name,
  value,
  onChange,
}: {
  readonly type: NonNullable<Filter['type']>;
  readonly name: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}) {
  const shared = {
    name,
    value,
    onChange: (event: { readonly currentTarget: HTMLInputElement }) => onChange(event.currentTarget.value),
  };
  return type === 'text' ? <input type="text" size={14} {...shared} /> : <input type="datetime-local" {...shared} />;
}

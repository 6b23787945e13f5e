import type { ComponentChildren } from 'preact';

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => ComponentChildren;
  readonly isRight?: boolean;
}

/** Rows under their titles; the first column names the row. */
export function Table<Row>({
  caption,
  rows,
  columns,
  keyOf,
  empty = 'None.',
}: {
  readonly caption: string;
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  readonly keyOf: (row: Row) => string;
  readonly empty?: string;
}) {
  if (rows.length === 0)
    return (
      <p class="quiet">
        {caption}: {empty}
      </p>
    );
  return (
    // A table that is wider than the page scrolls by the keyboard, too.
    <section class="scroll" tabIndex={0} aria-label={caption}>
      <table>
        <caption>{caption}</caption>
        <thead>
          <tr>
            {columns.map(({ title, isRight }) => (
              <th key={title} scope="col" class={isRight ? 'right' : ''}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ title, value, isRight }, index) =>
                index === 0 ? (
                  <th key={title} scope="row">
                    {value(row)}
                  </th>
                ) : (
                  <td key={title} class={isRight ? 'right' : ''}>
                    {value(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

import { printable } from '@will/core';

/** A column: its title and what stands in it. Numbers are set to the right. */
export interface TextColumn<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number;
  readonly align?: 'right';
}

/** Rows under aligned titles, two spaces between columns; '' for no rows. */
export function table<Row>(rows: readonly Row[], columns: readonly TextColumn<Row>[]): string {
  if (rows.length === 0) return '';
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ value }) => oneLine(String(value(row))))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => widthOf(line[index] ?? ''))));
  const lines = cells.map((line) =>
    line
      .map((cell, index) => {
        const padding = ' '.repeat((widths[index] ?? 0) - widthOf(cell));
        return columns[index]?.align === 'right' ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

/** What others wrote must not break the table, nor steer the terminal. */
const oneLine = (text: string): string => printable(text).replace(/\s+/g, ' ');
const widthOf = (text: string): number => [...text].length;

/** `850 ms`, `1.2 s`, `3 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}

/** Date and time of this machine's zone: `2026-11-23 07:30:12`. */
export const localTime = (unixMs: number): string => new Date(unixMs).toLocaleString('sv-SE');

/** Nano-USD as dollars: `$0.000123`; '' when the price is unknown. */
export const dollars = (nanoUsd: bigint | undefined): string =>
  nanoUsd === undefined ? '' : `$${(Number(nanoUsd) / 1e9).toFixed(6)}`;

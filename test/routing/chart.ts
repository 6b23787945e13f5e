/** A value with a name. */
export interface Bar {
  readonly label: string;
  readonly value: number;
}

const highestOf = (bars: readonly Bar[]): number => Math.max(1e-9, ...bars.map(({ value }) => value));

/** A line each. */
export const asText = (bars: readonly Bar[]): readonly string[] =>
  bars.map(
    ({ label, value }) =>
      `${label.padEnd(36)} ${'█'.repeat(Math.max(1, Math.round((50 * value) / highestOf(bars))))} ${value.toFixed(4)}`,
  );

/** The same as an SVG. */
export function asSvg(bars: readonly Bar[]): string {
  const most = highestOf(bars);
  const rows = bars.map(({ label, value }, n) => {
    const [y, width] = [22 * n, (400 * value) / most];
    return `<text x="0" y="${y + 15}" font-size="12">${label}</text><rect x="240" y="${y + 4}" width="${width.toFixed(1)}" height="14" fill="#4a7"/><text x="${(246 + width).toFixed(1)}" y="${y + 15}" font-size="11">${value.toFixed(3)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="720" height="${22 * bars.length + 10}" font-family="sans-serif">${rows.join('')}</svg>\n`;
}

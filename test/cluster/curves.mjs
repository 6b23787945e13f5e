// node curves.mjs SEEN > picture.svg: what scaling.sh saw each 2 s (seconds, demand, wanted and ready workers) as curves.
import { readFileSync } from 'node:fs';

const rows = readFileSync(process.argv[2], 'utf8')
  .trim()
  .split('\n')
  .map((line) => line.split(' ').map(Number));
const width = 900,
  height = 320,
  left = 50,
  right = 50,
  top = 40,
  bottom = 40;
const lastSecond = rows.at(-1)[0];
const maxDemand = Math.max(8, ...rows.map(([, demand]) => demand));
const maxWorkers = Math.max(4, ...rows.map(([, , wanted]) => wanted)) + 1;
const x = (second) => left + (second / lastSecond) * (width - left - right);
const y = (value, most) => height - bottom - (value / most) * (height - top - bottom);
const points = (pick, most) => rows.map((row) => `${x(row[0]).toFixed(1)},${y(pick(row), most).toFixed(1)}`).join(' ');
/** Workers change at once: a step, no slope. */
const steps = (pick) =>
  rows
    .flatMap((row, at) =>
      at === 0
        ? [[row[0], pick(row)]]
        : [
            [row[0], pick(rows[at - 1])],
            [row[0], pick(row)],
          ],
    )
    .map(([second, value]) => `${x(second).toFixed(1)},${y(value, maxWorkers).toFixed(1)}`)
    .join(' ');
const text = (atX, atY, words, more = '') => `<text x="${atX}" y="${atY}" ${more}>${words}</text>`;
const range = (most, step) => Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
const round = Math.max(1, Math.ceil(maxDemand / 5));

console.log(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<title>Workers of a model over time, as KEDA scales them by its demand</title>
<rect width="${width}" height="${height}" fill="white"/>
${range(lastSecond, 30)
  .map(
    (second) =>
      `<line x1="${x(second)}" x2="${x(second)}" y1="${top}" y2="${height - bottom}" stroke="#eee"/>${text(x(second), height - bottom + 16, second, 'text-anchor="middle"')}`,
  )
  .join('\n')}
${range(maxDemand, round)
  .map((value) => text(left - 6, y(value, maxDemand) + 4, value, 'text-anchor="end" fill="#b45309"'))
  .join('\n')}
${range(maxWorkers, 1)
  .map((value) => text(width - right + 6, y(value, maxWorkers) + 4, value, 'fill="#1d4ed8"'))
  .join('\n')}
<polyline fill="none" stroke="#b45309" stroke-width="1.5" points="${points(([, demand]) => demand, maxDemand)}"/>
<polyline fill="none" stroke="#93c5fd" stroke-width="2" stroke-dasharray="5 4" points="${steps(([, , wanted]) => wanted)}"/>
<polyline fill="none" stroke="#1d4ed8" stroke-width="2" points="${steps(([, , , ready]) => ready)}"/>
${text(left, 20, 'demand: tasks that wait and calls in flight (left)', 'fill="#b45309"')}
${text(left + 330, 20, 'workers wanted (right, dashed)', 'fill="#60a5fa"')}
${text(left + 560, 20, 'workers ready (right)', 'fill="#1d4ed8"')}
${text(width / 2, height - 6, 'seconds', 'text-anchor="middle"')}
</svg>`);

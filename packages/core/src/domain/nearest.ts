/** Up to `count` known names that look like a mistyped one, nearest first; none when all are far off. */
export function nearestNames(name: string, known: Iterable<string>, count = 3): readonly string[] {
  const wanted = name.toLowerCase().slice(0, 64);
  const allowed = Math.max(2, Math.floor(wanted.length / 2));
  const near: { name: string; distance: number }[] = [];
  for (const candidate of known) {
    const lower = candidate.toLowerCase().slice(0, 64);
    if (Math.abs(lower.length - wanted.length) > allowed && !lower.includes(wanted)) continue;
    const distance = lower.includes(wanted) || wanted.includes(lower) ? 1 : editDistance(wanted, lower);
    if (distance <= allowed) near.push({ name: candidate, distance });
  }
  return near
    .sort((a, b) => a.distance - b.distance || (a.name < b.name ? -1 : 1))
    .slice(0, count)
    .map((candidate) => candidate.name);
}

/** How many letters must be put in, taken out or changed to make one word the other. */
function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const changed = (above[column - 1] as number) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(changed, (above[column] as number) + 1, (current[column - 1] as number) + 1));
    }
    above = current;
  }
  return above[b.length] as number;
}

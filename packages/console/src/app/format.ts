/** Nano-USD in dollars, with as many places as show something; unknown is `?`, never zero. */
export function dollars(nanoUsd: number | string | undefined | null): string {
  if (nanoUsd === undefined || nanoUsd === null) return '?';
  const usd = Number(nanoUsd) / 1e9;
  if (usd === 0) return '$0';
  const places = Math.abs(usd) >= 1 ? 2 : Math.min(9, 2 - Math.floor(Math.log10(Math.abs(usd))));
  return `$${usd.toFixed(places)}`;
}

/** A known sum, with a plus sign where calls of unknown cost come on top. */
export function sumOfMoney(group: { cost_nano_usd: number; unknown_costs: number; calls: number }): string {
  if (group.unknown_costs === 0) return dollars(group.cost_nano_usd);
  return group.cost_nano_usd === 0 && group.unknown_costs === group.calls ? '?' : `${dollars(group.cost_nano_usd)}+`;
}

export function duration(ms: number | undefined | null): string {
  if (ms === undefined || ms === null) return '';
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${(ms / 3_600_000).toFixed(1)} h` : `${Math.round(ms / 86_400_000)} days`;
}

const pad = (n: number): string => String(n).padStart(2, '0');

/** Local date and time to the second. */
export function time(at: number | string | undefined): string {
  if (at === undefined || at === 0 || at === '') return '';
  const date = new Date(at);
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  return `${day} ${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
}

/** A part of a whole in percent; nothing where there is no whole. */
export const percent = (part: number, whole: number): string =>
  whole === 0 ? '' : `${((100 * part) / whole).toFixed(1)} %`;

export const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
export const number = (n: number | undefined): string => (n === undefined ? '' : n.toLocaleString('en-US'));
/** A limit's amount in its own metric. */
export const amount = (metric: string, value: number): string =>
  metric === 'nano_usd' ? dollars(value) : number(value);

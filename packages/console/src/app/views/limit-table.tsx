import { amount, time } from '../format.ts';
import { Table } from '../parts/table.tsx';
import type { ShownLimit } from './now.tsx';

/** Limits with their use, and where they end if use goes on as so far. */
export const LimitTable = ({
  caption,
  limits,
}: {
  readonly caption: string;
  readonly limits: readonly ShownLimit[];
}) => (
  <Table
    caption={caption}
    rows={limits}
    keyOf={({ scope, id, metric, period }) => `${scope} ${id} ${metric} ${period}`}
    empty="no document states one."
    columns={[
      {
        title: 'Of',
        value: ({ scope, id }) => <a href={`/documents/${scope}/${encodeURIComponent(id)}`}>{`${scope} ${id}`}</a>,
      },
      { title: 'What', value: ({ metric, period }) => `${metric === 'nano_usd' ? 'money' : metric} per ${period}` },
      { title: 'Used', value: ({ metric, used }) => amount(metric, used), isRight: true },
      { title: 'Limit', value: ({ metric, most }) => amount(metric, most), isRight: true },
      {
        title: 'Share',
        value: ({ used, most }) => (
          <>
            <progress value={used} max={most} aria-label={`${used} of ${most} used`} />{' '}
            {Math.round((100 * used) / most)} %
          </>
        ),
      },
      {
        title: 'Forecast',
        value: ({ metric, forecast }) => (forecast === undefined ? '' : amount(metric, forecast)),
        isRight: true,
      },
      {
        title: 'Used up',
        value: ({ used_up_unix_ms }) => (used_up_unix_ms ? <span class="bad">{time(used_up_unix_ms)}</span> : ''),
      },
      { title: 'Period ends', value: ({ period_ends_unix_ms }) => time(period_ends_unix_ms) },
    ]}
  />
);

import { pathOf, useApi } from '../api.ts';
import { time } from '../format.ts';
import { Filters } from '../parts/filters.tsx';
import { Table } from '../parts/table.tsx';
import { View } from '../parts/view.tsx';
import { useUrlState } from '../url-state.ts';
import { LimitTable } from './limit-table.tsx';
import type { ShownLimit } from './now.tsx';

interface Answer {
  readonly limits: readonly ShownLimit[];
  readonly cooldowns: readonly { readonly model: string; readonly until_ms: number; readonly reason: string }[];
}

export function Limits() {
  const { query } = useUrlState();
  const { data, error } = useApi<Answer>(pathOf('/limits', { client: query['client'] }), 5_000);
  return (
    <View title="Limits and cooldowns" error={error} isLoading={!data}>
      <Filters filters={[{ name: 'client', title: 'Client' }]} />
      {data && (
        <>
          <LimitTable caption="Limits and budgets" limits={data.limits} />
          <h2>Cooldowns</h2>
          <Table
            caption="Models in cooldown"
            rows={data.cooldowns}
            keyOf={({ model }) => model}
            columns={[
              { title: 'Model', value: ({ model }) => model },
              { title: 'Until', value: ({ until_ms }) => time(until_ms) },
              { title: 'Why', value: ({ reason }) => reason },
            ]}
          />
        </>
      )}
    </View>
  );
}

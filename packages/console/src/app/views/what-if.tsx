import { useApi } from '../api.ts';
import { View } from '../parts/view.tsx';
import { useUrlState } from '../url-state.ts';
import type { Listed } from './documents.tsx';
import { Editor } from './editor.tsx';

const example = `# Documents as apply takes them; several are parted by a line of ---
kind: client
name: Acme
data_rules: { avoid_cloud: true }
`;

/** Tries any documents without changing anything. The address names the document that the text begins with. */
export function WhatIf() {
  const { query, set } = useUrlState();
  const { data, error } = useApi<{ documents: readonly Listed[] }>('/documents');
  const chosen = query['document'] ?? '';
  return (
    <View title="What if" error={error}>
      <p>
        What these documents would change. <em>Dry run</em> checks them. <em>Preview moves and money</em> makes recorded
        decisions again by the rules themselves, and says which tasks move and what they would cost.
      </p>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Begin with
          <select value={chosen} onChange={(event) => set({ document: event.currentTarget.value })}>
            <option value="">an example</option>
            {data?.documents.map(({ kind, slug, name }) => (
              <option key={`${kind}/${slug}`} value={`${kind}/${slug}`}>
                {kind} {name}
              </option>
            ))}
          </select>
        </label>
      </form>
      {chosen === '' ? (
        <Editor path="what-if.yaml" text={example} onApplied={() => {}} />
      ) : (
        <OfDocument key={chosen} named={chosen} />
      )}
    </View>
  );
}

function OfDocument({ named }: { readonly named: string }) {
  const [kind = '', slug = ''] = named.split('/');
  const { data, error, reload } = useApi<{ text: string; revision: number }>(
    `/documents/${kind}/${encodeURIComponent(slug)}`,
  );
  return (
    <>
      {error && <p class="bad">{error.message}</p>}
      {data && <Editor key={data.revision} path={`${named}.yaml`} text={data.text} onApplied={reload} />}
    </>
  );
}

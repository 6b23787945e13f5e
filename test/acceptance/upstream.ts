import { type ReplayingUpstream, startReplayingUpstream } from '@will/testkit';
import type { Product } from './product.ts';

/** The upstream that counts what reaches it, as lines name its models. */
export interface Upstream extends Pick<ReplayingUpstream, 'requests' | 'countOf' | 'script' | 'close'> {
  /** Where the product reaches it, without `/v1`. */
  readonly url: string;
  /** Models that it saw requests for since {@link forget}. */
  called(): readonly string[];
  /** Forgets what it saw, and lets every model answer. */
  forget(): void;
}

export async function openUpstream({ names, upstream: place }: Product): Promise<Upstream> {
  const upstream = await startReplayingUpstream(place);
  const scripted = new Set<string>();
  return {
    url: place.url ?? upstream.url,
    get requests() {
      return upstream.requests.map((seen) => ({ ...seen, model: names.read(seen.model) }));
    },
    countOf: (model) => upstream.countOf(names.ours(model)),
    script(model, ...behaviours) {
      scripted.add(model);
      upstream.script(names.ours(model), ...behaviours);
    },
    called: () => upstream.requests.map(({ model }) => names.read(model)),
    forget() {
      for (const model of scripted) upstream.script(names.ours(model), { kind: 'answer' });
      scripted.clear();
      upstream.clear();
    },
    close: () => upstream.close(),
  };
}

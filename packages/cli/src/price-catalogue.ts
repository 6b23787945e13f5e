import { calcPrice, findProvider, type TieredPrices } from '@pydantic/genai-prices';
import { type ModelDocument, modalitiesOfTags, type PricesDocument, type RatesDocument } from '@will/core';

/** What the catalogue calls our rates; all per million tokens. */
const keys: Readonly<Record<keyof RatesDocument, string>> = {
  input: 'input_mtok',
  output: 'output_mtok',
  cached_input: 'cache_read_mtok',
  cache_write: 'cache_write_mtok',
  cache_write_1h: 'cache_write_1h_mtok',
  reasoning: 'output_reasoning_mtok',
  audio_input: 'input_audio_mtok',
  audio_output: 'output_audio_mtok',
  image_input: 'input_image_mtok',
  image_output: 'output_image_mtok',
};
const rateNames = Object.keys(keys) as (keyof RatesDocument)[];

type CataloguePrice = Readonly<Record<string, number | TieredPrices | undefined>>;

/**
 * The prices of a model in the catalogue that is installed with this release, or why there are none. The provider is found by the
 * model's address, else by the name of what speaks to it; the model by what the provider calls it. Nothing is fetched.
 */
export function cataloguePrices(model: ModelDocument, at: Date): PricesDocument | string {
  const modelId = model.provider_model ?? model.slug;
  const provider = model.endpoint
    ? findProvider({ providerApiUrl: model.endpoint })
    : findProvider({ providerId: model.provider });
  if (!provider) return 'its provider is not in the catalogue';
  const found = calcPrice({}, modelId, { provider, timestamp: at });
  if (!found) return `${modelId} is not in the catalogue`;
  if (isByTheHour(found.model.prices)) return 'its price depends on the hour; state `prices.hours` by hand';
  return pricesFrom(found.model_price, givesTokens(model));
}

const isByTheHour = (prices: unknown): boolean =>
  Array.isArray(prices) &&
  prices.some(({ constraint }: { constraint?: { type: string } }) => constraint?.type === 'time_of_date');

/** What gives vectors or scores alone has no output that could cost something. */
function givesTokens({ modalities, tags }: ModelDocument): boolean {
  const output = modalities?.output ?? modalitiesOfTags(tags).output;
  return [...output].some((kind) => kind !== 'embedding' && kind !== 'score');
}

function pricesFrom(price: CataloguePrice, hasOutputTokens: boolean): PricesDocument | string {
  const base = ratesAt(price, 0);
  if (base.input === undefined) return 'the catalogue states no price per token of input';
  if (base.output === undefined && hasOutputTokens) return 'the catalogue states no price per token of output';
  const starts = new Set(
    Object.values(price).flatMap((value) => (isTiered(value) ? value.tiers : []).map(({ start }) => start)),
  );
  const tiers = [...starts]
    .sort((a, b) => a - b)
    .map((start) => ({ above_input_tokens: start, ...ratesAt(price, start, base) }));
  const perThousandCalls = price['requests_kcount'];
  return {
    ...base,
    input: base.input,
    output: base.output ?? 0,
    ...(typeof perThousandCalls === 'number' && { request: perThousandCalls / 1_000 }),
    ...(tiers.length > 0 && { tiers }),
  };
}

const isTiered = (value: number | TieredPrices | undefined): value is TieredPrices => typeof value === 'object';

/** Rates above a length; where `others` is given only those that differ from it. */
function ratesAt(price: CataloguePrice, start: number, others: RatesDocument = {}): RatesDocument {
  return Object.fromEntries(
    rateNames.flatMap((name) => {
      const value = price[keys[name]];
      const rate = isTiered(value) ? (value.tiers.findLast((tier) => tier.start <= start)?.price ?? value.base) : value;
      return rate === undefined || rate === others[name] ? [] : [[name, rate]];
    }),
  );
}

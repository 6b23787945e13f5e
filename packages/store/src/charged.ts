import { costNanoUsd, priceAt, type CallRecord, type PriceList } from '@will/core';

/** The record at other prices; undefined: it stays as it is. */
export function charged(record: CallRecord, prices: PriceList): CallRecord | undefined {
  if (!record.usage) return undefined;
  const price = priceAt(prices, record.startedAtMs);
  const cost = costNanoUsd(record.usage, price);
  const isSame = cost === record.costNanoUsd && JSON.stringify(price) === JSON.stringify(record.price);
  return isSame ? undefined : { ...record, costNanoUsd: cost, price };
}

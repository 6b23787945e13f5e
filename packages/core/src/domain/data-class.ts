/** Two flags in one token (settled): may the data be a customer's, may it be sensitive. */
export type DataClass = 'open' | 'customer' | 'sensitive' | 'customer-sensitive';

/** All data classes, from open to the strictest. */
export const dataClasses: readonly DataClass[] = ['open', 'customer', 'sensitive', 'customer-sensitive'];

/** The strictest class: what data is taken for when nobody says. */
export const strictestDataClass: DataClass = 'customer-sensitive';

/** True of data of customers. */
export const isCustomerData = (dataClass: DataClass): boolean => dataClass.startsWith('customer');
/** True of sensitive data. */
export const isSensitiveData = (dataClass: DataClass): boolean => dataClass.endsWith('sensitive');

/** The class that carries the flags of both: raising is possible, lowering is not. */
export function strictestOf(a: DataClass, b: DataClass): DataClass {
  const customer = isCustomerData(a) || isCustomerData(b);
  const sensitive = isSensitiveData(a) || isSensitiveData(b);
  if (customer) return sensitive ? 'customer-sensitive' : 'customer';
  return sensitive ? 'sensitive' : 'open';
}

/** Tags of a model that say which data it may see. Unknown (absent) admits nothing. */
export interface DataTags {
  readonly securityLevel: 'safe_for_sensitive' | 'non_sensitive_only' | undefined;
  readonly maySeeCustomerData: boolean | undefined;
}

/** True where a model's tags admit data of a class (settled: each flag needs its own tag). */
export const admitsDataClass = (tags: DataTags, dataClass: DataClass): boolean =>
  (!isCustomerData(dataClass) || tags.maySeeCustomerData === true) &&
  (!isSensitiveData(dataClass) || tags.securityLevel === 'safe_for_sensitive');

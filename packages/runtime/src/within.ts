/**
 * Tells whether something happens in so long. Its time alone does not keep the process alive.
 * @throws {unknown} what it rejects with in that time.
 */
export async function within(happens: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise: late, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), ms).unref();
  return Promise.race([happens.then(() => true), late]).finally(() => clearTimeout(timer));
}

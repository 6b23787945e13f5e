/** Somewhere a store of its own can live: opened more than once, then removed. */
export interface Place<Store> {
  open(): Promise<Store>;
  remove(): Promise<void>;
}

interface Closable {
  close(): Promise<void>;
}

/** Runs a body on a fresh store; closes and removes it whatever happens. */
export async function onStore<Store extends Closable>(
  newPlace: () => Promise<Place<Store>>,
  body: (store: Store, reopen: () => Promise<Store>) => Promise<void>,
): Promise<void> {
  const place = await newPlace();
  let store = await place.open();
  const reopen = async (): Promise<Store> => {
    await store.close();
    store = await place.open();
    return store;
  };
  try {
    await body(store, reopen);
  } finally {
    await store.close();
    await place.remove();
  }
}

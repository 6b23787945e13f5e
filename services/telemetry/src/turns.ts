/** Does one thing after the other; one that fails does not hold up the next. */
export type InTurn = <T>(body: () => Promise<T>) => Promise<T>;

export function inTurn(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (body) => {
    const turn = last.then(body);
    last = turn.catch(() => {});
    return turn;
  };
}

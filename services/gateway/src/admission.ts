/** How many tasks may be in flight through all doors of this process together. */
export class Admission {
  readonly most: number;
  #inFlight = 0;
  constructor(most: number) {
    this.most = most;
  }
  /** Whether one more may begin; who got in calls `leave` once. */
  enter(): boolean {
    if (this.#inFlight >= this.most) return false;
    this.#inFlight += 1;
    return true;
  }
  leave(): void {
    this.#inFlight -= 1;
  }
}

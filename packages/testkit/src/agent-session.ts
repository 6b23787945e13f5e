/** One call of a coding agent's session. */
export interface AgentCall {
  /** Since the call before. */
  readonly gapMs: number;
  /** Of the whole prompt; it grows with each call. */
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/**
 * Sessions in the shape that was published of coding agents in 2026: a first prompt of 20,000 tokens and more; turns of a
 * user with 3 to 20 calls each, seconds apart while tools run; between turns a pause whose median is four minutes, so
 * that four of ten outlive a cache of five. Equal seeds give equal sessions.
 */
export function agentSession(seed: number): readonly AgentCall[] {
  const draw = draws(seed);
  const count = 50 + Math.floor(draw() * 100);
  const calls: AgentCall[] = [];
  let [inputTokens, left] = [20_000 + Math.floor(draw() * 20_000), 0];
  while (calls.length < count) {
    const isNewTurn = left === 0;
    if (isNewTurn) left = 3 + Math.floor(draw() * 18);
    left -= 1;
    const gapMs = calls.length === 0 ? 0 : isNewTurn ? pauseMs(draw) : Math.floor(2_000 + draw() ** 3 * 58_000);
    calls.push({ gapMs, inputTokens, outputTokens: 50 + Math.floor(draw() ** 2 * 900) });
    inputTokens = Math.min(120_000, inputTokens + 200 + Math.floor(draw() ** 3 * 4_000));
  }
  return calls;
}

const medianPauseMs = 240_000;

/** Log-normal about the median. */
function pauseMs(draw: () => number): number {
  const normal = Math.sqrt(-2 * Math.log(Math.max(draw(), 1e-9))) * Math.cos(2 * Math.PI * draw());
  return Math.floor(medianPauseMs * Math.exp(normal));
}

/** Numbers from 0 to 1, the same for the same seed. */
export function draws(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

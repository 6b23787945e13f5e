interface ToolCallPiece {
  readonly index?: number;
  readonly id?: string;
  readonly type?: string;
  readonly function?: { readonly name?: string; readonly arguments?: string };
  readonly extra_content?: object;
}

interface ToolCall {
  readonly id: string;
  readonly type: string;
  readonly function: { readonly name: string; readonly arguments: string };
  readonly extra_content?: object;
}

/** Whole tool calls out of their streamed pieces: the first piece names the call, later ones add to its arguments. */
export function mergeToolCalls(pieces: readonly string[]): string {
  if (pieces.length === 0) return '';
  const calls = new Map<number, ToolCall>();
  for (const piece of pieces.flatMap((json) => JSON.parse(json) as ToolCallPiece[])) {
    const index = piece.index ?? 0;
    const call: ToolCall = calls.get(index) ?? { id: '', type: 'function', function: { name: '', arguments: '' } };
    calls.set(index, {
      id: call.id || (piece.id ?? ''),
      type: piece.type ?? call.type,
      function: {
        name: call.function.name + (piece.function?.name ?? ''),
        arguments: call.function.arguments + (piece.function?.arguments ?? ''),
      },
      ...((piece.extra_content ?? call.extra_content) && { extra_content: piece.extra_content ?? call.extra_content }),
    });
  }
  return JSON.stringify([...calls.entries()].sort(([a], [b]) => a - b).map(([, call]) => call));
}

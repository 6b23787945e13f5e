/** A node of the syntax tree, as Stryker's instrumenter hands it in. */
interface SyntaxPath {
  readonly node: {
    readonly type: string;
    readonly value?: unknown;
    readonly quasis?: readonly { readonly value: { readonly raw: string } }[];
  };
}

/**
 * Why a node is left as it is, with all within it. A text for people is no behaviour: that is a string or template with
 * a space inside. undefined: the node is mutated.
 */
export function whyLeftOut({ node }: SyntaxPath): string | undefined {
  return /\S\s+\S/.test(textOf(node)) ? 'wording' : undefined;
}

function textOf({ type, value, quasis = [] }: SyntaxPath['node']): string {
  if (type === 'TemplateLiteral') return quasis.map((part) => part.value.raw).join('…');
  return type === 'StringLiteral' ? String(value) : '';
}

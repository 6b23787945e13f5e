import { z } from 'zod';

/** A tool that takes plain text, or text of a grammar: Codex describes its patches so. */
export const customTool = z.object({
  type: z.literal('custom'),
  name: z.string(),
  description: z.string().nullish(),
  format: z
    .looseObject({ type: z.string(), syntax: z.string().optional(), definition: z.string().optional() })
    .nullish(),
});
/** A tool that takes free text. */
export type CustomTool = z.infer<typeof customTool>;

/** The same tool for models, which know functions alone: its text is the only parameter. */
export const functionOfCustom = ({ name, description, format }: CustomTool): object => ({
  type: 'function',
  function: {
    name,
    description: [description ?? '', grammarOf(format)].filter((text) => text !== '').join('\n\n'),
    parameters: {
      type: 'object',
      properties: { input: { type: 'string', description: 'The whole input of the tool, as plain text.' } },
      required: ['input'],
      additionalProperties: false,
    },
  },
});

const grammarOf = (format: CustomTool['format']): string =>
  format?.definition === undefined
    ? ''
    : `The input must follow this ${format.syntax ?? ''} grammar:\n${format.definition}`;

/** The arguments of a function that stands for a custom tool. */
export const argumentsOfCustom = (input: string): string => JSON.stringify({ input });

/** The text that a model gave for a custom tool; what is not of that form is the text itself. */
export function inputOfCustom(given: string): string {
  try {
    const { input } = JSON.parse(given) as { readonly input?: unknown };
    return typeof input === 'string' ? input : given;
  } catch {
    return given;
  }
}

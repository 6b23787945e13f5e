/**
 * The specification's own notation: sections that begin with `[name]` or `[kind:name]`, each followed by fields in YAML.
 * A bare name is a route. Fences around a block may stay where they are.
 */
export interface Section {
  readonly kind: string;
  readonly name: string;
  /** The fields below the heading. */
  readonly text: string;
  /** Line of the heading, from 1. The text begins on the next one. */
  readonly line: number;
}

const heading = /^\s*\[\s*(?:([A-Za-z_]+)\s*:\s*)?([^\s[\]{}"',:#][^[\]{}"',:#]*?)\s*\]\s*(?:#.*)?$/;
const fence = /^\s*(?:```|~~~)\s*[A-Za-z]*\s*$/;
const commentOrBlank = /^\s*(?:#.*)?$/;
/** No heading is longer; on endless lines these patterns would take long. */
const maxHeading = 200;

/** True of a line that opens or closes a fenced block. */
export const isFence = (line: string): boolean => line.length <= maxHeading && fence.test(line);
const readHeading = (line: string): RegExpExecArray | null => (line.length <= maxHeading ? heading.exec(line) : null);

/** True of a text in this notation: its first line that is no comment is a heading. */
export function isSpecificationNotation(text: string): boolean {
  for (const line of text.split(/\r?\n/)) {
    if (commentOrBlank.test(line) || isFence(line)) continue;
    return readHeading(line) !== null;
  }
  return false;
}

/** True of a file of a folder that holds documents: YAML, JSON, or a text in this notation, whatever its name. */
export const isDocumentFile = (path: string, text: string): boolean =>
  /\.(ya?ml|json)$/i.test(path) || isSpecificationNotation(text);

/** Cuts a text in this notation into its sections. */
export function readSections(text: string): readonly Section[] {
  const sections: Section[] = [];
  let open: { kind: string; name: string; line: number; lines: string[] } | undefined;
  const close = (): void => {
    if (open)
      sections.push({
        kind: open.kind,
        name: open.name,
        line: open.line,
        text: open.lines.join('\n'),
      });
  };
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const found = readHeading(line);
    if (found) {
      close();
      open = {
        kind: found[1]?.toLowerCase() ?? 'route',
        name: found[2] as string,
        line: index + 1,
        lines: [],
      };
    } else {
      // A fence leaves an empty line, so that every other line keeps its number.
      open?.lines.push(isFence(line) ? '' : line);
    }
  }
  close();
  return sections;
}

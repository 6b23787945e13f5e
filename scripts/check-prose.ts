// Measures the documents: words in a sentence, characters in a line. Prints how much it read and the figures.
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.ts';

const limits = { medianWords: 15, p99Words: 35, lineCharacters: 120 } as const;

/** Where things stand is a page of figures, rewritten as a whole. */
const exempt: ReadonlySet<string> = new Set(['docs/STATUS.md']);

export interface ProseReport {
  readonly sentences: number;
  /** The figures in one line. */
  readonly figures: string;
  readonly problems: readonly string[];
}

interface Sentence {
  readonly at: string;
  readonly words: number;
  readonly start: string;
}

/** Reads the documents below a folder laid out as this repository is. */
export function checkProse(base: string = root): ProseReport {
  const paths = globSync(['docs/**/*.md', 'README.md', 'CONTRIBUTING.md'], { cwd: base })
    .sort()
    .filter((path) => !exempt.has(path));
  const texts = paths.map((path) => [path, readFileSync(join(base, path), 'utf8')] as const);
  const sentences = texts.flatMap(([path, text]) => sentencesIn(path, text)).sort((a, b) => a.words - b.words);
  const median = sentences[Math.floor(sentences.length / 2)]?.words ?? 0;
  const p99 = sentences[Math.floor(sentences.length * 0.99)]?.words ?? 0;
  const problems = texts.flatMap(([path, text]) => longLines(path, text));
  if (median > limits.medianWords) problems.push(`sentences: median ${median} words, at most ${limits.medianWords}`);
  if (p99 > limits.p99Words)
    problems.push(
      `sentences: p99 ${p99} words, at most ${limits.p99Words}; the longest:`,
      ...sentences.slice(-20).map(({ at, words, start }) => `  ${at}: ${words} words: ${start}…`),
    );
  return { sentences: sentences.length, figures: `median ${median}, p99 ${p99} words`, problems };
}

/** Lines of prose that are too long; tables, code and links are as long as they are. */
const longLines = (path: string, text: string): string[] =>
  linesOf(text)
    .filter(({ line, isCode }) => line.length > limits.lineCharacters && !isCode && !unbreakable.test(line))
    .map(({ line, number }) => `${path}:${number}: ${line.length} characters, at most ${limits.lineCharacters}`);

/** A row of a table, where a link leads, or one piece of code. */
const unbreakable = /^\s*\||^\[[^\]]+\]: |^\s*\(?`[^`]*`[).,;:]*$/;

function linesOf(text: string): { readonly line: string; readonly number: number; readonly isCode: boolean }[] {
  let isCode = false;
  return text.split('\n').map((line, index) => {
    const isFence = /^\s*(```|~~~)/.test(line);
    if (isFence) isCode = !isCode;
    return { line, number: index + 1, isCode: isCode || isFence };
  });
}

/** Sentences of paragraphs and list items; a table's cells are no prose, and code counts as one word. */
function sentencesIn(path: string, text: string): Sentence[] {
  const found: Sentence[] = [];
  let paragraph = '';
  let startsAt = 0;
  const end = (): void => {
    for (const sentence of split(paragraph)) {
      const words = sentence.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word));
      if (words.length > 1)
        found.push({ at: `${path}:${startsAt}`, words: words.length, start: sentence.slice(0, 60) });
    }
    paragraph = '';
  };
  for (const { line, number, isCode } of linesOf(text)) {
    const isProse = !isCode && line.trim() !== '' && !/^\s*(\||#|<|!\[|---)/.test(line);
    if (!isProse || /^\s*([-*]|\d+\.) /.test(line)) end();
    if (!isProse) continue;
    if (paragraph === '') startsAt = number;
    paragraph += ` ${line.trim().replace(/^([-*]|\d+\.) /, '')}`;
  }
  end();
  return found;
}

const split = (paragraph: string): string[] =>
  paragraph
    .replace(/`[^`]*`/g, 'code')
    .replace(/\]\([^)]*\)/g, ']')
    .split(/(?<=[.!?][)"”*]*)\s+(?=[\p{Lu}\p{N}*[“"]|code)/u)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '');

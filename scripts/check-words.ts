// Finds words of a private language in tracked text: there may be none. Prints how much it read.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './paths.ts';

interface Word {
  /** What to write instead; docs/glossary.md explains it. */
  readonly instead: string;
  readonly pattern: RegExp;
}

const words: readonly Word[] = [
  {
    instead: 'cooldown',
    pattern:
      /\bse(?:nd|nds|nt|nding) (?:\w+ ){0,3}to rest\b|\brestsUntil\b|\brestOf\b|\brestMs\b|\bmodels? (?:that )?cooldowns?\b/g,
  },
  { instead: 'trial call', pattern: /\b(?:take|give|may)Probe\b|\bprober\b|\bisProbe\b/g },
  { instead: 'health check', pattern: /\bwantsLook\b|\blookBySchedule\b|\b[uU]nwell\b|\bisUnwell\b/g },
  { instead: 'degraded', pattern: /\b[sS]uspicions?\b|\bis spared\b/g },
  { instead: 'server or API', pattern: /\b[dD]oors?\b|\bopenDoor\w*/g },
  { instead: 'status', pattern: /\bFineOutcome\b|\bfiner? outcomes?\b/g },
  {
    instead: 'queue',
    pattern: /\bin line (?:behind|since|before|for)\b|\bstands? in line\b|\b\w*[iI]nLine(?:Since)?\w*\b/g,
  },
  { instead: 'max, min or default', pattern: /\b(?:most|longest|fewest|usual)[A-Z]\w*\b/g },
  { instead: 'selection', pattern: /\bPickBasis\b|#picked\b|\bthe pick\b/g },
  { instead: 'backends or ports', pattern: /\b\w*[sS]urroundings\b/g },
  { instead: 'check, authorize or feedback', pattern: /\b\w*[jJ]udge(?:ments?|d|s|Again|By)?\b/g },
  { instead: 'reprice', pattern: /\b\w*[rR]erat(?:e|ed|es|ing)\w*\b/g },
  { instead: 'quote()', pattern: /\bshown\(/g },
  { instead: 'NATS is not connected', pattern: /\bbus (?:is|was|that is|being) away\b/g },
  { instead: 'commit', pattern: /\basksGo\b|\basks_go\b|\bwaits for go\b|\bCALL_COMMAND_GO\b|\bmayGo\b|\bwhenGo\b/g },
  { instead: 'reserved', pattern: /\b(?:isKept|keptSlots|kept_slots|is_kept)\b/g },
  { instead: 'heartbeat', pattern: /\bsigns? of life\b|\bstopBeating\b|\bLifeWatch\b/g },
  { instead: 'observer', pattern: /\bunwatched\b|\b(?:Task|Attempt|Call)Watch\b/g },
  { instead: 'rejection cache', pattern: /\bfloods?\b|\bFloods?\b/g },
  { instead: 'timeout', pattern: /\b\w*[pP]atience\w*\b/g },
  { instead: 'permission test', pattern: /\bprobesFor\b|\bsubscribeProbes\b|\bpublishProbe\b/g },
  { instead: 'recall', pattern: /\bcall(?:In|in)s?\b(?!\()|\bcalled in from\b/g },
  { instead: 'retry', pattern: /\b(?:come|comes|came) again\b/g },
  { instead: 'name who does it', pattern: /\b[wW]hoever\b|\b[wW]hose turn\b/g },
];

/** Text that may hold such words, each with its reason. */
const allowed: readonly (readonly [file: RegExp, reason: string])[] = [
  [/^pnpm-lock\.yaml$|\.binpb$|\/gen\//, 'generated'],
  [/__fixtures__\//, 'recorded: of other makers, or of an earlier release'],
  [/^test\/routing\/release\.ts$/, 'calls an earlier release by its own names'],
  [/^docs\/glossary\.md$|^scripts\/check-words\.ts$|^CHANGELOG\.md$/, 'names the words that are not used'],
];

export interface WordsFound {
  readonly files: number;
  readonly problems: readonly string[];
}

/** Looks for the words in all tracked text. */
export function checkWords(): WordsFound {
  const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' }).split('\0');
  const files = tracked.filter((file) => file !== '' && !allowed.some(([pattern]) => pattern.test(file)));
  return { files: files.length, problems: files.flatMap((file) => problemsIn(file, textOf(file))) };
}

const problemsIn = (file: string, text: string): string[] =>
  words.flatMap(({ instead, pattern }) =>
    [...text.matchAll(pattern)].map(
      ({ index, 0: found }) =>
        `${file}:${text.slice(0, index).split('\n').length}: "${found}" needs the word "${instead}"`,
    ),
  );

/** '' where it is no text, or was removed and not yet committed. */
function textOf(file: string): string {
  try {
    const text = readFileSync(join(root, file), 'utf8');
    return text.includes('\0') ? '' : text;
  } catch {
    return '';
  }
}

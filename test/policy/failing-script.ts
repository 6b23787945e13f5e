import type { Behaviour } from '@will/testkit';
import type { Random } from './random.ts';

/** What a model's calls meet: about every second fails before its content, some within it; later ones are answered. */
export const failingScript = (random: Random, calls: number): Behaviour[] => [
  ...Array.from({ length: calls }, (): Behaviour => {
    if (random.chance(0.5)) return { kind: 'answer' };
    const failures: readonly Behaviour[] = [
      { kind: 'status', status: 500 },
      { kind: 'reset' },
      { kind: 'nonsense' },
      { kind: 'breaks', after: 0, how: 'cut' },
      { kind: 'breaks', after: 2, how: 'error_event' },
    ];
    return random.pick(failures);
  }),
  { kind: 'answer' },
];

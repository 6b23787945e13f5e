import type { ModelConnection } from '@will/providers';
import { labForms, type LabUpstream, streamOf } from '@will/testkit';
import { askInLab } from './lab-worker.ts';

export interface Bystander {
  /** Ends after the stream that is under way. @returns how many streams came whole, and how many did not. */
  stop(): Promise<{ readonly whole: number; readonly broken: number }>;
}

const text = Array.from({ length: 12 }, (_, n) => `piece ${n} `);

/** Another caller of the same process and the same connection, who streams one answer after another all the time. */
export function startBystander(upstream: LabUpstream, connection: ModelConnection, model: string): Bystander {
  const [form] = labForms;
  if (!form) throw new Error('there is no form');
  const pieces = streamOf(form, { text, finish: 'stop', usage: [5, 7] });
  upstream.answer(model, { headers: { 'content-type': 'text/event-stream' }, pieces, gapMs: 2 });
  let isStopped = false;
  const seen = { whole: 0, broken: 0 };
  const streaming = (async () => {
    while (!isStopped) {
      const ran = await askInLab(connection, {
        input: '{"messages":[{"role":"user","content":"go on"}]}',
        stream: true,
      });
      const isWhole =
        ran.record.status === 'Success' && ran.text === text.join('') && ran.record.usage?.outputTokens === 7;
      seen[isWhole ? 'whole' : 'broken'] += 1;
    }
  })();
  return {
    async stop() {
      isStopped = true;
      await streaming;
      return seen;
    },
  };
}

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** One model behind an upstream, and the route to it. */
export const models = (url: string): string => `
kind: model
name: bench
tags: [text_gen]
call_method: Local
provider: openai-compatible
endpoint: ${url}/v1
data_residency: EU
compliance: none
security_level: safe_for_sensitive
allowed_tasks: { can_this_model_see_customer_data: yes }
limits: { concurrency: 512 }
---
kind: route
name: text_gen
primary: bench
---
kind: settings
name: global
default_data_class: open
`;

/** Starts one of the bench's own programs beside this one. */
export async function helper(
  file: string,
  env: Record<string, string> = {},
): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(new URL(file, import.meta.url), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${code}`);
  });
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [{ url?: string }];
  ended.catch(() => {});
  return { child, url: message.url ?? '' };
}

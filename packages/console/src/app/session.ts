import { signal } from '@preact/signals';
import { ask } from './api.ts';

export interface Session {
  readonly role: 'caller' | 'operator' | 'auditor' | 'owner';
  readonly client: string;
  readonly key_id: string;
  readonly are_keys_required: boolean;
}

/** The viewer's session. `undefined`: not asked yet; `null`: nobody has signed in. */
export const session = signal<Session | null | undefined>(undefined);
export const sessionError = signal<string>('');
/** True: viewers may sign in by an OpenID provider, too. */
export const hasOidc = signal(false);

export async function loadSession(): Promise<void> {
  try {
    const answer = await ask<Session | { readonly role: null; readonly has_oidc: boolean }>('/session');
    if (answer.role === null) hasOidc.value = answer.has_oidc;
    session.value = answer.role === null ? null : answer;
  } catch (error) {
    session.value = null;
    sessionError.value = (error as Error).message;
  }
}

export async function signOut(): Promise<void> {
  await ask('/session', { method: 'DELETE' });
  session.value = null;
}

export const isOwner = (): boolean => session.value?.role === 'owner';
export const isCaller = (): boolean => session.value?.role === 'caller';

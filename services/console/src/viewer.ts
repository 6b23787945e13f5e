import type { KeyIdentity } from '@will/bus';
import { AdminError } from './api/errors.ts';

/** The person who looks, and the bounds; `client` and `keyId` are '' where no keys are asked for. */
export type Viewer = KeyIdentity;

/** The viewer on this machine, where no keys are asked for. */
export const localOwner: Viewer = {
  role: 'owner',
  client: '',
  projects: [],
  taskTypes: [],
  dataClass: undefined,
  keyId: '',
};

/** Name of the viewer in history and audit log. */
export function authorOf({ keyId }: Viewer): string {
  if (keyId === '') return 'console';
  return keyId.startsWith('oidc:') ? keyId : `key ${keyId}`;
}

/** Parts of a question that say whose data it is about. */
export interface Scope {
  readonly client?: string | undefined;
  readonly project?: string | undefined;
}

/**
 * A question as the viewer may ask it: callers ask about their own client and projects alone. `isByProject`: the question
 * can be bound to a project. @throws {AdminError} 'forbidden'
 */
export function scoped<T extends Scope>(viewer: Viewer, asked: T, isByProject: boolean): T {
  if (viewer.role !== 'caller') return asked;
  const { client = viewer.client } = asked;
  if (client !== viewer.client) throw forbidden(`client ${quote(client)} is not this key's, ${viewer.client}`);
  if (viewer.projects.length === 0) return { ...asked, client };
  if (!isByProject) throw forbidden('a key that is bound to projects may not read what is told of its whole client');
  const { project = viewer.projects.length === 1 ? viewer.projects[0] : undefined } = asked;
  if (project === undefined || !viewer.projects.includes(project))
    throw forbidden(`project ${quote(project ?? '')} must be one of this key's: ${viewer.projects.join(', ')}`);
  return { ...asked, client, project };
}

/** True where a viewer may see what belongs to a client and project. */
export function maySee(viewer: Viewer, { client, project }: Scope): boolean {
  if (viewer.role !== 'caller') return true;
  if (client !== viewer.client) return false;
  return viewer.projects.length === 0 || viewer.projects.includes(project ?? '');
}

const forbidden = (message: string): AdminError => new AdminError('forbidden', message);
const quote = (text: string): string => JSON.stringify(text.slice(0, 64));

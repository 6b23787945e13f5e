import type { Environment } from './environment.ts';
import type { ServiceName } from './order.ts';

/** What the one process of all services is sent: services by groups, and the settings of each. */
export interface Hosted {
  readonly groups: readonly (readonly { readonly name: ServiceName; readonly env: Environment }[])[];
}

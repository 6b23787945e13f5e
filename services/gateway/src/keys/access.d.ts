import type { KeyRole } from '@will/contracts';
/** Who may ask: anybody at all, or keys of these roles. */
export type Access = 'anybody' | readonly KeyRole[];
/** `<method> <route>` → who may. What does not stand here is refused to everybody: a new route says for whom it is. */
export declare const httpAccess: Readonly<Record<string, Access>>;
/** `<service>/<method>` → who may; the same rule. */
export declare const grpcAccess: Readonly<Record<string, Access>>;
export declare const accessTo: (table: Readonly<Record<string, Access>>, what: string) => Access;

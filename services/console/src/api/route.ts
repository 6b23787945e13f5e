import type { KeyRole } from '@will/contracts';
import type { z } from 'zod';
import type { ConsoleBackends } from '../backends.ts';
import type { Viewer } from '../viewer.ts';

export type Method = 'GET' | 'POST' | 'DELETE';

/** Roles that may ask, by what a route does. A route that is not in the table is nobody's. */
export const roles = {
  everyone: ['caller', 'operator', 'auditor', 'owner'],
  readers: ['operator', 'auditor', 'owner'],
  runners: ['caller', 'operator', 'owner'],
  owners: ['owner'],
} as const satisfies Readonly<Record<string, readonly KeyRole[]>>;

export interface AskedRoute<Query, Body> {
  readonly query: Query;
  readonly body: Body;
  /** What stands for the braces of the path, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly viewer: Viewer;
}

/** An answer that is written piece by piece. `write` resolves when more may follow; the signal: the viewer left. */
export class Streamed {
  readonly contentType: string;
  readonly send: (write: (text: string) => Promise<void>, signal: AbortSignal) => Promise<void>;
  constructor(contentType: string, send: Streamed['send']) {
    this.contentType = contentType;
    this.send = send;
  }
}

/** One line of the route table: everything that guard, dispatcher and OpenAPI need to know. */
export interface Route {
  readonly method: Method;
  /** `/admin/v1/…`, with `{name}` for a segment. */
  readonly path: string;
  readonly access: readonly KeyRole[];
  readonly summary: string;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Changes something that no service notes in the audit log by itself. */
  readonly isNoted?: boolean;
  readonly answer: (asked: AskedRoute<never, never>, backends: ConsoleBackends) => Promise<unknown>;
}

type Infer<T> = T extends z.ZodType ? z.infer<T> : undefined;

/** A route whose query and body have the types of their schemas. */
export const route = <
  Query extends z.ZodObject | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(
  described: Omit<Route, 'answer' | 'query' | 'body'> & {
    readonly query?: Query;
    readonly body?: Body;
    readonly answer: (asked: AskedRoute<Infer<Query>, Infer<Body>>, backends: ConsoleBackends) => Promise<unknown>;
  },
): Route => described as unknown as Route;

import { headers, type MsgHdrs, type NatsConnection, type Status, type Subscription } from '@nats-io/nats-core';
import { BusError } from '../api.ts';
import { type BusPermissions, type BusUser, busUsers, permissionsOfUser } from './users.ts';

/** One thing that a user must not be able to do. */
export interface PermissionTest {
  readonly operation: 'publish' | 'subscribe';
  readonly subject: string;
  /** Within this queue; absent: alone. */
  readonly queue?: string;
}

/** Stands where a name would: nobody has it. */
const nobody = 'x-selftest';
/** No JSON and no message of ours: who gets it against all rules does nothing. */
const nonsense = new Uint8Array([0x78]);
/** And no stream keeps it, since none has this name. */
function keptByNobody(): MsgHdrs {
  const carried = headers();
  carried.set('Nats-Expected-Stream', nobody);
  return carried;
}

/** What none of our users may do. */
const forbiddenToAll: readonly PermissionTest[] = [
  ...[
    '$SYS.REQ.SERVER.PING',
    '$JS.API.STREAM.LIST',
    `$JS.API.STREAM.DELETE.${nobody}`,
    `$JS.API.STREAM.UPDATE.${nobody}`,
    `$JS.API.STREAM.CREATE.${nobody}`,
    `$JS.API.STREAM.PURGE.${nobody}`,
    `$KV.${nobody}.x`,
    'will.v1.selftest',
  ].map((subject): PermissionTest => ({ operation: 'publish', subject })),
  ...['>', '$JS.>', '$KV.>', '_INBOX.>', 'will.v1.>'].map(
    (subject): PermissionTest => ({ operation: 'subscribe', subject }),
  ),
];

/**
 * Operations that a user must not be able to do: of every family of subjects that another user may reach, one subject
 * whose names nobody has. Subjects of JetStream's requests are tried as they are, with a body that it refuses to read.
 * @param user undefined: some user whose table is not known here.
 */
export function permissionTestsFor(user: BusUser | undefined): readonly PermissionTest[] {
  if (user === undefined) return forbiddenToAll;
  const own = permissionsOfUser(user);
  const others = busUsers.filter((other) => other !== user).map(permissionsOfUser);
  const publish = others.flatMap((other) => other.publish).flatMap(publishTests);
  const subscribe = others.flatMap((other) => other.subscribe).flatMap(subscribeTests);
  const found = [...forbiddenToAll, ...publish, ...subscribe].filter(
    (permissionTest) => !isAllowed(own, permissionTest),
  );
  return [...new Map(found.map((permissionTest) => [textOf(permissionTest), permissionTest])).values()];
}

/** True where a table allows it. */
export function isAllowed(
  { publish, subscribe }: BusPermissions,
  { operation, subject, queue }: PermissionTest,
): boolean {
  if (operation === 'publish') return publish.some((pattern) => covers(pattern, subject));
  return subscribe.some((allowed) => {
    const [pattern = '', within] = allowed.split(' ');
    return covers(pattern, subject) && (within === undefined || within === queue);
  });
}

/** A subject that changes nothing is tried as it is; of others, one beside it that nobody serves. */
function publishTests(pattern: string): PermissionTest[] {
  const isRequest = pattern.startsWith('$JS.API.');
  const concrete = concreteOf(pattern);
  const isHarmless = isRequest || concrete !== pattern;
  return isHarmless ? [{ operation: 'publish', subject: concrete }] : [];
}

/** Alone, which would be to listen in; and within the queue, under a name that nobody asks for. */
function subscribeTests(allowed: string): PermissionTest[] {
  const [pattern = '', queue] = allowed.split(' ');
  const alone: PermissionTest = { operation: 'subscribe', subject: pattern };
  const concrete = concreteOf(pattern);
  // To join a queue where something is asked would take it away from whom it is for.
  if (queue === undefined || concrete === pattern) return [alone];
  return [alone, { operation: 'subscribe', subject: concrete, queue }];
}

const concreteOf = (pattern: string): string =>
  pattern
    .split('.')
    .map((token) => (token === '*' || token === '>' ? nobody : token))
    .join('.');

/** Whether all that one pattern stands for, the other one stands for too. */
function covers(pattern: string, subject: string): boolean {
  const [wanted, given] = [pattern.split('.'), subject.split('.')];
  for (const [at, token] of wanted.entries()) {
    if (token === '>') return given.length > at;
    const other = given[at];
    if (other === undefined || other === '>' || (token !== '*' && token !== other)) return false;
  }
  return wanted.length === given.length;
}

const textOf = ({ operation, subject, queue }: PermissionTest): string =>
  `${operation} ${subject}${queue === undefined ? '' : ` in queue ${queue}`}`;

/**
 * Tries what must be refused, once, before anything else is done with a connection. @throws {BusError} 'unsuitable' when
 * something of it works: the server's permissions are not those of the product.
 *
 * @returns how much was tried
 */
export async function mustBeConfined(connection: NatsConnection, user?: BusUser): Promise<number> {
  const permissionTests = permissionTestsFor(user);
  const worked = await permittedOf(connection, permissionTests);
  const shown = worked.slice(0, 5).map(textOf).join(', ');
  if (worked.length > 0)
    throw new BusError(
      'unsuitable',
      `the bus lets ${user === undefined ? 'this user' : `the user of ${user}`} reach ${worked.length} subjects that it must not (${shown}): give it the permissions that \`willm bus config\` writes`,
    );
  return permissionTests.length;
}

/** The operations among these that the server does not refuse. */
export async function permittedOf(
  connection: NatsConnection,
  permissionTests: readonly PermissionTest[],
): Promise<readonly PermissionTest[]> {
  const refused = new Set<string>();
  const statuses = connection.status();
  void noteRefusals(statuses, refused);
  const subscriptions: Subscription[] = [];
  for (const { operation, subject, queue } of permissionTests)
    if (operation === 'publish') connection.publish(subject, nonsense, { headers: keptByNobody() });
    else subscriptions.push(connection.subscribe(subject, { callback: () => {}, ...(queue && { queue }) }));
  await connection.flush();
  // What the server refused it said before the flush's answer; it is told some turns later.
  for (let turns = 0; turns < 20 && refused.size < permissionTests.length; turns += 1)
    await new Promise((resolve) => setImmediate(resolve));
  for (const subscription of subscriptions) if (!subscription.isClosed()) subscription.unsubscribe();
  (statuses as { stop?: () => void }).stop?.();
  return permissionTests.filter((permissionTest) => !refused.has(textOf(permissionTest)));
}

async function noteRefusals(statuses: AsyncIterable<Status>, refused: Set<string>): Promise<void> {
  for await (const status of statuses) {
    if (status.type !== 'error') continue;
    const permissionTest = refusedBy(String(status.error));
    if (permissionTest) refused.add(textOf(permissionTest));
  }
}

/** `Permissions Violation for Subscription to "a.b" using queue "q"` */
function refusedBy(message: string): PermissionTest | undefined {
  const [, what, subject, queue] =
    /permissions violation for (publish|subscription) to "([^"]+)"(?: using queue "([^"]+)")?/i.exec(message) ?? [];
  if (what === undefined || subject === undefined) return undefined;
  const operation = what.toLowerCase() === 'publish' ? 'publish' : 'subscribe';
  return { operation, subject, ...(queue !== undefined && { queue }) };
}

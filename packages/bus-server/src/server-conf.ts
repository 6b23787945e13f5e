import { type BusPermissions, type BusUser, busUsers, permissionsOfUser } from '@will/bus';

/** A user that may connect, as the server's configuration has it. */
export interface ServerUser {
  readonly name: string;
  /** An nkey's public key, or `$NAME`: taken from the server's environment. */
  readonly publicKey: string;
  readonly permissions: BusPermissions;
}

/** Options of a nats-server's configuration file. */
export interface ServerConfOptions {
  /** Said at the head of the file. */
  readonly about: string;
  /** Files of the server's certificate; absent: no TLS. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string } | undefined;
  /** File with the users, relative to this one; absent: the one that reaches the server is let in. */
  readonly users?: string | undefined;
  /** Where the server notes its process, so that it can be told to read its files again. */
  readonly pidFile?: string | undefined;
  /** Folder of its streams; absent: given as a flag. */
  readonly storeFolder?: string | undefined;
}

/** The configuration of every nats-server that we bring or ship. */
export function serverConf({ about, tls, users, pidFile, storeFolder }: ServerConfOptions): string {
  return `${[
    commented(about),
    limits,
    ...(pidFile === undefined ? [] : [`pid_file: ${JSON.stringify(pidFile)}`]),
    jetStream(storeFolder),
    ...(tls ? [tlsBlock(tls)] : []),
    ...(users === undefined ? [] : [`include ${JSON.stringify(users)}`]),
  ].join('\n\n')}\n`;
}

/** The file of users: their public keys, and what each may do. */
export function usersConf(users: readonly ServerUser[]): string {
  return `${commented('Who may do what on the bus; what is not named is refused. Public keys only.')}
authorization {
  users: [
${users.map(userBlock).join('\n')}
  ]
}
`;
}

/** Files that are shipped, by name: for one machine without users, and for a server that takes users' public keys from its environment. */
export function shippedFiles(): ReadonlyMap<string, string> {
  return new Map([
    [
      'embedded.conf',
      serverConf({
        about:
          'The nats-server that `npm start` brings. Port, address and store folder come as flags.\nFor one machine and its own programs; a shared bus needs users, permissions and TLS.',
      }),
    ],
    [
      'secure.conf',
      serverConf({
        about:
          'A bus with users and TLS. Made by `pnpm run do:bus-files`, as users.conf beside it is; `willm bus config` makes the same\nwith keys and certificates of your own.',
        tls: { ca: '/etc/nats/ca.crt', cert: '/etc/nats/server.crt', key: '/etc/nats/server.key' },
        users: 'users.conf',
        storeFolder: '/data',
      }),
    ],
    [
      'users.conf',
      usersConf(
        busUsers.map((user) => ({
          name: user,
          publicKey: `$${variableOf(user)}`,
          permissions: permissionsOfUser(user),
        })),
      ),
    ],
  ]);
}

const variableOf = (user: BusUser): string => `WILL_NKEY_${user.replaceAll('-', '_').toUpperCase()}`;

const commented = (text: string): string =>
  text
    .split('\n')
    .map((line) => `# ${line}`)
    .join('\n');

const limits = `max_payload: 1MB
# What one slow reader may leave unread before it is cut off.
max_pending: 16MB
# A client that is gone without a word is noticed within 30 s.
ping_interval: "10s"
ping_max: 2`;

const jetStream = (storeFolder: string | undefined): string => `jetstream {
${storeFolder === undefined ? '' : `  store_dir: ${JSON.stringify(storeFolder)}\n`}  # An acknowledged publish is on the disk.
  sync_interval: always
  max_memory_store: 256MB
  max_file_store: 10GB
}`;

const tlsBlock = ({ ca, cert, key }: NonNullable<ServerConfOptions['tls']>): string => `tls {
  ca_file: ${JSON.stringify(ca)}
  cert_file: ${JSON.stringify(cert)}
  key_file: ${JSON.stringify(key)}
  # Who connects shows a certificate of the same authority.
  verify: true
  min_version: "1.3"
  # Nothing is said in the clear to who begins with TLS; who does not is told after this time that it is needed.
  handshake_first: "1s"
  timeout: 5
}`;

function userBlock({ name, publicKey, permissions: { publish, subscribe } }: ServerUser): string {
  return `    # ${name}
    {
      nkey: ${publicKey}
      permissions: {
        publish: { allow: [
${listed(publish)}
        ] }
        subscribe: { allow: [
${listed(subscribe)}
        ] }
      }
    }`;
}

const listed = (subjects: readonly string[]): string =>
  [...new Set(subjects)].map((subject) => `          ${JSON.stringify(subject)}`).join('\n');

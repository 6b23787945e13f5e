import { nkeys } from '@nats-io/nats-core';
import { jsonOperations, names, patterns, queues, subjects, taskOperations } from '@will/contracts';

/** Permissions of one user of the bus; what does not stand here is refused. */
export interface BusPermissions {
  readonly publish: readonly string[];
  /** A subject, or subject and queue: within that queue only, so that nobody listens in. */
  readonly subscribe: readonly string[];
}

/** Services that are users of the bus. */
export const busServices = [
  'registry',
  'policy',
  'router',
  'provider-worker',
  'telemetry',
  'tasks',
  'gateway',
  'console',
] as const;
/** A service that is a user of the bus. */
export type BusService = (typeof busServices)[number];
/** A user of the bus beside callers. */
export type BusUser = BusService | 'operator';

const bucket = (name: string): string => `KV_${name}`;
const put = (name: string): string => `$KV.${name}.>`;
const inQueue = (subject: string, queue: string): string => `${subject} ${queue}`;

/** To look at a stream and read it. No stream is changed, purged or deleted by these. */
const reading = (stream: string): readonly string[] => [
  `$JS.API.STREAM.INFO.${stream}`,
  `$JS.API.STREAM.MSG.GET.${stream}`,
  `$JS.API.DIRECT.GET.${stream}`,
  `$JS.API.DIRECT.GET.${stream}.>`,
  `$JS.API.CONSUMER.CREATE.${stream}`,
  `$JS.API.CONSUMER.CREATE.${stream}.>`,
  `$JS.API.CONSUMER.INFO.${stream}.>`,
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.>`,
  `$JS.API.CONSUMER.DELETE.${stream}.>`,
  `$JS.ACK.${stream}.>`,
  `$JS.FC.${stream}.>`,
];
/** The same, and to make it where it is not there; making one that is there changes nothing. */
const opening = (stream: string): readonly string[] => [...reading(stream), `$JS.API.STREAM.CREATE.${stream}`];

const payloads = [
  ...opening(`OBJ_${names.payloadBucket}`),
  `$JS.API.STREAM.PURGE.OBJ_${names.payloadBucket}`,
  `$O.${names.payloadBucket}.>`,
];
const content = [subjects.content, ...opening(names.contentStream)];
/** Cooldowns are read; the one written key says that all has been told. */
const cooldowns = [`$KV.${names.cooldownBucket}.all-told`, ...opening(bucket(names.cooldownBucket))];
const counters = ['will.v1.ctr.>', 'will.v1.rate.>', ...opening(names.ledgerStream), ...opening(names.rateStream)];

/** What every service needs: to live, to be seen, and to know the documents. */
const everybody = (service: BusService, scope: string): BusPermissions => ({
  publish: [
    '$JS.API.INFO',
    'will.v1.heartbeat.*',
    `will.v1.evt.${scope}.*`,
    put(names.processesBucket),
    ...opening(bucket(names.processesBucket)),
    ...opening(bucket(names.registryBucket)),
    ...opening(names.eventsStream),
    // Answers go to the caller that asked, and no further: `_INBOX` is where nobody serves anything.
    '_INBOX.>',
    ...(service === 'registry' ? [] : [subjects.audit('note')]),
  ],
  subscribe: [`_INBOX.${scope}.>`, 'will.v1.heartbeat.*'],
});

/** Questions of operators, and the changes that they make. */
const asking = [
  'will.v1.task.*.*',
  'will.v1.cancel.*.*',
  'will.v1.inflight.*.*',
  'will.v1.registry.*',
  'will.v1.keys.*',
  subjects.audit('list'),
  subjects.audit('verify'),
  'will.v1.telemetry.*',
];

const own: Readonly<Record<BusService, BusPermissions>> = {
  registry: {
    publish: [
      put(names.registryBucket),
      `$JS.API.STREAM.PURGE.${bucket(names.registryBucket)}`,
      put(names.keysBucket),
      ...opening(bucket(names.keysBucket)),
      put(names.auditBucket),
      ...opening(bucket(names.auditBucket)),
      subjects.telemetry('recent'),
      subjects.tasksNaming,
      ...payloads,
    ],
    subscribe: [
      inQueue('will.v1.registry.*', queues.registry),
      inQueue('will.v1.keys.*', queues.registry),
      inQueue('will.v1.audit.*', queues.registry),
    ],
  },
  policy: {
    publish: [subjects.policyEdge, ...cooldowns],
    subscribe: [inQueue('will.v1.policy.*', queues.policy)],
  },
  router: {
    publish: [
      subjects.policyDecide,
      'will.v1.call.*.*',
      'will.v1.call.*.*.*',
      'will.v1.control.*',
      'will.v1.cancel.*.*',
      'will.v1.inflight.*.*',
      ...cooldowns,
      patterns.sessions,
      ...opening(names.sessionsStream),
      ...payloads,
      ...content,
    ],
    subscribe: [
      inQueue('will.v1.task.run.*', queues.router),
      'will.v1.cancel.*.*',
      'will.v1.inflight.*.*',
      'will.v1.free.*',
      patterns.sessions,
      subjects.policyEdge,
    ],
  },
  'provider-worker': {
    publish: [
      'will.v1.free.*',
      'will.v1.quota.recall.>',
      put(names.cooldownBucket),
      ...opening(bucket(names.cooldownBucket)),
      ...counters,
      ...payloads,
      ...content,
      subjects.telemetry('open'),
      subjects.telemetry('limits'),
    ],
    subscribe: [
      inQueue('will.v1.call.*.*', queues.worker),
      inQueue('will.v1.call.*.*.*', queues.worker),
      'will.v1.control.*',
      'will.v1.cancel.*.*',
      'will.v1.inflight.*.*',
      'will.v1.quota.recall.>',
    ],
  },
  telemetry: {
    publish: [
      ...counters,
      ...content,
      'will.v1.quota.recall.>',
      `$JS.API.STREAM.MSG.DELETE.${names.eventsStream}`,
      `$JS.API.STREAM.PURGE.${names.ledgerStream}`,
      `$JS.API.STREAM.PURGE.${names.rateStream}`,
      put(names.alertsBucket),
      ...opening(bucket(names.alertsBucket)),
      ...cooldowns,
    ],
    subscribe: [inQueue('will.v1.telemetry.*', queues.telemetry), 'will.v1.quota.recall.>'],
  },
  tasks: {
    publish: [
      'will.v1.task.run.*',
      'will.v1.cancel.*.*',
      'will.v1.inflight.*.*',
      'will.v1.task.queue.>',
      'will.v1.sched.>',
      'will.v1.result.>',
      ...opening(names.tasksStream),
      ...opening(names.resultsStream),
      `$JS.API.STREAM.PURGE.${names.tasksStream}`,
      `$JS.API.STREAM.PURGE.${names.resultsStream}`,
      ...payloads,
    ],
    // In the name of each task's client.
    subscribe: [
      ...taskOperations.map((word) => inQueue(`will.v1.task.${word}.*`, queues.tasks)),
      inQueue(subjects.tasksErase, queues.tasks),
      inQueue(subjects.tasksNaming, queues.tasks),
      'will.v1.result.*.*',
      '_INBOX.*.*.*',
    ],
  },
  gateway: {
    publish: [
      'will.v1.task.run.*',
      ...taskOperations.map((word) => `will.v1.task.${word}.*`),
      'will.v1.cancel.*.*',
      'will.v1.inflight.*.*',
      subjects.policyExplain,
      subjects.registry('get'),
      subjects.registry('status'),
      subjects.telemetry('calls'),
      subjects.telemetry('usage'),
      subjects.telemetry('feedback'),
      subjects.telemetry('decision'),
      ...opening(bucket(names.keysBucket)),
      put(names.secretBucket),
      ...opening(bucket(names.secretBucket)),
      ...payloads,
    ],
    // For every client that comes in by its servers.
    subscribe: [inQueue('will.v1.json.*.*', queues.json), 'will.v1.json.cancel.*', '_INBOX.*.*.*'],
  },
  // Asks what the command line asks, and runs tasks for its playground.
  console: {
    publish: [
      ...asking,
      subjects.policyExplain,
      ...reading(bucket(names.cooldownBucket)),
      ...opening(bucket(names.keysBucket)),
      ...payloads,
    ],
    subscribe: ['_INBOX.*.*.*'],
  },
};

const scopes: Readonly<Record<BusService, string>> = {
  registry: 'registry',
  policy: 'policy',
  router: 'router',
  'provider-worker': 'worker',
  telemetry: 'telemetry',
  tasks: 'tasks',
  gateway: 'gateway',
  console: 'console',
};

/** Permissions of a service's user. */
export function permissionsOf(service: BusService): BusPermissions {
  const all = everybody(service, scopes[service]);
  const more = own[service];
  return { publish: [...all.publish, ...more.publish], subscribe: [...all.subscribe, ...more.subscribe] };
}

/** Permissions of one client's own services: its tasks, its inbox, and nothing of anybody else. */
export const permissionsOfClient = (client: string): BusPermissions => ({
  publish: [
    subjects.taskRun(client),
    ...jsonOperations.map((word) => subjects.json(word, client)),
    ...taskOperations.map((word) => `will.v1.task.${word}.${client}`),
    `will.v1.cancel.*.${client}`,
    `will.v1.inflight.*.${client}`,
  ],
  subscribe: [`_INBOX.${client}.>`, 'will.v1.heartbeat.*'],
});

/** Permissions of the command line: to ask every service, and to be nobody's server. */
export const operatorPermissions: BusPermissions = {
  publish: [
    '$JS.API.INFO',
    ...asking,
    subjects.tasksErase,
    subjects.policyExplain,
    ...reading(bucket(names.registryBucket)),
    ...opening(bucket(names.processesBucket)),
    ...reading(bucket(names.cooldownBucket)),
    // Documents that are too large for a message.
    ...payloads,
  ],
  subscribe: ['_INBOX.*.>', 'will.v1.heartbeat.*'],
};

/** All users that the product itself has. */
export const busUsers: readonly BusUser[] = ['operator', ...busServices];

/** Subjects that a user may publish to and subscribe to. */
export const permissionsOfUser = (user: BusUser): BusPermissions =>
  user === 'operator' ? operatorPermissions : permissionsOf(user);

/** A new user: its seed stays with who is that user, its public key goes into the server's configuration. */
export function newBusUser(): { readonly seed: string; readonly publicKey: string } {
  const pair = nkeys.createUser();
  return { seed: Buffer.from(pair.getSeed()).toString(), publicKey: pair.getPublicKey() };
}

/** The public key of a seed. */
export const publicKeyOf = (seed: string): string =>
  nkeys.fromSeed(new Uint8Array(Buffer.from(seed.trim()))).getPublicKey();

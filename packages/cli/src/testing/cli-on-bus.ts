import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBinary, toBinary, type DescMessage, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { type Bus, connectBus } from '@will/bus';
import { create, newId, queues, readMessage, subjects, wire } from '@will/contracts';
import { nameKey } from '@will/core';
import { startNatsServer, type NatsServer } from '@will/testkit';
import { runCli } from '../program.ts';
import { fakeTerminal } from './fake-terminal.ts';

/** Names that documents have. */
const slugsOfNames = new Map([
  ['acmelegal', 'acmelegal'],
  ['acme legal', 'acme-legal'],
  ['müller recht', 'm-ller-recht'],
  ['gpt-4', 'gpt-4'],
]);

/** The command line against a real bus on which a test plays the services. */
export class CliOnBus {
  readonly nats: NatsServer;
  readonly bus: Bus;
  /** A folder of the test's own. */
  readonly folder: string;
  readonly #cleanups: (() => Promise<void>)[] = [];

  private constructor(nats: NatsServer, bus: Bus, folder: string) {
    this.nats = nats;
    this.bus = bus;
    this.folder = folder;
  }

  static async start(): Promise<CliOnBus> {
    const nats = await startNatsServer();
    const bus = await connectBus({ servers: nats.url, processId: `test-${newId()}`, inboxScope: 'test' });
    // Plays the registry that knows whose names are typed.
    bus.serve(subjects.registry('resolve'), queues.registry, ({ data }) => {
      const { name } = readMessage(wire.ResolveRequestSchema, data);
      const slug = slugsOfNames.get(nameKey(name));
      const answer = slug === undefined ? { nearest: ['AcmeLegal'] } : { slug };
      return toBinary(wire.ResolveResponseSchema, create(wire.ResolveResponseSchema, answer));
    });
    return new CliOnBus(nats, bus, await mkdtemp(join(tmpdir(), 'will-cli-')));
  }

  async stop(): Promise<void> {
    await this.bus.close();
    await this.nats.stop();
    await rm(this.folder, { recursive: true });
  }

  /** What one test opened is closed after it by `cleanUp`. */
  after(cleanup: () => Promise<void>): void {
    this.#cleanups.push(cleanup);
  }

  async cleanUp(): Promise<void> {
    for (const cleanup of this.#cleanups.splice(0)) await cleanup();
  }

  async willm(...args: string[]): Promise<{ code: number; out: string; err: string }> {
    const terminal = fakeTerminal({ env: { NATS_URL: this.nats.url } });
    const code = await runCli(args, terminal);
    return { code, out: terminal.stdout(), err: terminal.stderr() };
  }

  /** Plays a service: answers one subject, and keeps what it was asked. */
  serve<Q extends DescMessage, A extends DescMessage>(
    subject: string,
    questionSchema: Q,
    answerSchema: A,
    answer: (question: MessageShape<Q>) => MessageInitShape<A>,
  ): MessageShape<Q>[] {
    const asked: MessageShape<Q>[] = [];
    const serving = this.bus.serve(subject, 'test', ({ data }) => {
      const question = fromBinary(questionSchema, data);
      asked.push(question);
      return toBinary(answerSchema, create(answerSchema, answer(question)));
    });
    this.after(() => serving.stop());
    return asked;
  }
}

import { answerInFlight, type Bus, type Incoming, type Serving } from '@will/bus';
import type { DataClass } from '@will/core';
import {
  create,
  fromBinary,
  isInboxOf,
  patterns,
  queues,
  readMessage,
  subjects,
  toBinary,
  wire,
} from '@will/contracts';
import type { Groups, IncomingCall, LastWord } from '../ports.ts';
import type { CallIndex } from '../call/call-index.ts';

/** Queue groups on the bus. A call whose inboxes are not the router's and its client's own is not served. */
export function busGroups(bus: Bus, onError: (what: string, error: unknown) => void): Groups {
  const words = new Words(bus);
  return {
    join(model, classes, onCall) {
      const serve = (subject: string, dataClass: DataClass): Serving =>
        bus.serve(subject, queues.worker, (message) => {
          const call = read(words, message, dataClass);
          if (call) onCall(call);
          else
            onError('a call', new Error(`a message to ${message.subject} is no call, or answers to a foreign inbox`));
          return undefined;
        });
      const memberships = classes.flatMap((dataClass) => [
        serve(subjects.call(dataClass, model), dataClass),
        serve(subjects.callAt(dataClass, model, bus.processId), dataClass),
      ]);
      return {
        async leave() {
          await Promise.all(memberships.map((membership) => membership.stop()));
        },
      };
    },
    announceFree(model, { toAll, kept }) {
      if (!bus.isConnected) return;
      const word = create(wire.FreeSlotsSchema, { workerId: bus.processId, slots: toAll, reservedSlots: kept });
      bus.publish(subjects.free(model), toBinary(wire.FreeSlotsSchema, word));
    },
  };
}

/** Words are kept up to so much; beyond it they are sent once. */
const maxKeptBytes = 16 * 1024 * 1024;
/** The server confirms what was sent this often, while there is something. */
const confirmEveryMs = 100;

interface Word {
  readonly subject: string;
  readonly data: Uint8Array;
}

/**
 * Words of calls to routers and callers, in their order. A connection that ends takes along what its server had not read:
 * each word is kept until the server confirms that it came, and sent again on the next connection. So it may come twice.
 */
class Words {
  readonly processId: string;
  readonly #bus: Bus;
  #kept: Word[] = [];
  #keptBytes = 0;
  #connections = 0;
  #isConfirming = false;

  constructor(bus: Bus) {
    this.#bus = bus;
    this.processId = bus.processId;
    bus.onConnectionChange((isConnected) => isConnected && this.#sendAgain());
  }

  send(subject: string, data: Uint8Array): void {
    if (this.#bus.isConnected) this.#bus.publish(subject, data);
    if (this.#keptBytes + data.length > maxKeptBytes) return;
    this.#keptBytes += data.length;
    this.#kept.push({ subject, data });
    if (!this.#isConfirming) void this.#confirm();
  }

  #sendAgain(): void {
    this.#connections += 1;
    for (const { subject, data } of this.#kept) this.#bus.publish(subject, data);
    void this.#confirm();
  }

  /** Never rejects. */
  async #confirm(): Promise<void> {
    if (this.#isConfirming) return;
    this.#isConfirming = true;
    while (this.#kept.length > 0 && this.#bus.isConnected) {
      await new Promise((resolve) => setTimeout(resolve, confirmEveryMs).unref());
      const [count, connection] = [this.#kept.length, this.#connections];
      const isConfirmed = await this.#bus.connection.flush().then(
        () => this.#bus.isConnected,
        () => false,
      );
      if (isConfirmed && connection === this.#connections) this.#forget(count);
    }
    this.#isConfirming = false;
  }

  #forget(count: number): void {
    for (const { data } of this.#kept.splice(0, count)) this.#keptBytes -= data.length;
  }
}

/** Its bytes lie among those of others, which they would hold: so it is kept as text, one character for each. */
class EndWord implements LastWord {
  readonly #words: Words;
  readonly #subject: string;
  readonly #text: string;

  constructor(words: Words, subject: string, data: Uint8Array) {
    this.#words = words;
    this.#subject = subject;
    this.#text = Buffer.from(data.buffer, data.byteOffset, data.length).toString('latin1');
  }

  sayAgain(): void {
    this.#words.send(this.#subject, Buffer.from(this.#text, 'latin1'));
  }
}

function read(words: Words, message: Incoming, dataClass: DataClass): IncomingCall | undefined {
  const request = parse(message.data);
  if (!request || !isInboxOf('router', message.reply)) return undefined;
  const { callerInbox, attemptId, facts } = request;
  if (!facts || !isInboxOf(facts.client, callerInbox)) return undefined;
  const { reply } = message;
  const tell = (kind: wire.CallEvent['kind']): Uint8Array => {
    const event = create(wire.CallEventSchema, { attemptId, workerId: words.processId, kind });
    const data = toBinary(wire.CallEventSchema, event);
    words.send(reply, data);
    return data;
  };
  return {
    request,
    dataClass,
    toRouter: tell,
    endToRouter: (kind) => new EndWord(words, reply, tell(kind)),
    toCaller: (frame) => words.send(callerInbox, toBinary(wire.FrameSchema, frame)),
  };
}

function parse(data: Uint8Array): wire.CallRequest | undefined {
  try {
    return readMessage(wire.CallRequestSchema, data);
  } catch {
    return undefined;
  }
}

/** Obeys routers (commit, revoke, cancel by attempt) and callers (cancel by task). */
export function obeyCommands(bus: Bus, calls: CallIndex): { stop(): void } {
  const control = bus.listen(subjects.control(bus.processId), ({ data }) =>
    calls.obey(fromBinary(wire.CallControlSchema, data)),
  );
  const cancels = bus.listen(patterns.cancels(bus.processId), ({ subject, data }) => {
    const client = subject.slice(subject.lastIndexOf('.') + 1);
    for (const call of calls.ofTask(client, fromBinary(wire.CancelSchema, data).taskId)) call.cancel();
  });
  const inFlights = answerInFlight(bus, (work) => calls.has(work));
  // The one that was told may have been told on a connection that is lost.
  const stopListening = bus.onConnectionChange((isConnected) => isConnected && calls.sayAllAgain());
  return {
    stop() {
      stopListening();
      control.unsubscribe();
      cancels.unsubscribe();
      inFlights.stop();
    },
  };
}

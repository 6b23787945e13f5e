import { askAfterMs, BusError, type Bus, findWork, type Incoming, type LivenessMonitor } from '@will/bus';
import { create, fromBinary, subjects, toBinary, wire } from '@will/contracts';
import { contain, maxTimeoutMs } from '@will/core';
import { AnswerPieces } from './answer-pieces.ts';
import { type CancelSignal, TaskError, type StreamPart, type TaskErrorCode, type TaskResult } from './api.ts';
import { codeOfFailure } from './failure.ts';
import type { TaskMessage } from './task-message.ts';
import { ReplyOwner } from './reply-owner.ts';

/**
 * A router says at once that it has the task. Longer than a process stands still that is alive, and silence means that
 * the task did not arrive; unless this process, or the server, stood still itself.
 */
const acceptWithinMs = 3_000;
const askAgainMs = 250;
/** Routers that leave, or that stood still, pass a task on: so often it is sent again. */
const maxPassedOn = 5;
/** A router that passes a task on names a shorter pause. */
const maxPauseMs = 500;
/** The router ends a task at its deadline; this much later the caller ends it by itself. */
const deadlineGraceMs = 250;

/** Parts of the connection that a run needs. */
export interface RunSupport {
  readonly bus: Bus;
  readonly life: LivenessMonitor;
  /** Whether silence of others means something now. */
  isInTouch(): Promise<boolean>;
  /** Registers the run under a new inbox; frames to it come to `onMessage`. */
  openInbox(client: string, onMessage: (message: Incoming) => void): { readonly subject: string; close(): void };
}

/** A task that is to be run. */
export interface ToRun {
  readonly client: string;
  readonly message: TaskMessage;
  readonly onPart: (part: StreamPart) => void;
  readonly nowMs: number;
  /** Default: it is, for as long as the caller waits. */
  readonly isStillWanted?: (() => Promise<boolean>) | undefined;
  /** Cancels it. */
  readonly signal?: CancelSignal | undefined;
}

/**
 * One task of one caller, from its publication to its one end. The caller watches the process that owns the reply: the router
 * until an attempt has content, that attempt's worker from then on.
 */
export class Run {
  readonly result: Promise<TaskResult>;
  readonly #support: RunSupport;
  readonly #client: string;
  readonly #subject: string;
  readonly #message: TaskMessage;
  readonly #onPart: (part: StreamPart) => void;
  readonly #owner: ReplyOwner;
  readonly #answer: AnswerPieces;
  readonly #isStillWanted: () => Promise<boolean>;
  readonly #signal: CancelSignal | undefined;
  readonly #resolve: (result: TaskResult) => void;
  readonly #reject: (error: TaskError) => void;
  readonly #deadlineTimer: NodeJS.Timeout;
  #inbox: { readonly subject: string; close(): void } | undefined;
  #acceptTimer: NodeJS.Timeout | undefined;
  #publications = 0;
  #passedOn = 0;
  #stopListening: (() => void) | undefined;
  #receiveLate: ((message: Incoming) => void) | undefined;
  /** The attempt whose content counts; content of lower ones is dropped. */
  #attempt = 0;
  #sequence = 0;
  #hasContent = false;
  #isOver = false;

  constructor(support: RunSupport, { client, message, onPart, nowMs, isStillWanted, signal }: ToRun) {
    this.#isStillWanted = isStillWanted ?? always;
    this.#signal = signal;
    // A client that cannot stand in a subject is refused here, before anything is armed.
    this.#subject = subjects.taskRun(client);
    signal?.addEventListener('abort', this.#cancel);
    this.#support = support;
    this.#client = client;
    this.#message = message;
    this.#owner = new ReplyOwner(support, { client, id: message.taskId });
    this.#answer = new AnswerPieces(message.taskId);
    this.#onPart = onPart;
    const { promise, resolve, reject } = Promise.withResolvers<TaskResult>();
    this.result = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#deadlineTimer = setTimeout(
      contain(() => this.#fail('deadline', 'the deadline passed', { isRetryable: true }), this.#stray),
      maxMs(message, nowMs) + deadlineGraceMs,
    );
    this.#stopListening = support.bus.onConnectionChange((isConnected) => {
      if (!isConnected) this.#fail('unavailable', 'the connection to the bus was lost', { isRetryable: true });
    });
    this.#publish();
  }

  readonly #cancel = (): void => this.cancel();

  /** Fails this task alone. */
  readonly #stray = (error: unknown): void => {
    this.#support.bus.report('a task of this client', error);
    this.#reject(
      new TaskError('internal', 'the client library failed', { taskId: this.#message.taskId, cause: error }),
    );
  };

  /** Ends the task for the caller, and tells the process that owns it; where nobody does yet, as soon as a router says so. */
  cancel(): void {
    if (this.#isOver) return;
    if (this.#owner.isKnown) this.#owner.cancel();
    else this.#cancelWhenAccepted();
    this.#fail('cancelled', 'the caller cancelled the task');
  }

  #cancelWhenAccepted(): void {
    const inbox = this.#inbox;
    // The run lets go of its inbox only after the router has spoken, or can no longer be expected to.
    this.#inbox = undefined;
    const timer = setTimeout(
      contain(() => inbox?.close(), this.#stray),
      acceptWithinMs,
    );
    this.#receiveLate = (message) => {
      if (message.isNoResponders) return;
      const { kind } = fromBinary(wire.FrameSchema, message.data);
      // A quick answer is its own acceptance.
      const isEnd = kind.case === 'end' || kind.case === 'failure';
      if (kind.case !== 'accepted' && kind.case !== 'started' && !isEnd) return;
      clearTimeout(timer);
      inbox?.close();
      if (isEnd) return;
      this.#owner.name(kind.case === 'accepted' ? kind.value.routerId : kind.value.workerId);
      this.#owner.cancel();
    };
  }

  /** Sends the task with an inbox of its own, so that frames of an earlier publication can never mix in. */
  #publish(): void {
    this.#publications += 1;
    this.#owner.forget();
    this.#inbox?.close();
    this.#inbox = this.#support.openInbox(this.#client, (message) => this.#receive(message));
    this.#attempt = 0;
    this.#sequence = 0;
    try {
      this.#support.bus.publish(this.#subject, this.#message.bytes, this.#inbox.subject);
    } catch (error) {
      // The result is a promise: the failure must not overtake its creation.
      const code =
        error instanceof BusError && error.code === 'too_large'
          ? 'too_large'
          : error instanceof BusError
            ? 'unavailable'
            : 'invalid_task';
      queueMicrotask(
        contain(
          () => this.#fail(code, (error as Error).message, { isRetryable: code === 'unavailable', cause: error }),
          this.#stray,
        ),
      );
      return;
    }
    this.#acceptTimer = setTimeout(
      contain(() => this.#search(), this.#stray),
      askAfterMs,
    );
  }

  /** No router has spoken: the one that took the task may have died before it did. */
  async #search(): Promise<void> {
    const publication = this.#publications;
    const askedMs = performance.now();
    const isAwaited = (): boolean => !this.#isOver && !this.#owner.isKnown && publication === this.#publications;
    const mayWait = (): boolean => isAwaited() && performance.now() - askedMs < acceptWithinMs - askAfterMs;
    const isInTouch = await this.#support.isInTouch();
    const found = isInTouch
      ? await findWork(this.#support.bus, { client: this.#client, id: this.#message.taskId }, mayWait)
      : 'unknown';
    if (!isAwaited()) return;
    if (found === 'lost') return this.#repeatOrGiveUp('router_lost', 'the router died');
    if (found === 'unknown') return this.#awaitAcceptance(acceptWithinMs - askAfterMs - (performance.now() - askedMs));
    this.#watchRouter(found.routerId);
  }

  #watchRouter(routerId: string): void {
    this.#owner.watch(routerId, () => this.#repeatOrGiveUp('router_lost', 'the router died'));
  }

  #awaitAcceptance(withinMs: number): void {
    this.#acceptTimer = setTimeout(
      contain(() => this.#notAccepted(), this.#stray),
      withinMs,
    );
  }

  async #notAccepted(): Promise<void> {
    const publication = this.#publications;
    const isInTouch = await this.#support.isInTouch();
    if (this.#isOver || this.#owner.isKnown || publication !== this.#publications) return;
    if (isInTouch) this.#repeatOrGiveUp('unavailable', `no router accepted the task within ${acceptWithinMs} ms`);
    else this.#awaitAcceptance(askAgainMs);
  }

  #repeatOrGiveUp(code: TaskErrorCode, message: string): void {
    if (this.#isOver) return;
    clearTimeout(this.#acceptTimer);
    this.#owner.stopWatching();
    const giveUp = (): void => this.#fail(code, message, { isRetryable: true });
    if (this.#publications - this.#passedOn > 1) return giveUp();
    void this.#publishAgain(giveUp);
  }

  /** The process that asks may have stood still, so that the task is somebody else's by now. */
  async #publishAgain(giveUp: () => void): Promise<void> {
    const publication = this.#publications;
    this.#owner.forget();
    const isWanted = await this.#isStillWanted().catch(() => false);
    // A router that spoke meanwhile has it after all.
    if (this.#isOver || this.#owner.isKnown || publication !== this.#publications) return;
    if (isWanted) this.#publish();
    else giveUp();
  }

  #receive(message: Incoming): void {
    if (this.#isOver) return this.#receiveLate?.(message);
    if (message.isNoResponders) return this.#fail('unavailable', 'no router is running', { isRetryable: true });
    const frame = fromBinary(wire.FrameSchema, message.data);
    if (frame.attempt === 0) return this.#fromRouter(frame);
    if (frame.attempt < this.#attempt) return;
    if (frame.attempt > this.#attempt) {
      // The one that's content came first is the answer: a call that was given up as undelivered can still have spoken first.
      if (this.#hasContent) return;
      this.#attempt = frame.attempt;
      this.#sequence = 0;
    }
    // A worker whose connection was lost says again what may not have come.
    if (frame.sequence <= this.#sequence) return;
    this.#sequence += 1;
    if (frame.sequence !== this.#sequence) return this.#lostFrames(frame.sequence);
    this.#fromWorker(frame);
  }

  #fromRouter(frame: wire.Frame): void {
    clearTimeout(this.#acceptTimer);
    const { kind } = frame;
    if (kind.case === 'accepted') {
      this.#answer.accepted(kind.value);
      if (kind.value.confirmWanted) void this.#sayWanted(kind.value.routerId);
      if (!this.#hasContent) this.#watchRouter(kind.value.routerId);
    } else if (kind.case === 'counts') {
      if (kind.value.attempt > this.#attempt && !this.#hasContent) {
        this.#attempt = kind.value.attempt;
        this.#sequence = 0;
      }
    } else if (kind.case === 'failure') {
      if (kind.value.notTaken) this.#passedOnBy(kind.value);
      else this.#failed(kind.value);
    }
  }

  /** Another router may take what this one did not, unless it was tried often enough. */
  #passedOnBy(failure: wire.Failure): void {
    if (this.#hasContent || this.#passedOn >= maxPassedOn) return this.#failed(failure);
    this.#passedOn += 1;
    // Nothing that this router says counts from here on.
    this.#inbox?.close();
    this.#owner.stopWatching();
    this.#owner.forget();
    this.#acceptTimer = setTimeout(
      contain(() => this.#publishAgain(() => this.#failed(failure)), this.#stray),
      Math.min(failure.retryAfterMs, maxPauseMs),
    );
  }

  /** The router stood still, and runs the task only where that is still to be done. */
  async #sayWanted(routerId: string): Promise<void> {
    const { bus } = this.#support;
    const publication = this.#publications;
    const isWanted = await this.#isStillWanted().catch(() => false);
    if (!isWanted || this.#isOver || publication !== this.#publications || !bus.isConnected) return;
    const request = create(wire.InFlightRequestSchema, { wanted: [this.#message.taskId] });
    bus.publish(subjects.inFlight(routerId, this.#client), toBinary(wire.InFlightRequestSchema, request));
  }

  #fromWorker(frame: wire.Frame): void {
    const { kind } = frame;
    if (kind.case === 'started') this.#start(kind.value);
    else if (kind.case === 'delta') {
      this.#owner.heard();
      this.#onPart(this.#answer.add(kind.value));
    } else if (kind.case === 'end') this.#end(kind.value);
    else if (kind.case === 'failure') this.#failed(kind.value);
  }

  #start(started: wire.Started): void {
    this.#hasContent = true;
    this.#owner.watch(started.workerId, () =>
      this.#fail('worker_lost', `the worker died in the middle of the answer of ${started.model}`, {
        isRetryable: true,
      }),
    );
    this.#onPart(this.#answer.started(started));
  }

  #end(end: wire.End): void {
    const result = this.#answer.result(end);
    this.#close();
    this.#onPart({ kind: 'end', result });
    this.#resolve(result);
  }

  #failed(failure: wire.Failure): void {
    const { message, retryable, retryAfterMs, decisionId, attempts, exclusions } = failure;
    this.#fail(codeOfFailure(failure.code), message, {
      isRetryable: retryable,
      retryAfterMs,
      decisionId,
      attempts,
      exclusions,
    });
  }

  #lostFrames(sequence: number): void {
    this.#owner.cancel();
    this.#fail('truncated', `piece ${this.#sequence} of the answer was lost on the way (${sequence} came)`, {
      isRetryable: true,
    });
  }

  #fail(code: TaskErrorCode, message: string, details: Partial<ConstructorParameters<typeof TaskError>[2]> = {}): void {
    if (this.#isOver) return;
    this.#close();
    const decisionId = details.decisionId ?? this.#answer.decisionId;
    this.#reject(new TaskError(code, message, { ...details, decisionId, taskId: this.#message.taskId }));
  }

  #close(): void {
    this.#isOver = true;
    clearTimeout(this.#acceptTimer);
    clearTimeout(this.#deadlineTimer);
    this.#owner.stopWatching();
    this.#stopListening?.();
    this.#signal?.removeEventListener('abort', this.#cancel);
    this.#inbox?.close();
  }
}

const always = (): Promise<boolean> => Promise.resolve(true);

/** How long it may take; where the router sets the deadline, it tells its end. */
const maxMs = ({ deadlineUnixMs }: TaskMessage, nowMs: number): number =>
  deadlineUnixMs === 0 ? maxTimeoutMs : deadlineUnixMs - nowMs;

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import nats
import nats.errors
from google.protobuf.message import Message
from nats.aio.client import Client
from nats.aio.msg import Msg
from will.v1 import durable_pb2, task_pb2

from ._api import Delta, TaskClient, TaskError, TaskResult, error_of
from ._messages import delta_of, new_id, result_of

_Answer = TypeVar("_Answer", bound=Message)
_log = logging.getLogger("will_client")

_connect_within_s = 5.0
"""For the first connection; one that is lost later is made again for as long as it takes."""

_accept_within_s = 3.0
"""A router says at once that it has a task; after so long without a word it did not arrive."""
_ask_after_s = 0.5
"""Silence is no death: it only begins the questions to the process that has the task."""
_ask_again_s = 0.1
_answer_within_s = 1.0
_max_passed_on = 5
_reconnect_s = 0.35
"""A process that lives and lost its connection listens again within this."""
_deadline_grace_s = 0.25
_longest_s = 3600.0
_durable_within_s = 5.0


async def connect_nats(
    url: str, client: str, seed_file: str | None, tls_ca: str | None, tls_cert: str | None, tls_key: str | None
) -> NatsClient:
    options: dict[str, Any] = {}
    if seed_file is not None:
        options["nkeys_seed"] = seed_file
    if tls_ca is not None:
        context = ssl.create_default_context(cafile=tls_ca)
        if tls_cert is not None:
            context.load_cert_chain(tls_cert, tls_key)
        options.update(tls=context, tls_handshake_first=True)
    opened = NatsClient(await _connected(url, options), client)
    await opened.listen()
    return opened


async def _connected(url: str, options: dict[str, Any]) -> Client:
    """Raises TaskError `unavailable` where nobody answers in time: nats-py itself would try forever."""
    last: Exception | None = None

    async def note(error: Exception) -> None:
        nonlocal last
        last = error
        _log.info("NATS: %s", error)

    connection = Client()
    connecting = connection.connect(url, name="will-client", max_reconnect_attempts=-1, error_cb=note, **options)
    try:
        await asyncio.wait_for(connecting, _connect_within_s)
    except (OSError, nats.errors.Error, asyncio.TimeoutError) as error:
        why = last or error
        raise TaskError("unavailable", f"no nats-server answers at {url}: {why}", is_retryable=True) from error
    return connection


class NatsClient(TaskClient):
    def __init__(self, connection: Client, client: str) -> None:
        self._connection = connection
        self._client = client
        self._prefix = f"_INBOX.{client}.{new_id()}"
        self._inboxes: dict[str, asyncio.Queue[Msg]] = {}

    async def listen(self) -> None:
        async def take(message: Msg) -> None:
            inbox = self._inboxes.get(message.subject)
            if inbox is not None:
                inbox.put_nowait(message)

        await self._connection.subscribe(f"{self._prefix}.*", cb=take)

    async def close(self) -> None:
        await self._connection.close()

    async def _run(self, task: task_pb2.Task) -> TaskResult:
        pieces: list[Delta] = []
        async for part in self._parts(task):
            if isinstance(part, task_pb2.End):
                return result_of(task.task_id, part, pieces)
            pieces.append(part)
        raise TaskError("truncated", "the task ended without an end", task.task_id)

    async def _stream(self, task: task_pb2.Task) -> AsyncIterator[Delta]:
        async for part in self._parts(task):
            if isinstance(part, task_pb2.End):
                return
            yield part

    async def _parts(self, task: task_pb2.Task) -> AsyncIterator[Delta | task_pb2.End]:
        """Pieces in order, then the end. A task that no router takes, or whose router dies, is sent once more; one that
        a router passes on goes to another, a few times."""
        repeats = passed_on = 0
        while True:
            inbox = f"{self._prefix}.{new_id()}"
            queue: asyncio.Queue[Msg] = asyncio.Queue()
            self._inboxes[inbox] = queue
            run = _Run(self, task, queue)
            has_ended = False
            try:
                await self._publish(f"will.v1.task.run.{self._client}", task.SerializeToString(), inbox)
                if not await run.accepted() and repeats == 0:
                    repeats += 1
                    continue
                async for part in run.parts():
                    has_ended = has_ended or isinstance(part, task_pb2.End)
                    yield part
                return
            except _NotTaken as error:
                has_ended = True
                if passed_on == _max_passed_on:
                    raise
                passed_on += 1
                await asyncio.sleep(error.retry_after_ms / 1000)
            except TaskError as error:
                has_ended = True
                if error.code != "router_lost" or repeats > 0:
                    raise
                repeats += 1
            finally:
                del self._inboxes[inbox]
                if run.owner and not has_ended:
                    await self._cancel(run.owner, task.task_id)

    async def say_wanted(self, router: str, task_id: str) -> None:
        """A router that stood still runs the task only where that is still to be done."""
        request = task_pb2.InFlightRequest(wanted=[task_id])
        await self._publish(f"will.v1.inflight.{router}.{self._client}", request.SerializeToString())

    async def is_absent(self, owner: str, task_id: str) -> bool:
        """Whether the server says that nobody listens on a process's own subject."""
        inbox = f"{self._prefix}.{new_id()}"
        queue: asyncio.Queue[Msg] = asyncio.Queue()
        self._inboxes[inbox] = queue
        try:
            request = task_pb2.InFlightRequest(ids=[task_id])
            await self._publish(f"will.v1.inflight.{owner}.{self._client}", request.SerializeToString(), inbox)
            return _is_nobody(await asyncio.wait_for(queue.get(), _answer_within_s))
        except asyncio.TimeoutError:
            return False
        finally:
            del self._inboxes[inbox]

    async def _cancel(self, owner: str, task_id: str) -> None:
        cancel = task_pb2.Cancel(task_id=task_id)
        await self._publish(f"will.v1.cancel.{owner}.{self._client}", cancel.SerializeToString())

    async def _publish(self, subject: str, data: bytes, reply: str = "") -> None:
        try:
            await self._connection.publish(subject, data, reply)
        except nats.errors.MaxPayloadError as error:
            raise TaskError("too_large", "the task exceeds what a message may hold") from error
        except nats.errors.Error as error:
            raise TaskError("unavailable", f"NATS is not connected: {error}", is_retryable=True) from error

    async def _submit(self, request: durable_pb2.SubmitRequest) -> durable_pb2.DurableTask:
        answer = await self._ask("submit", request, durable_pb2.SubmitResponse, 0)
        if answer.HasField("failure"):
            raise error_of(answer.failure, request.task.task_id)
        return answer.task

    async def _task(self, request: durable_pb2.GetTaskRequest) -> durable_pb2.DurableTask:
        answer = await self._ask("get", request, durable_pb2.GetTaskResponse, request.wait_ms / 1000)
        if answer.HasField("failure"):
            raise error_of(answer.failure, request.task_id)
        return answer.task

    async def _ask(self, operation: str, request: Message, answer: type[_Answer], wait_s: float) -> _Answer:
        inbox = f"{self._prefix}.{new_id()}"
        queue: asyncio.Queue[Msg] = asyncio.Queue()
        self._inboxes[inbox] = queue
        try:
            # Each operation, done twice, is as done once: a task's id tells that it is the same.
            for _ in range(3):
                await self._publish(f"will.v1.task.{operation}.{self._client}", request.SerializeToString(), inbox)
                try:
                    message = await asyncio.wait_for(queue.get(), _durable_within_s + wait_s)
                except asyncio.TimeoutError:
                    continue
                if _is_nobody(message):
                    raise TaskError("unavailable", "no tasks service is running", is_retryable=True)
                return answer.FromString(message.data)
        finally:
            del self._inboxes[inbox]
        raise TaskError("unavailable", "the tasks service did not answer in time", is_retryable=True)


def _is_nobody(message: Msg) -> bool:
    return bool(message.headers and message.headers.get("Status") == "503")


class _NotTaken(TaskError):
    """A router did not take the task, and another one may."""


class _Run:
    """One publication of a task: its frames, in order, of the attempt that counts."""

    def __init__(self, client: NatsClient, task: task_pb2.Task, queue: asyncio.Queue[Msg]) -> None:
        self._client = client
        self._first: task_pb2.Frame | None = None
        self._task = task
        self._queue = queue
        self._attempt = 0
        self._sequence = 0
        self._has_content = False
        self.owner = ""
        deadline_s = task.deadline_unix_ms / 1000 - time.time() if task.deadline_unix_ms else _longest_s
        self._until = time.monotonic() + deadline_s + _deadline_grace_s

    async def accepted(self) -> bool:
        """Whether somebody has the task. A quick answer is its own acceptance."""
        try:
            frame = await self._next(_accept_within_s)
        except asyncio.TimeoutError:
            return False
        if frame.HasField("accepted"):
            await self._take_acceptance(frame.accepted)
        else:
            self._first = frame
        return True

    async def _take_acceptance(self, accepted: task_pb2.Accepted) -> None:
        if not self._has_content:
            self.owner = accepted.router_id
        if accepted.confirm_wanted:
            await self._client.say_wanted(accepted.router_id, self._task.task_id)

    async def parts(self) -> AsyncIterator[Delta | task_pb2.End]:
        while True:
            frame = self._first or await self._frame()
            self._first = None
            kind = frame.WhichOneof("kind")
            if kind == "accepted":
                await self._take_acceptance(frame.accepted)
            if kind == "failure" and frame.attempt == 0:
                raise self._refused(frame.failure)
            if kind == "counts" and frame.counts.attempt > self._attempt and not self._has_content:
                self._attempt, self._sequence = frame.counts.attempt, 0
            if frame.attempt == 0 or not self._counts(frame):
                continue
            if kind == "failure":
                raise error_of(frame.failure, self._task.task_id)
            if kind == "started":
                self._has_content = True
                self.owner = frame.started.worker_id
            elif kind == "delta":
                yield delta_of(frame.delta)
            elif kind == "end":
                yield frame.end
                return

    async def _frame(self) -> task_pb2.Frame:
        """The next frame. Raises TaskError where the process that has the task is dead, or the deadline passed."""
        absences = 0
        absent_since_s = 0.0
        while True:
            left_s = self._until - time.monotonic()
            if left_s <= 0:
                raise TaskError("deadline", "the deadline passed", self._task.task_id, is_retryable=True)
            try:
                return await self._next(min(left_s, _ask_after_s if absences == 0 else _ask_again_s))
            except asyncio.TimeoutError:
                asked_s = time.monotonic()
                if not self.owner or not await self._client.is_absent(self.owner, self._task.task_id):
                    absences = 0
                    continue
                absent_since_s = asked_s if absences == 0 else absent_since_s
                absences += 1
                if absences >= 2 and time.monotonic() - absent_since_s >= _reconnect_s:
                    raise self._lost() from None

    def _refused(self, failure: task_pb2.Failure) -> TaskError:
        error = error_of(failure, self._task.task_id)
        return _NotTaken(**vars(error)) if failure.not_taken and not self._has_content else error

    def _lost(self) -> TaskError:
        code = "worker_lost" if self._has_content else "router_lost"
        return TaskError(code, f"process {self.owner} died", self._task.task_id, is_retryable=True)

    def _counts(self, frame: task_pb2.Frame) -> bool:
        """Whose content came first is the answer; a worker says again what may not have come."""
        if frame.attempt < self._attempt or (frame.attempt > self._attempt and self._has_content):
            return False
        if frame.attempt > self._attempt:
            self._attempt, self._sequence = frame.attempt, 0
        if frame.sequence <= self._sequence:
            return False
        if frame.sequence != self._sequence + 1:
            raise TaskError("truncated", "a part of the answer was lost", self._task.task_id, is_retryable=True)
        self._sequence = frame.sequence
        return True

    async def _next(self, within_s: float) -> task_pb2.Frame:
        message = await asyncio.wait_for(self._queue.get(), within_s)
        if _is_nobody(message):
            raise TaskError("unavailable", "no router is running", self._task.task_id, is_retryable=True)
        return task_pb2.Frame.FromString(message.data)

"""worker.py: runs a handler for each message of a queue, in threads: it extends leases while
handlers run, acks what they finish, and tries again what fails. Knows a queue's verbs only."""

import logging
import random
import signal
import threading
import time
from typing import Callable, Dict, List, Optional, Set

import redis

from .outcomes import Message, Outcome, OutcomeUnknown, Refused
from .queue import Queue

log = logging.getLogger("slotq")

REASON_FAILED = 120
REST_S = 1.0  # after a failure of the server


class Retry(Exception):
    """Raised by a handler: try again after delay_ms (None: the worker's backoff). The note is for
    people, and is kept if the message dies: no secrets."""

    def __init__(self, delay_ms: Optional[int] = None, reason: int = REASON_FAILED,
                 note: str = ""):
        super().__init__(note)
        self.delay_ms, self.reason, self.note = delay_ms, reason, note


class Dead(Exception):
    """Raised by a handler: the message goes to the dead section now."""

    def __init__(self, reason: int = REASON_FAILED, note: str = ""):
        super().__init__(note)
        self.reason, self.note = reason, note


class Snooze(Exception):
    """Raised by a handler: deliver it after delay_ms; the attempt does not count."""

    def __init__(self, delay_ms: int):
        super().__init__()
        self.delay_ms = delay_ms


def backoff_ms(attempts: int) -> int:
    """1 s at the first attempt, doubled up to 5 minutes, a quarter more or less by chance."""
    delay = min(1000 << min(attempts - 1, 20), 300000)
    return int(delay * random.uniform(0.75, 1.25))


class Task:
    """What a handler gets: the message, and what the worker knows of its lease."""

    def __init__(self, message: Message):
        self.message = message
        self.lost = threading.Event()  # set if another worker may have the message: stop

    @property
    def id(self) -> int:
        """The id; with the queue's name it is an idempotency key."""
        return self.message.id

    @property
    def payload(self) -> bytes:
        """The bytes that were pushed."""
        return self.message.payload

    @property
    def attempts(self) -> int:
        """Deliveries so far, this one included."""
        return self.message.attempts


class Worker:
    """Runs handler(task) for the messages of a queue, `threads` at a time. A handler that returns
    is done; one that raises anything but Dead or Snooze is tried again. At least once: a handler
    may run twice for a message. `stop` may be called from any thread or signal handler."""

    def __init__(self, queue: Queue, handler: Callable[[Task], None], threads: int = 4,
                 lease_ms: int = 30000, group: int = 0,
                 backoff: Callable[[int], int] = backoff_ms, stop_s: float = 25.0):
        self.queue, self.handler, self.threads = queue, handler, threads
        self.lease_ms, self.group, self.backoff, self.stop_s = lease_ms, group, backoff, stop_s
        self._stop = threading.Event()
        self._free = threading.Semaphore(threads)
        self._lock = threading.Lock()  # the tasks, and their tokens
        self._tasks: Set[Task] = set()
        self._over = threading.Event()
        self.counts: Dict[str, int] = {"done": 0, "retried": 0, "dead": 0, "snoozed": 0,
                                       "lost": 0, "unknown": 0}

    def stop(self) -> None:
        """Take nothing more; run returns when the handlers have, or after stop_s."""
        self._stop.set()

    def run(self, catch_signals: bool = False) -> bool:
        """Work until stop. catch_signals: SIGTERM and SIGINT stop it (main thread only). False:
        some handlers did not return; their messages come back when the leases end."""
        before = {}
        if catch_signals:
            for number in (signal.SIGTERM, signal.SIGINT):
                before[number] = signal.signal(number, lambda *_: self.stop())
        keeper = threading.Thread(target=self._keep, name="slotq-keeper", daemon=True)
        keeper.start()
        try:
            while not self._stop.is_set():
                self._take()
            return self._drain()
        finally:
            self._over.set()
            keeper.join()
            self.queue.close()
            for number, handler in before.items():
                signal.signal(number, handler)

    def _take(self) -> None:
        """Reserve as many messages as threads are free, and start them."""
        if not self._free.acquire(timeout=0.25):
            return
        if self._stop.is_set():
            self._free.release()
            return
        free = 1
        while free < self.threads and self._free.acquire(blocking=False):
            free += 1
        messages: List[Message] = []
        try:
            batch = self.queue.reserve(free, self.lease_ms, self.group, timeout_s=60,
                                       stop=self._stop)
            messages = batch.messages
            if batch.outcome is Outcome.PAUSED:
                self._stop.wait(REST_S)
        except (redis.exceptions.RedisError, OutcomeUnknown) as error:
            log.warning("slotq: the queue does not answer: %s", error)
            self._stop.wait(REST_S)
        except Refused as error:
            if error.code in ("CORRUPT", "VERSION", "SHARDED", "INVALID"):
                raise
            log.warning("slotq: the queue refuses: %s", error)
            self._stop.wait(REST_S)
        finally:
            for _ in range(free - len(messages)):
                self._free.release()
        for message in messages:
            task = Task(message)
            with self._lock:
                self._tasks.add(task)
            threading.Thread(target=self._work, args=(task,), name=f"slotq-{task.id}",
                             daemon=True).start()

    def _work(self, task: Task) -> None:
        settle = self.queue.ack
        arguments: tuple = ()
        count = "done"
        try:
            self.handler(task)
        except Dead as dead:
            settle, arguments, count = self.queue.kill, (dead.reason, dead.note), "dead"
        except Snooze as snooze:
            settle, arguments, count = self.queue.release, (snooze.delay_ms,), "snoozed"
        except Retry as retry:
            delay = self.backoff(task.attempts) if retry.delay_ms is None else retry.delay_ms
            settle, arguments, count = self.queue.nack, (delay, retry.reason, retry.note), \
                "retried"
        except BaseException as error:  # pylint: disable=broad-except # of a handler: any
            log.warning("slotq: the handler of message %d raised %s", task.id,
                        type(error).__name__)
            settle, count = self.queue.nack, "retried"
            arguments = (self.backoff(task.attempts), REASON_FAILED, type(error).__name__)
        try:
            self._settle(task, settle, arguments, count)
        finally:
            self._free.release()

    def _settle(self, task: Task, settle: Callable[..., List[Outcome]], arguments: tuple,
                count: str) -> None:
        """Tell the queue; the keeper does not extend the lease meanwhile."""
        until = time.monotonic() + self.lease_ms / 1000
        with self._lock:
            self._tasks.discard(task)
            message = task.message
        if task.lost.is_set():
            count = "lost"
        while not task.lost.is_set():
            try:
                outcome = settle([message], *arguments)[0]
                if outcome is Outcome.DEADFULL:
                    self.queue.release([message], 60000)
                elif outcome is not Outcome.OK:
                    count = "lost"
                break
            except (redis.exceptions.RedisError, OutcomeUnknown, Refused) as error:
                # to settle twice does no harm
                if time.monotonic() > until:
                    log.warning("slotq: message %d is not settled: %s", task.id, error)
                    count = "unknown"
                    break
                time.sleep(0.2)
        with self._lock:
            self.counts[count] += 1

    def _keep(self) -> None:
        """Extend all leases at a third of them."""
        while not self._over.wait(self.lease_ms / 3000):
            with self._lock:
                tasks = [task for task in self._tasks if not task.lost.is_set()]
                for at in range(0, len(tasks), 256):
                    self._extend(tasks[at:at + 256])

    def _extend(self, tasks: List[Task]) -> None:
        try:
            outcomes = self.queue.extend([task.message for task in tasks], self.lease_ms)
        except (redis.exceptions.RedisError, OutcomeUnknown, Refused) as error:
            log.warning("slotq: leases are not extended: %s", error)
            return
        for task, outcome in zip(tasks, outcomes):
            if outcome is not Outcome.OK:
                task.lost.set()

    def _drain(self) -> bool:
        """Wait for the handlers that run."""
        until = time.monotonic() + self.stop_s
        for _ in range(self.threads):
            if not self._free.acquire(timeout=max(0.0, until - time.monotonic())):
                return False
        return True

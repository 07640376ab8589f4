"""waiting.py: sleeps at a place of a queue until it has what a caller waits for (lua/README.md,
"Waiting"). Knows channels, places and time; what is looked for, the caller knows."""

import random
import time
from threading import Event
from typing import TYPE_CHECKING, Any, Callable, List, Optional, Tuple

import redis

from .outcomes import Geometry, Refused

if TYPE_CHECKING:
    from .queue import Queue

# Whether it found something, what, when a look may find more (-1: never known), and whether the
# place was still set.
Look = Tuple[bool, Any, int, bool]

POLL_LEAST_S, POLL_MOST_S = 4.0, 6.0
SLICE_S = 0.25  # a stop is noticed in that time
SUBSCRIBED_WITHIN_S = 5.0


class Waiter:
    """A connection that sleeps at one place of a queue. For one thread at a time."""

    def __init__(self, queue: "Queue"):
        self.queue = queue
        self.place: Optional[int] = None
        self._pubsub: Optional[Any] = None
        self._channel = b""
        self._geometry: Optional[Geometry] = None  # of the queue with this place

    def wait(self, row: str, look: Callable[[int, Optional[int]], Look], timeout_s: float,
             stop: Optional[Event]) -> Any:
        """Look until something is found, the time is over, or stop is set; what the last look
        came to. row: a group, or room."""
        deadline = time.monotonic() + timeout_s
        in_vain = 0  # wake-ups in a row for which nothing was found
        found, result = False, None
        try:
            while not found:
                if self._pubsub is None or self._geometry != self.queue.geometry:
                    self.close()
                    self._subscribe()
                try:
                    found, result, due_ms, kept = look(1, self.place)
                except Refused:
                    if self._geometry == self.queue.geometry:
                        raise
                    continue  # the queue was made anew, with other places
                left = deadline - time.monotonic()
                if found or left <= 0 or (stop is not None and stop.is_set()):
                    break
                poll = random.uniform(POLL_LEAST_S, POLL_MOST_S)
                woken = self._sleep(min(left, poll, self._until(due_ms)), stop)
                in_vain = in_vain + 1 if woken else 0
                if not woken and not kept:
                    self.close()  # a wake-up was lost on the way
                elif in_vain > 2:
                    self._move(row)
                    in_vain = 0
        except BaseException:
            self._leave(row)
            raise
        if found:
            return result
        # It may have been told of a message: take that, or tell another client.
        found, last, _, _ = look(0, self.place)
        if row == "room" and not found:
            self._leave(row)
        return last

    def _until(self, due_ms: int) -> float:
        """Seconds until a time of the server's clock."""
        if due_ms < 0:
            return POLL_MOST_S
        seconds, microseconds = self.queue.client.execute_command("TIME")
        now_ms = int(seconds) * 1000 + int(microseconds) // 1000
        return max(0.0, (due_ms - now_ms) / 1000)

    def _choose(self) -> Optional[int]:
        """A place with few clients; by chance where the server does not say."""
        places = self.queue.geometry.places
        if places == 0:
            return None
        drawn = random.sample(range(places), min(places, 8))
        try:
            reply = self.queue.client.execute_command(
                "PUBSUB NUMSUB", *(self._channel_of(place) for place in drawn))
        except redis.exceptions.ResponseError:
            return drawn[0]
        counts = [count for _, count in reply]
        return drawn[counts.index(min(counts))]

    def _channel_of(self, place: Optional[int]) -> bytes:
        head = b"slotq:" if place is None else b"slotq#%d:" % place
        return head + self.queue.name

    def _subscribe(self) -> None:
        """Sleep at a place from now on; a look before the server's word could miss a wake-up."""
        if self._pubsub is None:
            self._pubsub = self.queue.client.pubsub()
        self._geometry = self.queue.geometry
        self.place = self._choose()
        self._channel = self._channel_of(self.place)
        self._pubsub.subscribe(self._channel)
        until = time.monotonic() + SUBSCRIBED_WITHIN_S
        while time.monotonic() < until:
            told = self._pubsub.get_message(timeout=SLICE_S)
            if told and told["type"] == "subscribe" and told["channel"] == self._channel:
                return
        self.close()
        raise redis.exceptions.TimeoutError("the server does not confirm a subscription")

    def _sleep(self, seconds: float, stop: Optional[Event]) -> bool:
        """True if a message came; all that has come is read."""
        until = time.monotonic() + seconds
        woken = False
        while True:
            left = until - time.monotonic()
            if stop is not None and stop.is_set():
                return woken
            told = self._pubsub.get_message(timeout=0 if woken else max(0.0, min(left, SLICE_S)))
            if told is None:
                if woken or left <= 0:
                    return woken
            elif told["type"] == "message" and told["channel"] == self._channel:
                woken = True

    def _move(self, row: str) -> None:
        """Take another place; the old one is given up when the new one is taken."""
        if self.place is None:
            return
        old_place, old_channel = self.place, self._channel
        self._subscribe()
        if self.place != old_place:
            self._pubsub.unsubscribe(old_channel)
            self._unwait(row, old_place)

    def _unwait(self, row: str, place: Optional[int]) -> None:
        if place is not None:
            self.queue.call("unwait", row, place)

    def _leave(self, row: str) -> None:
        """Give the place up after a failure, so that another client is told in its stead."""
        try:
            self._unwait(row, self.place)
        except Exception:  # pylint: disable=broad-except # the failure before it is the one to tell
            pass
        self.close()

    def close(self) -> None:
        """End the connection; the next wait makes another."""
        if self._pubsub is not None:
            self._pubsub.close()
            self._pubsub = None

"""queue.py: one queue: its verbs, with arguments and replies as Python has them. Knows what each
script takes and returns (lua/README.md); the rules of the queue are theirs."""

import random
import struct
from threading import Event
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import redis

from .outcomes import Batch, Found, Geometry, Holder, Message, Outcome, Pushed, Refused, Remade, \
    Status
from .packing import Key, keys_of, messages_of, runs_of, slots_of
from .scripts import Scripts
from .waiting import Look, Waiter

PLACES_OF_KEYS = ("ring", "aside", "scheduled")
SETTLED = (Outcome.OK, Outcome.STALE, Outcome.GONE, Outcome.NOTFOUND, Outcome.DEADFULL)
REASON_DAMAGED = 255


def _found(reply: Sequence[Any], index: int = 0) -> Found:
    return Found(PLACES_OF_KEYS[reply[0]], reply[1], reply[2] == 1, index)


class Queue:
    """A queue of this name; `create` makes it."""

    def __init__(self, client: "redis.Redis", name: Union[str, bytes],
                 scripts: Optional[Scripts] = None):
        self.client = client
        self.name = name.encode() if isinstance(name, str) else name
        self.scripts = scripts or Scripts(client)
        self._geometry: Optional[Geometry] = None
        self._waiter: Optional[Waiter] = None

    def create(self, ring_slots: int = 1001, payload_bytes: int = 256, later_slots: int = 0,
               dead_slots: int = 100, groups: int = 1, flags: int = 24, max_attempts: int = 25,
               tick_ms: int = 100, aside_slots: int = 64, places: int = 255, note_bytes: int = 80,
               now_ms: Optional[int] = None) -> None:
        """Make the queue; one with the same geometry may be there. EXISTS: Refused."""
        generation = random.SystemRandom().randrange(1, 2 ** 32)
        self.scripts.call("create", [self.name], [
            "" if now_ms is None else now_ms, ring_slots, payload_bytes, later_slots, dead_slots,
            groups, flags, max_attempts, tick_ms, aside_slots, places, note_bytes, generation])

    @property
    def geometry(self) -> Geometry:
        """Read once, and again if the queue was made anew."""
        known = self._geometry
        return known if known is not None else self.read_geometry()

    def read_geometry(self) -> Geometry:
        """Read it from the server now."""
        raw = self.client.execute_command("GETRANGE", self.name, 8, 43)
        if len(raw) < 36:
            raise Refused("NOQUEUE", f"no such queue: {self.name!r}; create it")
        if raw[:4] != b"SLQ1":
            # the scripts say what it is: SHARDED, VERSION or CORRUPT
            self.scripts.call("stats", [self.name], ["", 0])
            raise Refused("VERSION", f"{self.name!r} is not a queue of this version")
        geometry = Geometry.read(raw)
        if geometry.set != 0:
            raise Refused("SHARDED", f"{self.name!r} is a shard of a sharded queue, which this "
                          "client does not support")
        self._geometry = geometry
        return geometry

    def call(self, script: str, *args: Any, now_ms: Optional[int] = None,
             geometry: Optional[Geometry] = None) -> Any:
        """Run any script of the queue on its name; the reply as it is."""
        now = b"" if now_ms is None else str(now_ms).encode()
        return self.scripts.call(script, [self.name], [(geometry.raw if geometry else b"") + now,
                                                       *args])

    def _current(self, script: str, arguments: Callable[[Geometry], List[Any]],
                 now_ms: Optional[int], by_token: bool = False) -> Any:
        """A call with the geometry that is known; after REMADE with the new one, but not if ids
        or tokens of the old queue are in it."""
        for last in (False, True):
            geometry = self.geometry
            try:
                return self.call(script, *arguments(geometry), now_ms=now_ms, geometry=geometry)
            except Remade:
                old = geometry.generation
                self._geometry = None
                if last or (by_token and self.geometry.generation != old):
                    raise
        raise AssertionError("both calls return or raise")

    # ---- push ----

    def push(self, payloads: Sequence[bytes], keys: Optional[Sequence[Key]] = None,
             mode: str = "unique", timeout_s: float = 0,
             now_ms: Optional[int] = None) -> Pushed:
        """Push all or none. keys: 8 bytes for a message, the first not 0, or None; mode: unique,
        once or resend. timeout_s: wait so long for room. FULL, PAUSED, CLOSED, DUPLICATE."""
        packed_keys = keys_of(keys, len(payloads))

        def push_once(wait: int, place: Optional[int]) -> Look:
            def arguments(geometry: Geometry) -> List[Any]:
                keyed = [mode, packed_keys] if packed_keys else []
                return [len(payloads), slots_of(payloads, geometry, now_ms), *keyed, wait or "",
                        *([] if place is None else [place])]
            name = "push_keyed_packed" if packed_keys else "push_packed"
            pushed = self._pushed(name, arguments, len(payloads), now_ms)
            return pushed.outcome is not Outcome.FULL, pushed, -1, True

        if timeout_s <= 0:
            return push_once(0, None)[1]
        return self._wait("room", push_once, timeout_s, None)

    def schedule(self, payloads: Sequence[bytes], due_ms: int,
                 keys: Optional[Sequence[Key]] = None, mode: str = "unique",
                 not_past: bool = False, now_ms: Optional[int] = None) -> Pushed:
        """Deliver at due_ms (since 1970), all or none; the ids are later ids, for cancel. EMPTY:
        not_past, and due_ms has passed."""
        packed_keys = keys_of(keys, len(payloads))

        def arguments(geometry: Geometry) -> List[Any]:
            keyed = [mode, packed_keys] if packed_keys else []
            return [due_ms, len(payloads), slots_of(payloads, geometry, now_ms),
                    "1" if not_past else "", *keyed]
        return self._pushed("schedule_packed", arguments, len(payloads), now_ms)

    def _pushed(self, script: str, arguments: Callable[[Geometry], List[Any]], count: int,
                now_ms: Optional[int]) -> Pushed:
        try:
            reply = self._current(script, arguments, now_ms)
        except Refused as refusal:
            if refusal.code not in ("FULL", "PAUSED", "CLOSED"):
                raise
            holder = None
            if refusal.code == "FULL":
                numbers = str(refusal).split(":", maxsplit=1)[0].split(" ")[1:7]
                holder = Holder(*map(int, numbers[:5]), numbers[5] == "1")
            return Pushed(Outcome[refusal.code], holder=holder)
        if isinstance(reply, list):
            return Pushed(Outcome.DUPLICATE, taken=_found(reply[2:], reply[1]))
        if isinstance(reply, bytes):
            return Pushed(Outcome(reply.decode()))
        return Pushed(Outcome.OK, range(reply, reply + count))

    # ---- reserve ----

    def reserve(self, count: int = 1, lease_ms: int = 30000, group: int = 0,
                timeout_s: float = 0, stop: Optional[Event] = None,
                now_ms: Optional[int] = None) -> Batch:
        """Lease up to count messages. timeout_s: wait so long for the first one; stop, a
        threading.Event, ends the wait. EMPTY, LIMITED, AGAIN, PAUSED."""
        def reserve_once(wait: int, place: Optional[int]) -> Look:
            batch, kept = self._reserve(count, lease_ms, group, wait, place, now_ms)
            done = batch.outcome in (Outcome.OK, Outcome.PAUSED)
            return done, batch, batch.due_ms, kept

        if timeout_s <= 0:
            return reserve_once(0, None)[1]
        return self._wait(str(group), reserve_once, timeout_s, stop)

    def _reserve(self, count: int, lease_ms: int, group: int, wait: int, place: Optional[int],
                 now_ms: Optional[int]) -> Tuple[Batch, bool]:
        waiting = ([wait or ""] if place is None else [wait or "", place])
        asked: List[Geometry] = []

        def arguments(geometry: Geometry) -> List[Any]:
            asked.append(geometry)
            return [group, count, lease_ms, *waiting]
        try:
            reply = self._current("reserve_packed", arguments, now_ms)
        except Refused as refusal:
            if refusal.code != "PAUSED":
                raise
            return Batch(Outcome.PAUSED), True
        if isinstance(reply, int):
            return Batch(Outcome.EMPTY, due_ms=reply), True
        if isinstance(reply, bytes):  # AGAIN, or AGAIN or LIMITED ms [kept others before]
            name, *numbers = reply.decode().split(" ")
            due_ms = int(numbers[0]) if numbers else -1
            return Batch(Outcome(name), due_ms=due_ms), len(numbers) < 2 or numbers[1] == "1"
        if not reply:
            return Batch(Outcome.EMPTY), True
        if isinstance(reply[0], int):
            return Batch(Outcome.EMPTY, due_ms=reply[0]), reply[1] == 1
        return self._sound(reply[0], b"".join(reply[1:]), group, asked[-1], now_ms), True

    def _sound(self, runs: bytes, slots: bytes, group: int, geometry: Geometry,
               now_ms: Optional[int]) -> Batch:
        """Damaged messages die; where the dead section refuses that, they wait a minute."""
        sound, damaged = messages_of(runs, slots, group, geometry)
        if damaged:
            outcomes = self.kill(damaged, REASON_DAMAGED, now_ms=now_ms)
            left = [message for message, outcome in zip(damaged, outcomes)
                    if outcome is Outcome.DEADFULL]
            if left:
                self.release(left, 60000, now_ms=now_ms)
        return Batch(Outcome.OK if sound else Outcome.AGAIN, sound)

    # ---- settle ----

    def ack(self, messages: Sequence[Message], now_ms: Optional[int] = None) -> List[Outcome]:
        """They are done. An outcome for each: OK, STALE, GONE, NOTFOUND."""
        return self._settle("ack", messages, 0, 0, "", now_ms)

    def nack(self, messages: Sequence[Message], delay_ms: int = 0, reason: int = 0,
             note: str = "", now_ms: Optional[int] = None) -> List[Outcome]:
        """They failed: deliver them again after delay_ms; dead at the last attempt, with the
        reason (1 to 254) and the note. Also DEADFULL."""
        return self._settle("nack", messages, delay_ms, reason, note, now_ms)

    def release(self, messages: Sequence[Message], delay_ms: int = 0,
                now_ms: Optional[int] = None) -> List[Outcome]:
        """Give them back; the attempt does not count."""
        return self._settle("release", messages, delay_ms, 0, "", now_ms)

    def kill(self, messages: Sequence[Message], reason: int = 0, note: str = "",
             now_ms: Optional[int] = None) -> List[Outcome]:
        """Move them to the dead section."""
        return self._settle("kill", messages, 0, reason, note, now_ms)

    def extend(self, messages: Sequence[Message], lease_ms: int = 30000,
               now_ms: Optional[int] = None) -> List[Outcome]:
        """Their leases end lease_ms from now. Each that is OK has a new token."""
        return self._settle("extend", messages, lease_ms, 0, "", now_ms)

    def _settle(self, verb: str, messages: Sequence[Message], ms: int, reason: int, note: str,
                now_ms: Optional[int]) -> List[Outcome]:
        messages = list(messages)
        generation = self.geometry.generation
        # a token of a queue that is gone could be one of the queue that has its name now
        there = [message for message in messages if message.generation == generation]
        if not there:
            return [Outcome.GONE] * len(messages)
        if len({message.group for message in there}) > 1:
            raise Refused("INVALID", "messages of several groups; settle each group apart")
        text = note.encode()[:255]
        try:
            reply = self._current("settle_packed", lambda _: [
                verb, there[0].group, ms, reason, runs_of(there), *([text] if text else [])],
                now_ms, by_token=True)
        except Remade:
            return [Outcome.GONE] * len(messages)
        outcomes = iter(_settled(verb, there, reply))
        return [next(outcomes) if message.generation == generation else Outcome.GONE
                for message in messages]

    # ---- looking, and single messages ----

    def status(self, ids: Sequence[int], group: int = 0,
               now_ms: Optional[int] = None) -> List[Status]:
        """The state of messages, by id."""
        reply = self.call("status", group, *ids, now_ms=now_ms)
        return [Status(reply[at].decode(), *reply[at + 1:at + 7])
                for at in range(0, len(reply), 7)]

    def stats(self, group: int = 0, now_ms: Optional[int] = None) -> Dict[str, int]:
        """The numbers of the queue and of one group in it."""
        reply = self.call("stats", group, now_ms=now_ms)
        return {name.decode(): number for name, number in zip(reply[::2], reply[1::2])}

    def find(self, key: bytes, now_ms: Optional[int] = None) -> Optional[Found]:
        """Where the message with this key is."""
        reply = self.call("find", key, now_ms=now_ms)
        return _found(reply[1:]) if reply[0] == b"OK" else None

    def cancel(self, later_id: int, now_ms: Optional[int] = None) -> Outcome:
        """Take a scheduled message out: OK or NOTFOUND."""
        reply = self._current("cancel", lambda _: [later_id], now_ms, by_token=True)
        return Outcome(reply.decode())

    # ---- waiting ----

    def _wait(self, row: str, look: Callable[[int, Optional[int]], Look], timeout_s: float,
              stop: Optional[Event]) -> Any:
        if self._waiter is None:
            self._waiter = Waiter(self)
        return self._waiter.wait(row, look, timeout_s, stop)

    def close(self) -> None:
        """End the connection that waits."""
        if self._waiter is not None:
            self._waiter.close()
            self._waiter = None


def _settled(verb: str, messages: Sequence[Message], reply: bytes) -> List[Outcome]:
    if verb != "extend":
        return [SETTLED[byte] for byte in reply]
    outcomes = []
    for message, (token,) in zip(messages, struct.iter_unpack("<I", reply)):
        if token & 3 == 1:  # of a leased message; else 4 times the outcome
            message.token = token
            outcomes.append(Outcome.OK)
        else:
            outcomes.append(SETTLED[token >> 2])
    return outcomes

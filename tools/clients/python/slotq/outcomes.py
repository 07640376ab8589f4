"""outcomes.py: what calls return and raise, and what a queue was made with. Knows no script."""

import enum
import struct
from dataclasses import dataclass, field
from typing import Iterator, List, Optional

FLAG_OVERWRITE, FLAG_CHECKS, FLAG_KEYS, FLAG_DEAD_OVERWRITE, FLAG_STAMPS = 1, 2, 4, 8, 16


class Outcome(enum.Enum):
    """What a call came to, where the queue works."""

    OK = "OK"
    STALE = "STALE"  # the token is no longer valid: the lease ended or was settled
    GONE = "GONE"  # the message is already finished
    NOTFOUND = "NOTFOUND"
    DEADFULL = "DEADFULL"  # the dead section is full
    EMPTY = "EMPTY"
    AGAIN = "AGAIN"  # a bound was reached: call again
    LIMITED = "LIMITED"  # messages are ready, but the limits of the group let none go
    FULL = "FULL"
    PAUSED = "PAUSED"
    CLOSED = "CLOSED"
    DUPLICATE = "DUPLICATE"  # a message with this key is in the queue


class Refused(Exception):
    """A call that the queue refused, unchanged: `code` is INVALID, TOOBIG, NOQUEUE, …"""

    def __init__(self, code: str, text: str):
        super().__init__(text)
        self.code = code


class Remade(Refused):
    """Another queue has the name now: ids and tokens from before are void."""


class OutcomeUnknown(Exception):
    """The connection ended after the call was sent: it may have happened, or not."""


@dataclass(frozen=True)
class Geometry:
    """What a queue was made with."""

    raw: bytes
    ring_slots: int
    payload_bytes: int
    later_slots: int
    dead_slots: int
    groups: int
    flags: int
    max_attempts: int
    aside_slots: int
    tick_ms: int
    places: int
    note_bytes: int
    generation: int
    set: int

    @classmethod
    def read(cls, raw: bytes) -> "Geometry":
        """From the 36 bytes of GETRANGE key 8 43."""
        return cls(raw, *struct.unpack("<4x4H4BH2B2I", raw[:28]))

    @property
    def head_bytes(self) -> int:
        """Bytes of a slot before its payload."""
        return 2 + 4 * bool(self.flags & FLAG_STAMPS) + 4 * bool(self.flags & FLAG_CHECKS)


class Message:
    """A leased message. extend changes its token."""

    __slots__ = ("id", "token", "payload", "generation", "group")

    def __init__(self, id: int, token: int, payload: bytes, generation: int, group: int = 0):
        self.id = id
        self.token = token
        self.payload = payload
        self.generation = generation  # of the queue that gave it
        self.group = group

    def __repr__(self) -> str:
        return f"Message(id={self.id}, attempts={self.attempts}, {len(self.payload)} bytes)"

    @property
    def attempts(self) -> int:
        """Reserves so far, this one included; stays at 63."""
        return self.token >> 2 & 63


@dataclass(frozen=True)
class Holder:
    """The message that keeps a queue full: the oldest one that a group has not finished."""

    id: int
    held: int
    unfinished: int
    group: int
    state: int
    dead_full: bool


@dataclass(frozen=True)
class Found:
    """The message that has a key."""

    place: str  # ring, aside or scheduled
    id: int  # scheduled: its later id
    unfinished: bool
    index: int = 0  # which message of a push or schedule was refused, from 0


@dataclass(frozen=True)
class Pushed:
    """What a push or schedule came to. True if it is OK."""

    outcome: Outcome
    ids: range = range(0)
    holder: Optional[Holder] = None  # FULL
    taken: Optional[Found] = None  # DUPLICATE

    def __bool__(self) -> bool:
        return self.outcome is Outcome.OK


@dataclass
class Batch:
    """What a reserve came to; iterate over it for its messages."""

    outcome: Outcome
    messages: List[Message] = field(default_factory=list)
    due_ms: int = -1  # when a lease or delay ends that may make a message ready; -1 = never known

    def __iter__(self) -> Iterator[Message]:
        return iter(self.messages)

    def __len__(self) -> int:
        return len(self.messages)


@dataclass(frozen=True)
class Status:
    """The state of a message: READY, LEASED, WAITING, DONE, FINISHED or NOTFOUND."""

    state: str
    why: int
    attempts: int
    deadline_ms: int
    age_ms: int
    position: int
    pushed_ms: int

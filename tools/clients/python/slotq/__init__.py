"""__init__.py: queues of slotq in Redis, from Python, on redis-py. Each call is one Lua script, one
round trip. Knows the scripts (lua/README.md) and packs slots; the rules of the queue are theirs.

    queue = slotq.Queue(redis.Redis(), "mail")
    queue.push([b"to ada", b"to bob"])
    for message in queue.reserve(10, lease_ms=30000):
        deliver(message.payload)
        queue.ack([message])

Outcomes are values: FULL, EMPTY, STALE and their like are what a program lives with. Failures are
exceptions: a wrong argument, no such queue, damage, or a connection that ended (OutcomeUnknown).
A Queue may be used by several threads, but a thread that waits needs a Queue of its own.
"""

from .outcomes import Batch, Found, Geometry, Holder, Message, Outcome, OutcomeUnknown, Pushed, \
    Refused, Remade, Status
from .queue import Queue
from .scripts import Scripts
from .worker import Dead, Retry, Snooze, Worker

__all__ = ["Batch", "Dead", "Found", "Geometry", "Holder", "Message", "Outcome", "OutcomeUnknown",
           "Pushed", "Queue", "Refused", "Remade", "Retry", "Scripts", "Snooze", "Status", "Worker"]

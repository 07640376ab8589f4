"""packing.py: many messages in one string, as the packed scripts take and return them. Knows slots,
runs and keys; sends nothing."""

import struct
import time
from typing import Iterable, Iterator, List, Optional, Sequence, Tuple

from .outcomes import FLAG_CHECKS, FLAG_STAMPS, Geometry, Message, Refused

CUT_FROM_BYTES = 1024  # slots of that size and more come cut after their payloads
Key = Optional[bytes]


def _rotate(value: int, bits: int) -> int:
    value &= 0xFFFFFFFF
    return (value << bits | value >> 32 - bits) & 0xFFFFFFFF


def xxh32(data: bytes) -> int:
    """XXH32 with seed 0, for queues with checks."""
    p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
    at, size = 0, len(data)
    if size >= 16:
        lanes = [p1 + p2, p2, 0, -p1]
        for at in range(0, size - 15, 16):
            words = struct.unpack_from("<4I", data, at)
            lanes = [_rotate(lane + word * p2, 13) * p1 for lane, word in zip(lanes, words)]
        at = size - size % 16
        total = sum(_rotate(lane, turn) for lane, turn in zip(lanes, (1, 7, 12, 18)))
    else:
        total = p5
    total += size
    while at + 4 <= size:
        total = _rotate(total + struct.unpack_from("<I", data, at)[0] * p3, 17) * p4
        at += 4
    for byte in data[at:]:
        total = _rotate(total + byte * p5, 11) * p1
    total &= 0xFFFFFFFF
    total = (total ^ total >> 15) * p2 & 0xFFFFFFFF
    total = (total ^ total >> 13) * p3 & 0xFFFFFFFF
    return total ^ total >> 16


def slots_of(payloads: Sequence[bytes], geometry: Geometry, now_ms: Optional[int]) -> bytes:
    """Slots of the payloads, stamped with the time, each cut after its payload."""
    now = int(time.time() * 1000) if now_ms is None else now_ms
    flags = geometry.flags
    stamp = struct.pack("<I", now // geometry.tick_ms & 0xFFFFFFFF) if flags & FLAG_STAMPS else b""
    longest = max(map(len, payloads), default=0)
    if longest > geometry.payload_bytes:
        raise Refused("TOOBIG", f"a payload has {longest} bytes; the queue takes "
                      f"{geometry.payload_bytes}")
    if flags & FLAG_CHECKS:
        return b"".join([piece for payload in payloads for piece in (
            struct.pack("<H", len(payload)), stamp, struct.pack("<I", xxh32(payload)), payload)])
    heads = {length: struct.pack("<H", length) + stamp for length in set(map(len, payloads))}
    return b"".join([piece for payload in payloads for piece in (heads[len(payload)], payload)])


def keys_of(keys: Optional[Sequence[Key]], count: int) -> bytes:
    """8 bytes for each message, zeros for none; empty if no message has a key."""
    if keys is None or not any(keys):
        return b""
    if len(keys) != count:
        raise Refused("INVALID", f"{len(keys)} keys for {count} messages; give one for each, or "
                      "None")
    for key in keys:
        if key and (len(key) != 8 or key[0] == 0):
            raise Refused("INVALID", f"a key must be 8 bytes, the first not 0: {key.hex()}")
    return b"".join(key or bytes(8) for key in keys)


def runs_of(messages: Iterable[Message]) -> bytes:
    """The messages as runs of ids with one token."""
    runs: List[List[int]] = []
    for message in messages:
        last = runs[-1] if runs else None
        if last and message.id == last[0] + last[2] and message.token == last[1]:
            last[2] += 1
        else:
            runs.append([message.id, message.token, 1])
    return b"".join(struct.pack("<IHIH", first & 0xFFFFFFFF, first >> 32, token, count)
                    for first, token, count in runs)


def _parts_of(slots: bytes, geometry: Geometry) -> Iterator[Tuple[int, int, bytes]]:
    """Length, check and payload of each slot; those of a length that cannot be have none."""
    head, most = geometry.head_bytes, geometry.payload_bytes
    has_check = bool(geometry.flags & FLAG_CHECKS)
    if head + most < CUT_FROM_BYTES:
        middle = "4x" * bool(geometry.flags & FLAG_STAMPS) + "I" * has_check
        for length, *check, payload in struct.iter_unpack(f"<H{middle}{most}s", slots):
            yield length, check[0] if check else 0, payload[:length]
        return
    at = 0
    while at < len(slots):
        length = slots[at] | slots[at + 1] << 8
        end = at + head + (length if length <= most else 0)
        check_there = slots[at + head - 4:at + head] if has_check else b""
        yield length, int.from_bytes(check_there, "little"), slots[at + head:end]
        at = end


def messages_of(runs: bytes, slots: bytes, group: int,
                geometry: Geometry) -> Tuple[List[Message], List[Message]]:
    """The messages of a reserve_packed, those that are sound and those that are damaged."""
    most, has_check = geometry.payload_bytes, bool(geometry.flags & FLAG_CHECKS)
    generation = geometry.generation
    sound: List[Message] = []
    damaged: List[Message] = []
    parts = _parts_of(slots, geometry)
    for id_low, id_high, token, count in struct.iter_unpack("<IHIH", runs):
        first = id_high << 32 | id_low
        for id, (length, check, payload) in zip(range(first, first + count), parts):
            message = Message(id, token, payload, generation, group)
            if length <= most and not (has_check and xxh32(payload) != check):
                sound.append(message)
            else:
                damaged.append(message)
    return sound, damaged

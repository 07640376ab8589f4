"""test_vectors.py: the conformance vectors by the verbs of the Python client: each reply and each
value must be what the C core made. Knows how a reply reads as a result of the client."""

import json

import slotq
from on_server import VECTORS, OnServer
from slotq import Outcome, packing


def bytes_of(text):
    """The bytes of a string of the vectors."""
    return bytes.fromhex(text["hex"]) if isinstance(text, dict) else text.encode()


def plain(reply):
    """A reply of the vectors as redis-py gives it: a status is bytes."""
    if isinstance(reply, list):
        return [plain(item) for item in reply]
    if isinstance(reply, dict) and "status" in reply:
        return reply["status"].encode()
    return bytes_of(reply) if isinstance(reply, (str, dict)) else reply


def pushed_reply(pushed):
    """What the scripts reply to a push with this result."""
    if pushed.outcome is Outcome.OK:
        return pushed.ids.start
    if pushed.outcome is Outcome.DUPLICATE:
        taken = pushed.taken
        place = ("ring", "aside", "scheduled").index(taken.place)
        return [b"DUPLICATE", taken.index, place, taken.id, int(taken.unfinished)]
    if pushed.outcome is Outcome.EMPTY:
        return b"EMPTY"
    holder = pushed.holder
    if holder is None:
        return {"error": f"SLOTQ{pushed.outcome.value}"}
    return {"error": f"SLOTQFULL {holder.id} {holder.held} {holder.unfinished} {holder.group} "
                     f"{holder.state} {int(holder.dead_full)}"}


class ByVerbs:
    """Sends each vector by the verb of the client that stands for its script."""

    def __init__(self, queue):
        self.queue = queue

    def send(self, script, args, now_ms):
        """The reply as the script would give it."""
        verb = getattr(self, script.partition("_packed")[0], None)
        if verb is None:
            return self.queue.call(script, *args, now_ms=now_ms)
        return verb(args, now_ms, "_packed" in script)

    def _slots(self, count, slots):
        geometry = self.queue.geometry
        size = geometry.head_bytes + geometry.payload_bytes
        payloads = []
        for at in range(0, count * size, size):
            length = int.from_bytes(slots[at:at + 2], "little")
            payloads.append(slots[at + geometry.head_bytes:at + geometry.head_bytes + length])
        return payloads

    def push(self, args, now_ms, packed):
        payloads = self._slots(int(args[0]), args[1]) if packed else args
        return pushed_reply(self.queue.push(payloads, now_ms=now_ms))

    def push_keyed(self, args, now_ms, _):
        keys = [key or None for key in args[1::2]]
        return pushed_reply(self.queue.push(args[2::2], keys, args[0].decode(), now_ms=now_ms))

    def schedule(self, args, now_ms, _):
        return pushed_reply(self.queue.schedule(args[2:], int(args[0]), not_past=args[1] == b"1",
                                                now_ms=now_ms))

    def schedule_keyed(self, args, now_ms, _):
        keys = [key or None for key in args[3::2]]
        return pushed_reply(self.queue.schedule(args[4::2], int(args[0]), keys, args[2].decode(),
                                                args[1] == b"1", now_ms))

    def reserve(self, args, now_ms, packed):
        group, count, lease_ms = map(int, args[:3])
        wait = int(args[3]) if len(args) > 3 else 0
        batch, _ = self.queue._reserve(count, lease_ms, group, wait, None, now_ms)
        if batch.outcome is Outcome.PAUSED:
            return {"error": "SLOTQPAUSED"}
        if batch.outcome is Outcome.EMPTY:
            return batch.due_ms if wait else []
        if batch.outcome is not Outcome.OK:
            return f"{batch.outcome.value} {batch.due_ms}".encode()
        if packed:
            return [packing.runs_of(batch), packing.slots_of(
                [message.payload for message in batch], self.queue.geometry, now_ms)]
        return [part for message in batch
                for part in (message.id, message.token, message.attempts, message.payload)]

    def settle(self, args, now_ms, packed):
        verb, group, ms, reason = args[0].decode(), *map(int, args[1:4])
        generation = self.queue.geometry.generation
        if packed:
            pairs = [(int.from_bytes(args[4][at:at + 6], "little"),
                      int.from_bytes(args[4][at + 6:at + 10], "little"))
                     for at in range(0, len(args[4]), 12)]
            note = args[5].decode() if len(args) > 5 else ""
        else:
            has_note = len(args) > 6 and args[-2] == b"note"
            note = args[-1].decode() if has_note else ""
            numbers = list(map(int, args[4:-2] if has_note else args[4:]))
            pairs = list(zip(numbers[::2], numbers[1::2]))
        messages = [slotq.Message(id, token, b"", generation, group) for id, token in pairs]
        outcomes = self.queue._settle(verb, messages, ms, reason, note, now_ms)
        ok, all_outcomes = Outcome.OK, list(Outcome)
        if packed and verb != "extend":
            return bytes(all_outcomes.index(outcome) for outcome in outcomes)
        if packed:
            return b"".join(
                (message.token if outcome is ok else 4 * all_outcomes.index(outcome))
                .to_bytes(4, "little") for message, outcome in zip(messages, outcomes))
        return [message.token if verb == "extend" and outcome is ok else outcome.value.encode()
                for message, outcome in zip(messages, outcomes)]

    def status(self, args, now_ms, _):
        return [part for status in self.queue.status(list(map(int, args[1:])), int(args[0]), now_ms)
                for part in (status.state.encode(), status.why, status.attempts,
                             status.deadline_ms, status.age_ms, status.position, status.pushed_ms)]

    def stats(self, args, now_ms, _):
        return [part for name, number in self.queue.stats(int(args[0]), now_ms).items()
                for part in (name.encode(), number)]

    def find(self, args, now_ms, _):
        found = self.queue.find(args[0], now_ms)
        if found is None:
            return [b"NOTFOUND", 0, 0, 0]
        place = ("ring", "aside", "scheduled").index(found.place)
        return [b"OK", place, found.id, int(found.unfinished)]

    def cancel(self, args, now_ms, _):
        return self.queue.cancel(int(args[0]), now_ms).value.encode()


class Vectors(OnServer):
    """The conformance vectors."""

    def same_reply(self, wanted, got, line):
        """Of an error the words before the colon count; of a packed reserve not the bytes that
        a slot has behind its payload, nor its stamp."""
        if isinstance(wanted, dict) and "error" in wanted:
            self.assertIsInstance(got, dict, line)
            self.assertEqual(got["error"].split(":")[0][:len(wanted["error"])], wanted["error"],
                             line)
            return
        self.assertEqual(plain(wanted), got, line)

    def play(self, variant):
        """All vectors; each reply and each value."""
        scripts = slotq.Scripts(self.client)
        scripts._variant = variant
        values, players, by_verb = {}, {}, 0
        for line in VECTORS.read_text(encoding="utf-8").splitlines():
            vector = json.loads(line)
            name, script = vector["queue"], vector["script"]
            args = [bytes_of(argument) for argument in vector["args"]]
            if script == "create":
                values[name] = bytearray.fromhex(vector["value"])
                got = scripts.call(script, [name], args)
                players[name] = ByVerbs(slotq.Queue(self.client, name, scripts))
            else:
                try:
                    got = players[name].send(script, args[1:], int(args[0]))
                except slotq.Refused as refused:
                    text = str(refused)
                    got = {"error": text if text.startswith("SLOTQ") else f"SLOTQ{refused.code}"}
                for offset, changed in vector["changed"]:
                    values[name][offset:offset + len(changed) // 2] = bytes.fromhex(changed)
            by_verb += hasattr(ByVerbs, script.partition("_packed")[0])
            wanted = vector["reply"]
            if script == "reserve_packed" and isinstance(wanted, list) and wanted:
                wanted = [wanted[0], self.repacked(players[name].queue, wanted, int(args[0]))]
            self.same_reply(wanted, got, line)
            value = bytearray(self.client.get(name))
            for offset, length in vector.get("undefined", []):
                value[offset:offset + length] = values[name][offset:offset + length]
            self.assertEqual(value.hex(), values[name].hex(), line)
        self.assertGreater(by_verb, 400)

    def repacked(self, queue, wanted, now_ms):
        """The slots of a vector, cut, and stamped as those of the reply will be."""
        sound, damaged = packing.messages_of(bytes_of(wanted[0]), bytes_of(wanted[1]), 0,
                                             queue.geometry)
        self.assertEqual(damaged, [])
        return {"hex": packing.slots_of([message.payload for message in sound], queue.geometry,
                                        now_ms).hex()}

    def test_redis7(self):
        """The scripts of Redis 7."""
        self.play("redis7")

    def test_plain(self):
        """The scripts of Redis 5 and 6."""
        self.play("plain")

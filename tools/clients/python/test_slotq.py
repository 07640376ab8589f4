"""test_slotq.py: the Python client on a real server: what the conformance vectors do not show."""

import json
import os
import socket
import threading
import time
import unittest

import redis

import slotq
from on_server import AT_WAKE, SOCKET, VECTORS, OnServer, comes_true, connect
from slotq import Outcome, packing, waiting


class Verbs(OnServer):
    """Queues by the server's clock, servers that forget or refuse, queues made anew."""

    def test_many(self):
        """a call carries many messages, and a server that forgets its scripts gets them again"""
        queue = self.queue(ring_slots=3001, payload_bytes=2000)
        payloads = [b"%d" % i * (i % 300) for i in range(2000)]
        self.assertEqual(queue.push(payloads).ids, range(1, 2001))
        self.client.script_flush()
        got = []
        while len(got) < 2000:
            batch = queue.reserve(500)
            self.assertEqual(queue.ack(batch.messages), [Outcome.OK] * len(batch))
            got += [message.payload for message in batch]
        self.assertEqual(got, payloads)
        self.assertEqual(queue.stats()["acked"], 2000)
        self.assertEqual(queue.reserve().outcome, Outcome.EMPTY)

    def test_checks(self):
        """a damaged message is never given out, and dies with the reason 255"""
        queue = self.queue(flags=16 + 2, payload_bytes=40)
        self.assertTrue(queue.push([b"x" * 33, b"sound", b""]))
        value = self.client.get("jobs")
        self.client.setrange("jobs", value.index(b"x" * 33) + 5, b"y")
        batch = queue.reserve(3)
        self.assertEqual([message.payload for message in batch], [b"sound", b""])
        dead = queue.call("dead_list", 0, 5)
        self.assertEqual((dead[0], dead[4]), (1, 255))

    def test_xxh32(self):
        """checks are those of XXH32"""
        # those that the core made
        shape = [json.loads(line) for line in VECTORS.read_text(encoding="utf-8").splitlines()
                 if '"script":"create"' in line]
        self.assertGreater(len(shape), 5)
        for vector in shape:
            value = bytes.fromhex(vector["value"])
            self.assertEqual(packing.xxh32(value[8:40]), int.from_bytes(value[40:44], "little"))
        self.assertEqual(packing.xxh32(b""), 0x02CC5D05)

    def test_remade(self):
        """tokens of a queue that is gone settle nothing in the one that has its name now"""
        queue = self.queue()
        now_ms = int(time.time() * 1000)
        queue.push([b"old"])
        old = queue.reserve(now_ms=now_ms).messages
        other = slotq.Queue(self.client, "jobs")
        self.client.delete("jobs")
        other.create(payload_bytes=300)
        other.push([b"new", b"newer"])
        new = other.reserve(now_ms=now_ms).messages
        self.assertEqual((new[0].id, new[0].token), (old[0].id, old[0].token))
        self.assertEqual(queue.ack(old), [Outcome.GONE])
        self.assertEqual(queue.ack(old), [Outcome.GONE])
        self.assertEqual(queue.stats()["acked"], 0)
        self.assertTrue(queue.push([b"n" * 300]))
        self.assertEqual([message.payload for message in queue.reserve(5)],
                         [b"newer", b"n" * 300])
        self.assertEqual(queue.stats()["leased"], 3)

    def test_refusals(self):
        """failures are exceptions that say what is wrong"""
        queue = slotq.Queue(self.client, "none")
        for call in (lambda: queue.push([b"x"]), queue.reserve, queue.stats):
            with self.assertRaises(slotq.Refused) as raised:
                call()
            self.assertEqual(raised.exception.code, "NOQUEUE")
        queue.create(payload_bytes=3)
        for code, call in (("TOOBIG", lambda: queue.push([b"four"])),
                           ("INVALID", lambda: queue.reserve(0)),
                           ("INVALID", lambda: queue.push([b"x"], [b"short"])),
                           ("EXISTS", lambda: queue.create(payload_bytes=4))):
            with self.assertRaises(slotq.Refused) as raised:
                call()
            self.assertEqual(raised.exception.code, code)
        self.client.set("text", "x" * 200)
        with self.assertRaises(slotq.Refused) as raised:
            slotq.Queue(self.client, "text").push([b"x"])
        self.assertEqual(raised.exception.code, "CORRUPT")
        with self.assertRaises(ValueError):
            slotq.Queue(connect(decode_responses=True), "jobs")

    def test_shard(self):
        """a sharded queue and a shard are refused, and not written"""
        slotq.Scripts(self.client).call("create", ["shard"], [
            "", 11, 9, 0, 0, 1, 0, 0, 100, 0, 0, 0, 5, 77, 1])
        before = self.client.get("shard")
        queue = slotq.Queue(self.client, "shard")
        for call in (lambda: queue.push([b"x"]), queue.reserve):
            with self.assertRaises(slotq.Refused) as raised:
                call()
            self.assertEqual(raised.exception.code, "SHARDED")
        self.assertEqual(self.client.get("shard"), before)

    def test_functions(self):
        """a user who may call functions alone uses these"""
        queue = self.queue()
        folder = queue.scripts.folder
        self.client.execute_command(
            "FUNCTION", "LOAD", (folder / "slotq.functions.lua").read_bytes())
        self.client.execute_command(*(
            "ACL SETUSER worker reset on >secret ~jobs &slotq#*:jobs +fcall +strlen +getrange "
            "+setrange +time +publish +subscribe").split(" "))
        user = connect(username="worker", password="secret")
        queue = slotq.Queue(user, "jobs")
        self.assertTrue(queue.push([b"by a function"]))
        self.assertEqual(queue.ack(queue.reserve().messages), [Outcome.OK])
        self.assertEqual(queue.stats()["acked"], 1)
        self.client.execute_command("ACL", "DELUSER", "worker")
        self.client.execute_command("FUNCTION", "FLUSH")
        user.close()

    def test_unknown(self):
        """a connection that ends before the reply is another failure than a refused one"""
        self.queue()
        path = SOCKET + ".cut"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        cutter = threading.Thread(target=cut_replies, args=(listener,), daemon=True)
        cutter.start()
        client = redis.Redis(unix_socket_path=path)
        queue = slotq.Queue(client, "jobs")
        queue._geometry = slotq.Queue(self.client, "jobs").geometry
        slotq.Queue(self.client, "jobs").push([b"loads the script"])
        with self.assertRaises(slotq.OutcomeUnknown):
            queue.push([b"did it happen?"])
        cutter.join()
        listener.close()
        os.unlink(path)
        with self.assertRaises(redis.exceptions.ConnectionError):
            queue.push([b"it did not"])
        client.close()
        self.assertEqual(self.client.exists("jobs"), 1)
        self.assertEqual(slotq.Queue(self.client, "jobs").stats()["last_id"], 2)


def cut_replies(listener):
    """Pass one command on to the server, and end the connection when its reply is there."""
    near, _ = listener.accept()
    with near, socket.socket(socket.AF_UNIX) as far:
        far.connect(SOCKET)
        far.sendall(near.recv(65536))
        far.recv(65536)


class Waiting(OnServer):
    """Clients that sleep until another one wakes them: polls are too far apart to help."""

    def setUp(self):
        super().setUp()
        self.polls = waiting.POLL_LEAST_S, waiting.POLL_MOST_S
        waiting.POLL_LEAST_S = waiting.POLL_MOST_S = 3000.0

    def tearDown(self):
        waiting.POLL_LEAST_S, waiting.POLL_MOST_S = self.polls
        super().tearDown()

    def asleep(self):
        """Some client has told the queue that it waits."""
        return self.client.getrange("jobs", AT_WAKE, AT_WAKE)[0] & 3 != 0

    def woken(self, call, wake):
        """What call returns, if it sleeps until wake."""
        results = []
        thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
        thread.start()
        self.assertTrue(comes_true(self.asleep))
        self.assertEqual(results, [])
        wake()
        thread.join(60)
        self.assertEqual(len(results), 1)
        return results[0]

    def wakes(self, places):
        """A push wakes a reserve, and an ack a push."""
        queue, sleeper = self.queue(ring_slots=3, aside_slots=0, places=places), \
            slotq.Queue(connect(), "jobs")
        batch = self.woken(lambda: sleeper.reserve(timeout_s=3000), lambda: queue.push([b"up"]))
        self.assertEqual([message.payload for message in batch], [b"up"])
        queue.push([b"more"])
        pushed = self.woken(lambda: sleeper.push([b"last"], timeout_s=3000),
                            lambda: queue.ack(batch.messages))
        self.assertEqual((pushed.outcome, pushed.ids), (Outcome.OK, range(3, 4)))
        sleeper.close()
        sleeper.client.close()

    def test_places(self):
        """a client at a place is woken"""
        self.wakes(4)

    def test_without_places(self):
        """a client of a queue without places is woken"""
        self.wakes(0)

    def test_stop(self):
        """a stop ends a wait, and gives the place up"""
        self.queue()
        stop = threading.Event()
        sleeper = slotq.Queue(connect(), "jobs")
        batch = self.woken(lambda: sleeper.reserve(timeout_s=3000, stop=stop), stop.set)
        self.assertEqual(batch.outcome, Outcome.EMPTY)
        # 0: the place is not set
        self.assertEqual(sleeper.call("unwait", 0, sleeper._waiter.place), 0)
        sleeper.close()
        sleeper.client.close()

    def test_due(self):
        """a client wakes when a message is due"""
        queue = self.queue(later_slots=3)
        queue.schedule([b"soon"], int(time.time() * 1000) + 300)
        batch = queue.reserve(timeout_s=3000)
        self.assertEqual([message.payload for message in batch], [b"soon"])
        queue.close()


class Workers(OnServer):
    """A worker and its handlers."""

    def work(self, queue, handler, until, **options):
        """Run a worker until that is true; the worker."""
        worker = slotq.Worker(queue, handler, **options)
        ends = []
        thread = threading.Thread(target=lambda: ends.append(worker.run()), daemon=True)
        thread.start()
        self.assertTrue(comes_true(lambda: until(worker)))
        worker.stop()
        thread.join(60)
        self.assertEqual(ends, [True])
        return worker

    def test_handlers(self):
        """each message is done once, tried again, or dead, as its handler says"""
        queue = self.queue(max_attempts=3)
        queue.push([b"fine"] * 20 + [b"retry", b"dead", b"raises", b"snooze"])
        seen = []

        def handler(task):
            seen.append(task.payload)
            if task.payload == b"retry" and task.attempts == 1:
                raise slotq.Retry(delay_ms=0)
            if task.payload == b"dead":
                raise slotq.Dead(7, "no such address")
            if task.payload == b"raises":
                raise ValueError("a secret")
            if task.payload == b"snooze" and seen.count(b"snooze") == 1:
                raise slotq.Snooze(100)

        with self.assertLogs("slotq", "WARNING") as logs:
            worker = self.work(queue, handler, lambda worker: worker.counts["done"] == 22 and
                               queue.stats()["dead"] == 2, backoff=lambda attempts: 0)
        self.assertNotIn("a secret", "".join(logs.output))
        self.assertEqual(seen.count(b"fine"), 20)
        self.assertEqual((seen.count(b"retry"), seen.count(b"raises"), seen.count(b"snooze")),
                         (2, 3, 2))
        self.assertEqual(worker.counts["dead"], 1)
        dead = queue.call("dead_list", 0, 5)
        notes = {dead[at + 5]: (dead[at + 4], dead[at + 6]) for at in range(0, len(dead), 7)}
        self.assertEqual(notes, {b"dead": (7, b"no such address"),
                                 b"raises": (120, b"ValueError")})

    def test_renewal(self):
        """a lease is extended while its handler runs"""
        queue = self.queue()
        queue.push([b"long"])
        extended = []

        def handler(task):
            first = task.message.token
            if comes_true(lambda: task.message.token != first or task.lost.is_set()):
                extended.append(task.message.token != first)

        worker = self.work(queue, handler, lambda worker: worker.counts["done"] == 1,
                           lease_ms=3000)
        self.assertIn(True, extended)
        self.assertEqual(worker.counts["unknown"], 0)

    def test_lost(self):
        """a handler is told that its lease is lost, and its result is dropped"""
        queue = self.queue()
        queue.push([b"held"])
        lost = []

        def handler(task):
            queue.kill([slotq.Message(task.id, task.message.token, b"",
                                      task.message.generation)])
            lost.append(task.lost.wait(60))

        worker = self.work(queue, handler, lambda worker: worker.counts["lost"] == 1,
                           lease_ms=1500)
        self.assertEqual(lost, [True])
        self.assertEqual(worker.counts["done"], 0)

    def test_shutdown(self):
        """a stop waits for handlers that run, and takes nothing more"""
        queue = self.queue()
        queue.push([b"first", b"second"])
        begun, go_on = threading.Event(), threading.Event()

        def handler(_):
            begun.set()
            go_on.wait(60)

        worker = slotq.Worker(queue, handler, threads=1)
        ends = []
        thread = threading.Thread(target=lambda: ends.append(worker.run()), daemon=True)
        thread.start()
        self.assertTrue(begun.wait(60))
        worker.stop()
        self.assertEqual(ends, [])
        go_on.set()
        thread.join(60)
        self.assertEqual((ends, worker.counts["done"]), ([True], 1))
        self.assertEqual(queue.stats()["ready"], 1)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""module_storm.py: random commands against a server with the module, while clients sleep, vanish
and are ended, and keys expire, move, are flushed, swapped, replaced and damaged. It judges one
thing: the server lives, answers each command once, and lets the module go at the end.

module_storm.py SERVER MODULE SEED STEPS
"""
import io
import os
import random
import socket
import subprocess
import sys
import tempfile
import time

KEYS = ["a", "b", "c"]
SLEEPERS_MAX = 40


def packed(words):
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        word = word if isinstance(word, bytes) else str(word).encode()
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.replies = self.socket.makefile("rb")

    def send(self, *commands):
        self.socket.sendall(b"".join(packed(words) for words in commands))

    def next(self):
        line = self.replies.readline()
        if not line:
            raise EOFError("the server closed the connection")
        kind, value = line[:1], line[1:-2]
        if kind == b"*":
            return [self.next() for _ in range(int(value))] if int(value) >= 0 else None
        if kind == b"$":
            return self.replies.read(int(value) + 2)[:-2] if int(value) >= 0 else None
        return value.decode("latin-1")

    def run(self, *words):
        self.send(words)
        return self.next()

    def close(self):
        """How many replies had come that were not read."""
        self.socket.setblocking(False)
        try:
            come = self.socket.recv(1 << 20)
        except BlockingIOError:
            come = b""
        self.replies.close()
        self.socket.close()
        self.replies = io.BytesIO(come)
        count = 0
        while self.replies.tell() < len(come):
            self.next()
            count += 1
        return count


class Storm:
    def __init__(self, path, seed):
        self.path = path
        self.draw = random.Random(seed)
        self.main = Client(path)
        self.sleepers = []

    def create(self, key):
        draw = self.draw
        shard = draw.choice([(), (5, 1)])
        self.main.run("slotq.create", key, 9, 32, 3, 3, 2, draw.choice([0, 2, 4, 6, 16]), 2, 1,
                      draw.choice([0, 2]), draw.choice([0, 3]), 8, draw.randint(1, 9), *shard)

    def sleep(self, key):
        draw = self.draw
        client = Client(self.path)
        client.send(("slotq." + draw.choice(["reserve", "reserve_packed"]), key, draw.randint(0, 1),
                     draw.randint(1, 4), draw.choice([5, 600000]), "BLOCK",
                     draw.choice([0, 0, 3, 50])))
        self.sleepers.append(client)
        if len(self.sleepers) > SLEEPERS_MAX:
            self.end_sleeper(0)

    def end_sleeper(self, index):
        try:
            count = self.sleepers.pop(index).close()
        except ConnectionResetError:
            return  # it was killed
        if count > 1:
            raise RuntimeError("a sleeper was answered %d times" % count)

    def vanish(self, _):
        if self.sleepers:
            self.end_sleeper(self.draw.randrange(len(self.sleepers)))

    def serve_and_kill(self, key):
        listed = self.main.run("client", "list").decode().split("\n")
        ids = [line.split(" ")[0][3:] for line in listed if "cmd=slotq.reserve" in line][:2]
        writer = Client(self.path)
        writer.send(("slotq.push", key, "y"), *[("client", "kill", "id", one) for one in ids])
        for _ in range(1 + len(ids)):
            writer.next()
        writer.close()

    def work(self, key):
        draw = self.draw
        got = self.main.run("slotq.reserve", key, 0, 2, draw.choice([3, 600000]))
        if isinstance(got, list) and got and got[0] == "RING":
            got = got[4]
        if isinstance(got, list) and len(got) >= 4:
            pair = (got[0], got[1])
            self.main.run(*draw.choice([
                ("slotq.ack", key, 0) + pair,
                ("slotq.nack", key, 0, draw.randint(0, 8), 0) + pair,
                ("slotq.kill", key, 0, 1) + pair,
                ("slotq.move", key, draw.choice(KEYS), 0) + pair]))

    def damage(self, key):
        value = self.main.run("get", key)
        if isinstance(value, bytes) and len(value) > 60:
            value = bytearray(value)
            value[self.draw.randrange(min(len(value), 600))] ^= 1 << self.draw.randrange(8)
            self.main.run("set", key, bytes(value))

    def expire(self, key):
        self.main.run("debug", "set-active-expire", self.draw.randint(0, 1))
        self.main.run("pexpire", key, self.draw.randint(1, 8))
        if self.draw.randint(0, 49) == 0:
            time.sleep(0.06)  # the first that looks at the key is a sleeper whose time is over

    def replace(self, key):
        draw, run = self.draw, self.main.run
        run("sadd", "set", 1)
        run(*draw.choice([("sunionstore", key, "set"), ("set", key, "other"), ("del", key),
                          ("rename", key, draw.choice(KEYS)), ("swapdb", 0, draw.randint(0, 1)),
                          ("flushall",), ("flushdb",), ("slotq.delete", key, 5, 1)]))

    def together(self, key):
        for words in (("multi",), ("slotq.push", key, "m"),
                      ("slotq.reserve", key, 0, 1, 10, "BLOCK", 0), ("exec",)):
            self.main.run(*words)

    def pause(self, key):
        self.main.run("slotq.pause", key, self.draw.randint(1, 3))
        self.main.run("slotq.resume", key, 3)

    def push(self, key):
        self.main.run("slotq.push", key, *["x" * self.draw.randint(0, 32)] *
                      self.draw.randint(1, 4))

    def schedule(self, key):
        due_ms = int(time.time() * 1000) + self.draw.randint(0, 30)
        self.main.run("slotq.schedule", key, due_ms, 0, "z")

    def play(self, steps):
        often = [self.sleep] * 6 + [self.push] * 8 + [self.create] * 2 + [self.work] * 2
        kinds = often + [self.vanish, self.serve_and_kill, self.damage, self.expire, self.replace,
                         self.replace, self.together, self.pause, self.schedule]
        for step in range(steps):
            self.draw.choice(kinds)(self.draw.choice(KEYS))
            if step % 100 == 0 and self.main.run("ping") != "PONG":
                raise RuntimeError("step %d: a command was not answered once" % step)
        while self.sleepers:
            self.end_sleeper(0)
        while "OK" != self.main.run("module", "unload", "slotq"):
            time.sleep(0.01)  # sleepers that the server has not seen go


def main():
    server, module, seed, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        with open(os.path.join(folder, "log"), "wb") as log:
            started = subprocess.Popen(
                [server, "--port", "0", "--unixsocket", path, "--dir", folder, "--save", "",
                 "--enable-module-command", "yes", "--enable-debug-command", "yes",
                 "--crash-memcheck-enabled", "no", "--loadmodule", module],
                stdout=log, stderr=log)
        try:
            while not os.path.exists(path):
                if started.poll() is not None:
                    raise RuntimeError("the server does not start")
                time.sleep(0.01)
            Storm(path, seed).play(steps)
        except (OSError, EOFError, RuntimeError) as fault:
            print("seed %d: %s" % (seed, fault))
            with open(os.path.join(folder, "log"), "rb") as log:
                sys.stdout.write(log.read().decode("latin-1")[-4000:])
            return 1
        finally:
            started.terminate()
            started.wait()
    print("%d random steps, seed %d: the server lives" % (steps, seed))
    return 0


sys.exit(main())

"""replay_vectors.py: sends the conformance vectors to a real server, and compares each reply and
each value. replay_vectors.py SOCKET SCRIPTS-FOLDER < vectors. Knows the notation of the vectors."""

import json
import socket
import sys


class Server:
    """A connection that speaks the protocol, no more."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")

    def command(self, *parts):
        """Send a command and return its reply: as in the vectors, but texts are bytes."""
        sent = b"*%d\r\n" % len(parts)
        for part in parts:
            sent += b"$%d\r\n%s\r\n" % (len(part), part)
        self.socket.sendall(sent)
        return self.reply()

    def reply(self):
        """The next reply."""
        line = self.stream.readline()
        mark, rest = line[:1], line[1:-2].decode()
        if mark == b"$":
            return None if rest == "-1" else self.stream.read(int(rest) + 2)[:-2]
        if mark == b"*":
            return [self.reply() for _ in range(int(rest))]
        if mark == b":":
            return int(rest)
        return {"error" if mark == b"-" else "status": rest}


def bytes_of(text):
    """The bytes of a string of the vectors."""
    return bytes.fromhex(text["hex"]) if isinstance(text, dict) else text.encode()


def agrees(wanted, got):
    """Whether a reply is what the vector says; of an error the words before the colon count."""
    if isinstance(wanted, list):
        return (isinstance(got, list) and len(got) == len(wanted)
                and all(map(agrees, wanted, got)))
    if isinstance(wanted, dict) and "error" in wanted:
        text = got.get("error", "") if isinstance(got, dict) else ""
        return text.startswith((wanted["error"] + ":", wanted["error"] + " "))
    if isinstance(wanted, str) or (isinstance(wanted, dict) and "hex" in wanted):
        return got == bytes_of(wanted)
    return got == wanted and type(got) is type(wanted)


def value_after(value, vector):
    """The bytes that the call of a vector leaves."""
    if "value" in vector:
        return bytes.fromhex(vector["value"])
    left = bytearray(value)
    for offset, changed in vector["changed"]:
        left[offset:offset + len(changed) // 2] = bytes.fromhex(changed)
    return bytes(left)


def differs_at(wanted, got, vector):
    """The offset of the first byte that differs, or None; undefined bytes do not count."""
    undefined = set()
    for offset, length in vector.get("undefined", []):
        undefined.update(range(offset, offset + length))
    if len(wanted) != len(got):
        return min(len(wanted), len(got))
    return next((at for at, (left, right) in enumerate(zip(wanted, got))
                 if left != right and at not in undefined), None)


def replay(server, folder, lines):
    """Send all vectors; 1 after the first that differs."""
    hashes, values, calls = {}, {}, 0
    for line in lines:
        vector = json.loads(line)
        queue, script = vector["queue"].encode(), vector["script"]
        if script not in hashes:
            with open(f"{folder}/{script}.lua", "rb") as source:
                hashes[script] = server.command(b"SCRIPT", b"LOAD", source.read())
        got = server.command(b"EVALSHA", hashes[script], b"1", queue,
                             *map(bytes_of, vector["args"]))
        if script == "reserve_packed" and isinstance(got, list) and len(got) > 2:
            got = [got[0], b"".join(got[1:])]
        values[queue] = value_after(values.get(queue, b""), vector)
        calls += 1
        if not agrees(vector["reply"], got):
            print(f"vector {calls}: {line[:300].rstrip()}\n  the server: {str(got)[:300]}")
            return 1
        at = differs_at(values[queue], server.command(b"GET", queue), vector)
        if at is not None:
            print(f"vector {calls}: {line[:300].rstrip()}\n  the server's value differs at {at}")
            return 1
    print(f"{calls} vectors, the same")
    return 0 if calls > 0 else 1


if __name__ == "__main__":
    sys.exit(replay(Server(sys.argv[1]), sys.argv[2], sys.stdin))

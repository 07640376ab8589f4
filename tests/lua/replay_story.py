"""replay_story.py: what story.lua told under the shim, told again to a real server: each reply and
each value must be the same. replay_story.py SOCKET SCRIPTS-FOLDER < story. Judges by comparing."""

import socket
import sys


class Server:
    """A connection that speaks the protocol, no more."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")

    def command(self, *parts):
        """Send a command; its reply in the story's own notation."""
        sent = b"*%d\r\n" % len(parts)
        for part in parts:
            sent += b"$%d\r\n%s\r\n" % (len(part), part)
        self.socket.sendall(sent)
        return self.told()

    def told(self):
        """The next reply, as one word."""
        line = self.stream.readline()
        mark, rest = line[:1], line[1:-2].decode()
        if mark == b"$":
            if rest == "-1":
                return "_"
            return "$" + self.stream.read(int(rest) + 2)[:-2].hex()
        if mark == b"*":
            return "[" + ",".join(self.told() for _ in range(int(rest))) + "]"
        return mark.decode() + rest.replace(" ", ".")


def replay(server, folder):
    """Calls told again, and the first lines that differ."""
    hashes = {}
    calls = values = 0
    for line in sys.stdin:
        words = line.split()
        if words[0] == "published":
            continue
        if words[0] in ("value", "other"):
            values += 1
            told = server.command(b"GET", b"q" if words[0] == "value" else b"m")
            wanted = "$" + words[1]
        else:
            script, wanted = words[0], words[-1]
            if script == "create":
                server.command(b"DEL", b"q")
            if script not in hashes:
                with open(f"{folder}/{script}.lua", "rb") as source:
                    hashes[script] = server.command(b"SCRIPT", b"LOAD", source.read())[1:]
            # the words between, empty arguments among them, are single-spaced
            arguments = line.rstrip("\n").split(" = ")[0].split(" ")[1:]
            keys = (b"2", b"q", b"m") if script == "move" else (b"1", b"q")
            told = server.command(b"EVALSHA", bytes.fromhex(hashes[script]), *keys,
                                  *(bytes.fromhex(argument) for argument in arguments))
            if script == "create":
                value = server.command(b"GET", b"q")
                server.command(b"SET", b"m", bytes.fromhex(value[1:]))
            calls += 1
        if told != wanted:
            print(f"after {calls} calls: {line[:200].rstrip()}\n  the server: {told[:200]}")
            return 1
    print(f"{calls} calls and {values} values, the same")
    return 0 if calls > 0 and values > 0 else 1


if __name__ == "__main__":
    sys.exit(replay(Server(sys.argv[1]), sys.argv[2]))

"""scripts.py: sends the scripts of slotq to a server, by whichever command it allows. Knows
manifest.json and the errors; no verb."""

import json
import pathlib
from typing import Any, Dict, Sequence, Union

import redis

from .outcomes import OutcomeUnknown, Refused, Remade


def _default_folder() -> pathlib.Path:
    """The scripts: `lua` beside this file, or build/lua of the source tree."""
    here = pathlib.Path(__file__).resolve()
    beside = here.parent / "lua"
    return beside if beside.is_dir() else here.parents[4] / "build" / "lua"


class Scripts:
    """The scripts, and the way in which a server takes them: EVALSHA, or FCALL where that is
    refused, or their read-only forms. One may serve all queues of a client."""

    def __init__(self, client: "redis.Redis", folder: Union[str, pathlib.Path, None] = None):
        if client.connection_pool.connection_kwargs.get("decode_responses"):
            raise ValueError("the client decodes replies; make it without decode_responses")
        self.client = client
        self.folder = pathlib.Path(folder) if folder else _default_folder()
        manifest = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        self._scripts = {script["name"]: script for script in manifest["scripts"]}
        with open(self.folder / "slotq.functions.lua", encoding="utf-8") as functions:
            self._library = functions.readline().strip().rpartition("name=")[2]
        self._variant = "redis7"
        self._ways: Dict[bool, str] = {}  # whether a script only reads: the command that worked

    def call(self, name: str, keys: Sequence[Any], args: Sequence[Any]) -> Any:
        """Run a script; its reply as it is. The errors of slotq are Refused."""
        reads = self._scripts[name]["flags"] == "no-writes"
        known = self._ways.get(reads)
        ways = [known] if known else ["EVALSHA"] + ["EVALSHA_RO"] * reads + ["FCALL"] + \
            ["FCALL_RO"] * reads
        for way in ways:
            try:
                reply = self._run(way, name, keys, args)
            except redis.exceptions.NoPermissionError:
                if way == ways[-1]:
                    raise
                continue
            except redis.exceptions.ResponseError as error:
                if str(error).startswith("SLOTQ"):
                    self._ways[reads] = way
                raise _refusal(error) from None
            except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError) as error:
                if reads or " connecting to " in str(error):
                    raise
                raise OutcomeUnknown(f"{name}: the connection ended before the reply came; the "
                                     "call may have happened") from error
            self._ways[reads] = way
            return reply
        raise AssertionError("no way was tried")

    def _run(self, way: str, name: str, keys: Sequence[Any], args: Sequence[Any]) -> Any:
        if way.startswith("FCALL"):
            return self.client.execute_command(way, f"{self._library}_{name}", len(keys), *keys,
                                               *args)
        for _ in range(3):  # as it is; loaded; loaded in the other variant
            sha = self._scripts[name]["sha1"][self._variant]
            try:
                return self.client.execute_command(way, sha, len(keys), *keys, *args)
            except redis.exceptions.NoScriptError:
                self._load(name)
        raise Refused("NOSCRIPT", f"the server forgets the script {name} as soon as it has it")

    def _load(self, name: str) -> None:
        text = (self.folder / self._variant / f"{name}.lua").read_bytes()
        try:
            self.client.execute_command("SCRIPT LOAD", text)
        except redis.exceptions.NoPermissionError:
            raise
        except redis.exceptions.ResponseError as error:
            if self._variant != "redis7" or "compil" not in str(error):
                raise
            self._variant = "plain"  # a server before Redis 7 does not know the first line


def _refusal(error: "redis.exceptions.ResponseError") -> Exception:
    """slotq's own error of an error reply; others stay what they are."""
    text = str(error)
    if not text.startswith("SLOTQ"):
        return error
    code = text.split(":")[0].split(" ")[0][len("SLOTQ"):]
    if code == "SHARDED":
        text += " (this client does not support sharded queues)"
    return (Remade if code == "REMADE" else Refused)(code, text)

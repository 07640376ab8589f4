"""rows.py: the rows of the proof: which test cases prove what, how much they try in a quick run and
in one of `make torture`. Knows no way to run them.
"""
import collections

# share: of the time of torture, in proportion; 0: once, as it tries everything there is.
# quick and deep: the environment of either; cases: as the test binary reads them.
Part = collections.namedtuple("Part", "row share suite cases quick deep")

# What a row proves, in the order of the report.
ROWS = {
    "model": "the core does what a plain list of messages does",
    "closure": "every state of tiny queues, with each verb, also stopped between steps",
    "cases": "each rule of the format, one by one: core and layout",
    "damage": "every byte with every other value: refused, named or harmless",
    "parity": "scripts and module do what the core does, byte by byte",
    "crash": "a process killed after any instruction: each verb whole or not at all",
    "kills": "processes in three PID namespaces, killed and stopped: one in the lock",
    "power": "power lost at any instant with sync=always: what was acked is there",
    "faults": "each system call and allocation fails: an outcome, and nothing lost",
    "total": "processes killed at random: lost = unexpected = 0, repeats explained",
    "sleep": "no worker sleeps beside a message: all interleavings, and real ones",
    "server": "replies cut at each byte, BUSY, OOM, READONLY, no script, wrong type",
    "shards": "sharded queues: nothing lost or doubled while shards come and go",
    "failover": "Sentinel and cluster fail over under load: what WAIT confirmed is there",
    "worker": "workers that hang, exit and are killed: done + dead = pushed",
    "clients": "the clients of other languages, on the conformance vectors",
    "fuzz": "parsers of untrusted bytes under libFuzzer, with sanitizers",
    "planted": "ten planted defects: each is caught, by a row above",
    "mutants": "single changed tokens of layout and core: a test notices",
}

CORE, LAYOUT = "tests/engine/core", "tests/engine/layout"
FILE, QUEUE = "tests/engine/backend-file", "tests/engine/queue"
REDIS, LUA = "tests/engine/backend-redis", "tests/lua"
MODULE, SHARDS = "tests/module", "tests/shards"
WORKER, PROTOCOL = "tests/engine/worker", "tests/protocol"
PROVE = {"SLOTQ_PROVE": "1"}

PARTS = [
    Part("cases", 0, LAYOUT, ["~[make-golden]"], {}, {}),
    Part("cases", 0, CORE, ["~closure*", "~damage*", "~random*"], {}, {}),
    Part("closure", 0, CORE, ["closure*"], {}, PROVE),
    Part("damage", 0, CORE, ["damage*,*corrupt*"], {}, PROVE),
    Part("damage", 0, LUA, ["refusals*"], {}, PROVE),
    Part("model", 8, CORE, ["random: core and model*"], {"SLOTQ_STEPS": "100000"},
         {"SLOTQ_STEPS": "3000000"}),
    Part("parity", 4, LUA, ["parity: core and Lua*"], {"SLOTQ_STEPS": "10000"},
         {"SLOTQ_STEPS": "100000"}),
    Part("parity", 3, LUA, ["parity: core and module*"], {"SLOTQ_STEPS": "10000"},
         {"SLOTQ_STEPS": "100000"}),
    Part("parity", 1, LUA, ["parity: a move*"], {"SLOTQ_MOVES": "500"}, {"SLOTQ_MOVES": "4000"}),
    Part("parity", 0, LUA, ["stores*"], {}, PROVE),
    Part("crash", 0, FILE, ["[crash]~[torture]"], {}, PROVE),
    Part("crash", 4, FILE, ["killed at random in verbs*"], {}, {"SLOTQ_CRASH_STATES": "3000"}),
    Part("kills", 2, FILE, ["never two inside*"], {}, {"SLOTQ_TORTURE_SECONDS": "20"}),
    Part("power", 4, FILE, ["[power]"], {}, {"SLOTQ_POWER_TRIALS": "4000"}),
    Part("faults", 0, FILE, ["[faults],each system call of adopting*"], {}, {}),
    Part("faults", 0, REDIS, ["each allocation fails*"], {}, {}),
    Part("total", 6, FILE, ["[total]"], {}, {"SLOTQ_TOTAL_MESSAGES": "20000"}),
    Part("sleep", 0, PROTOCOL, ["*"], {}, PROVE),
    Part("sleep", 2, QUEUE, ["[sleepers]"], {}, {}),
    Part("server", 0, LUA, ["server*"], {}, {}),
    Part("server", 1, REDIS, ["a push whose reply*,a reserve and an ack that are cut*,"
                              "what only reads*,opening is cut*,a reply with a byte*,meeting*,"
                              "ways whose replies*,lies*,SCRIPT FLUSH*"], {}, {}),
    Part("shards", 3, SHARDS, ["[torture]"], {}, {}),
    Part("shards", 1, SHARDS, ["sharded changes*,sharded repair*,sharded store*,library*"], {}, {}),
    Part("failover", 1, REDIS, ["[failover]"], {}, {}),
    Part("failover", 1, SHARDS, ["[failover]"], {}, {}),
    Part("worker", 0, WORKER, ["[storm]"], {}, PROVE),
    Part("clients", 0, "tests/tools/test_client_python.sh", [], {}, {}),
    Part("clients", 0, "tests/tools/test_client_node.sh", [], {}, {}),
]

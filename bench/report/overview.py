# overview.py: one line for each contender, from several families: a wide table for report.md and a
# narrow one for README.md. Knows what helps a reader to choose; medians are of figures.py.
from figures import digits, falls_behind, median_of, rate_text, time_text
from markdown import Table
from raw import part

RATE = "rate=10000 consumers=1"
WEIGHT = "messages=10000 payload=32"
NOTHING = "–"


def chosen(results):
    """All that have a server, but bounds; ours is one line, whichever way it was called."""
    ours = [one for one in results.contenders.values() if one.is_ours and not one.is_embedded]
    return [one for one in results.contenders.values()
            if not one.is_bound and one not in ours[1:] and
            (results.takes_part("cycle", one.name) or results.takes_part("latency", one.name))]


def median_for(results, family, one, case, metric):
    """Of ours: through its library where nothing else was measured."""
    middle = median_of(results, family, one.name, case, metric)
    if middle is not None or not one.is_ours:
        return middle
    others = (median_of(results, family, other.name, case, metric)
              for other in results.contenders.values() if other.beside == one.name and
              other.is_ours)
    return next((other for other in others if other is not None), None)


# Each of these returns a number, of which the least is the best (None: it is not compared), and
# its text.


def speed(results, one, batch):
    ns = median_for(results, "cycle", one, results.cycle_case(batch), "cycle_ns")
    return ns, rate_text(ns) or NOTHING


def weight(results, one, metric):
    middle = median_for(results, "memory", one, WEIGHT, metric)
    return middle, NOTHING if middle is None else digits(middle)


def delay(results, one, metric):
    if falls_behind(results, one.name, RATE):
        return None, "behind"
    middle = median_for(results, "latency", one, RATE, metric)
    return middle, NOTHING if middle is None else time_text(1000 * middle)


def at_limit(results, one):
    case = results.cases.get("full", [""])[0]
    pushes, takes, finishes = (median_of(results, "full", one.name, case, metric)
                               for metric in ("pushes", "takes", "finishes"))
    if pushes is None:
        return None, NOTHING
    if not takes or not finishes:
        return None, "stops"
    return None, "works" if pushes else "no push"


def with_best(rows):
    """The texts, the best of each column in bold: the first of those that are equal."""
    texts = [[text for _, text in row] for row in rows]
    for column in range(len(rows[0]) if rows else 0):
        known = [(row[column][0], r) for r, row in enumerate(rows) if row[column][0] is not None]
        if known:
            best = min(known)[1]
            texts[best][column] = f"**{texts[best][column]}**"
    return texts


BATCHED, SINGLE, LEASED = "batches of 256", "one at a time", "bytes, leased"


def narrow_table(results):
    """At most 80 columns."""
    table = Table(["32-byte payloads", BATCHED, SINGLE, LEASED])
    shown = chosen(results)
    rows = [[speed(results, one, 256), speed(results, one, 1),
             weight(results, one, "leased_bytes")] for one in shown]
    for one, texts in zip(shown, with_best(rows)):
        table.add([one.name, *texts])
    return table.lines()


def wide_table(results):
    table = Table(["32-byte payloads", BATCHED, SINGLE, "p50 at 10,000/s", "p99",
                   "bytes, ready", LEASED, "at `maxmemory`", "lacks"], (0, 8))
    shown = chosen(results)
    rows = [[speed(results, one, 256), speed(results, one, 1), delay(results, one, "p50_us"),
             delay(results, one, "p99_us"), weight(results, one, "ready_bytes"),
             weight(results, one, "leased_bytes"), at_limit(results, one)] for one in shown]
    for one, texts in zip(shown, with_best(rows)):
        table.add([one.name, *texts, one.lacks])
    return table.lines()


def speed_terms(results):
    flight = part(results.cycle_case(256), "flight") or "1"
    return [f"- **{BATCHED}**: messages per second through push, reserve and ack by one client, "
            f"256 messages per call, {flight} calls in flight",
            f"- **{SINGLE}**: the same with one message per call, one call per round trip"]


LEASED_TERM = f"- **{LEASED}**: memory of the server per leased message, payload included"


def overview(results):
    lines = wide_table(results)
    if not lines:
        return []
    return ["## All contenders", "", *lines, *speed_terms(results),
            "- **p50**, **p99**: from when a message is due until a consumer has it, at 10,000 "
            "messages per second; *behind*: slower than that rate",
            "- **bytes, ready**: memory of the server per message that nothing has reserved yet",
            LEASED_TERM,
            "- **at `maxmemory`**: *works*: push, reserve and ack go on; *no push*: reserve and "
            "ack go on; *stops*: neither",
            "- **lacks**: what it does less than slotq; bold: the best of a column", ""]

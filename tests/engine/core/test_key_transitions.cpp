/* test_key_transitions.cpp: every state of a message with a key, in each place, against every verb:
 * what becomes of the key (FORMAT.md, "Keys").
 */
#include "aside.hpp"

namespace
{

constexpr uint64_t lease_ms = 5000;
constexpr uint64_t delay_ms = 3000;
constexpr uint64_t key = 9;
constexpr uint64_t other_key = 10;

/* In the ring behind a leased message; before its window; aside; in the later section. */
enum class Was {
    ready,
    leased,
    waiting,
    acked,
    dead,
    removed,
    before_window,
    aside_ready,
    aside_leased,
    aside_waiting,
    aside_acked,
    aside_dead,
    aside_removed,
    scheduled,
    due
};

constexpr Was every_state[] = {
    Was::ready,       Was::leased,        Was::waiting,       Was::acked,        Was::dead,
    Was::removed,     Was::before_window, Was::aside_ready,   Was::aside_leased, Was::aside_waiting,
    Was::aside_acked, Was::aside_dead,    Was::aside_removed, Was::scheduled,    Was::due};

bool is_late(Was was)
{
    return was == Was::scheduled || was == Was::due;
}

slotq_geometry shape(uint32_t flags)
{
    slotq_geometry made = support::geometry(6, 5, 1, SLOTQ_FLAG_KEYS | flags, 0, 4, 100);
    made.aside_slots = (flags & SLOTQ_FLAG_OVERWRITE) != 0 ? 0 : 3;
    made.later_slots = 3;
    return made;
}

struct Scene {
    Queue queue;
    Was was;
    uint64_t id = 2;    /* its later id, if it is scheduled */
    uint32_t token = 5; /* the last lease's */

    explicit Scene(Was state, uint32_t flags = 0) : queue(shape(flags)), was(state)
    {
        if (is_late(was)) {
            REQUIRE(queue.push(1) == SLOTQ_OK);
            REQUIRE(queue.schedule(queue.now_ms + 3 * lease_ms) == SLOTQ_OK);
            REQUIRE(queue.schedule_keys({key}, queue.now_ms + lease_ms) == SLOTQ_OK);
            queue.now_ms += was == Was::due ? lease_ms : 0;
        } else if (was == Was::before_window) {
            id = 1;
            REQUIRE(queue.push_keys({key}) == SLOTQ_OK);
            REQUIRE(queue.reserve(1, lease_ms) == SLOTQ_OK);
            REQUIRE(queue.settle(SLOTQ_ACK, queue.runs) == SLOTQ_OK);
        } else if (was >= Was::aside_ready) {
            step_aside();
        } else {
            REQUIRE(queue.push_keys({0, key}) == SLOTQ_OK);
            REQUIRE(queue.reserve(1, aside::long_ms) == SLOTQ_OK); /* what stands before it */
            if (was != Was::ready && was != Was::removed) {
                REQUIRE(queue.reserve(1, lease_ms) == SLOTQ_OK);
                token = queue.runs[0].token;
            }
            put();
        }
    }

    void step_aside()
    {
        id = 1;
        queue.keys = {key, 0, 0, 0, 0};
        token = aside::hold(queue, 1);
        queue.keys.clear();
        REQUIRE(queue.push(1) == SLOTQ_OK);
        REQUIRE(queue.aside_ids() == aside::ids{1});
        if (was == Was::aside_ready || was == Was::aside_removed) {
            REQUIRE(queue.settle(SLOTQ_NACK, id, token) == SLOTQ_OK);
        }
        put();
    }

    /* From leased, or ready, to its state. */
    void put()
    {
        switch (was) {
        case Was::waiting:
        case Was::aside_waiting:
            REQUIRE(queue.settle(SLOTQ_NACK, id, token, delay_ms) == SLOTQ_OK);
            break;
        case Was::acked:
        case Was::aside_acked:
            REQUIRE(queue.settle(SLOTQ_ACK, id, token) == SLOTQ_OK);
            break;
        case Was::dead:
        case Was::aside_dead:
            REQUIRE(queue.settle(SLOTQ_KILL, id, token) == SLOTQ_OK);
            break;
        case Was::removed:
        case Was::aside_removed:
            REQUIRE(queue.remove(id) == SLOTQ_OK);
            break;
        default:
            break;
        }
    }
};

slotq_outcome settle(Scene &scene, slotq_verb verb, uint64_t ms = 0)
{
    return scene.queue.settle(verb, scene.id, scene.token, ms);
}

/* Others use the whole ring again: each is acked but the first, which must step aside. */
slotq_outcome lap(Scene &scene)
{
    Queue &queue = scene.queue;
    uint64_t held = 0;
    for (uint32_t i = 0; i <= queue.image.geometry().ring_slots; i++) {
        REQUIRE(queue.push(1) == SLOTQ_OK);
        const uint64_t pushed = queue.call.push.first_id;
        held = held == 0 ? pushed : held;
        REQUIRE(queue.reserve(9, aside::long_ms) == SLOTQ_OK);
        for (const slotq_run &run : std::vector<slotq_run>(queue.runs)) {
            for (uint64_t id = run.id; id < run.id + run.count; id++) {
                if (id != held && id == pushed) {
                    REQUIRE(queue.settle(SLOTQ_ACK, id, run.token) == SLOTQ_OK);
                }
            }
        }
    }
    const aside::ids ids = queue.aside_ids();
    REQUIRE(std::find(ids.begin(), ids.end(), held) != ids.end());
    return SLOTQ_OK;
}

slotq_outcome wait(Scene &scene)
{
    scene.queue.now_ms += 2 * lease_ms;
    return scene.queue.reclaim();
}

/* What became of the key. */
char fate(const slotq_key_holder *was, const slotq_key_holder *is)
{
    if (is == nullptr) {
        return '-'; /* no message has it */
    }
    if (is->id == was->id && is->place == was->place) {
        return is->is_unfinished == was->is_unfinished ? '.' : was->is_unfinished ? 'f' : '?';
    }
    if (!is->is_unfinished) {
        return '?';
    }
    const bool is_same = was->place != SLOTQ_KEY_SCHEDULED && is->id == was->id;
    return is->place == SLOTQ_KEY_SCHEDULED ? 's'
           : is->place == SLOTQ_KEY_IN_RING ? (is_same ? '?' : 'r')
                                            : (is_same ? 'a' : 'b');
}

/* The key's fate by a verb; a capital if the verb was refused for it: DUPLICATE, and it names the
 * holder. */
template <typename Verb>
char fate_by(Scene &scene, Verb verb)
{
    Queue &queue = scene.queue;
    REQUIRE(queue.find(key) == SLOTQ_OK);
    const slotq_key_holder was = queue.call.find.holder;
    const support::Bytes before = queue.image.bytes();
    const slotq_outcome outcome = verb(scene);
    const slotq_key_holder taken =
        queue.call.verb == SLOTQ_PUSH ? queue.call.push.taken : queue.call.schedule.taken;
    const bool same = queue.image.bytes() == before;
    const bool found = queue.find(key) == SLOTQ_OK;
    const slotq_key_holder is = queue.call.find.holder;
    const char became = fate(&was, found ? &is : nullptr);
    if (outcome != SLOTQ_DUPLICATE) {
        return became;
    }
    REQUIRE(found);
    REQUIRE(taken.id == is.id);
    REQUIRE(taken.place == is.place);
    REQUIRE(taken.is_unfinished == is.is_unfinished);
    return became == 'r' ? 'R' : became == '.' && same ? 'D' : '?';
}

/* '.' stays, 'f' stays and its message is finished now, '-' is forgotten, 'r' with a new message of
 * the ring, 's' with a new scheduled one, 'a' aside with its message, 'b' aside with a new one, 'D'
 * refused, 'R' refused and promoted. */
template <typename Verb>
void require_fates(const char *name, const std::string &expected, Verb verb)
{
    std::string fates;
    for (const Was was : every_state) {
        CAPTURE(name, static_cast<int>(was));
        Scene scene(was);
        fates += fates.size() == 7 || fates.size() == 14 ? " " : "";
        fates += fate_by(scene, verb);
    }
    CAPTURE(name);
    REQUIRE(fates == expected);
}

} // namespace

/*                      ring    aside  later
 * ready leased waiting / acked dead removed before / the same but before / scheduled, due */
TEST_CASE("transitions: every state of a key against push and schedule with it")
{
    const auto push = [](slotq_key_mode mode, const std::vector<uint64_t> &keys) {
        return [=](Scene &scene) { return scene.queue.push_keys(keys, mode); };
    };
    const auto schedule = [](slotq_key_mode mode, const std::vector<uint64_t> &keys) {
        return [=](Scene &scene) {
            return scene.queue.schedule_keys(keys, scene.queue.now_ms + lease_ms, mode);
        };
    };
    require_fates("push unique", "DDDrrrr DDDrrr DR", push(SLOTQ_KEY_UNIQUE, {key}));
    require_fates("push once", "DDDDDDD DDDDDD DR", push(SLOTQ_KEY_ONCE, {key}));
    require_fates("push resend", "DDDDDDD DDDDDD DR", push(SLOTQ_KEY_RESEND, {key}));
    require_fates("push it second, unique", "DDDrrrr DDDrrr DR",
                  push(SLOTQ_KEY_UNIQUE, {other_key, key}));
    require_fates("push it second, resend", "rrrrrrr rrrrrr rr",
                  push(SLOTQ_KEY_RESEND, {other_key, key}));
    require_fates("push another", "....... ...... .r", push(SLOTQ_KEY_ONCE, {other_key}));
    require_fates("schedule unique", "DDDssss DDDsss DD", schedule(SLOTQ_KEY_UNIQUE, {key}));
    require_fates("schedule once", "DDDDDDD DDDDDD DD", schedule(SLOTQ_KEY_ONCE, {key}));
    require_fates("schedule resend", "DDDDDDD DDDDDD DD", schedule(SLOTQ_KEY_RESEND, {key}));
    require_fates("schedule another", "....... ...... ..", schedule(SLOTQ_KEY_ONCE, {other_key}));
}

TEST_CASE("transitions: a scheduled message takes a key by resend")
{
    for (const Was was : every_state) {
        if (is_late(was)) {
            continue; /* there is no room for two more */
        }
        Scene scene(was);
        Queue &queue = scene.queue;
        CAPTURE(static_cast<int>(was));
        const uint64_t due_ms = queue.now_ms + lease_ms;
        REQUIRE(fate_by(scene, [&](Scene &) {
                    return queue.schedule_keys({other_key, key}, due_ms, SLOTQ_KEY_RESEND);
                }) == 's');
    }
}

TEST_CASE("transitions: every state of a key against all other verbs")
{
    using S = Scene;
    require_fates("lap", "aaa---- ...--- .b", lap);
    require_fates("wait", "....... ...... ..", wait);
    require_fates("reserve", "....... ...... .r", [](S &s) { return s.queue.reserve(9); });
    require_fates("ack", ".f..... .f.... ..", [](S &s) { return settle(s, SLOTQ_ACK); });
    require_fates("nack", "....... ...... ..", [](S &s) { return settle(s, SLOTQ_NACK); });
    require_fates("delay", "....... ...... ..",
                  [](S &s) { return settle(s, SLOTQ_NACK, delay_ms); });
    require_fates("release", "....... ...... ..", [](S &s) { return settle(s, SLOTQ_RELEASE); });
    require_fates("extend", "....... ...... ..",
                  [](S &s) { return settle(s, SLOTQ_EXTEND, lease_ms); });
    require_fates("kill", ".f..... .f.... ..", [](S &s) { return settle(s, SLOTQ_KILL); });
    require_fates("remove", "f.f.... f.f... ..", [](S &s) { return s.queue.remove(s.id); });
    require_fates("kick", "....... ...... ..", [](S &s) { return s.queue.kick(s.id); });
    require_fates("kick later", "....... ...... ..", [](S &s) { return s.queue.kick_later(s.id); });
    require_fates("cancel", "....... ...... --",
                  [](S &s) { return s.queue.cancel(static_cast<uint32_t>(s.id)); });
    require_fates("redrive", "....... ...... ..", [](S &s) { return s.queue.redrive(4); });
    require_fates("dead remove", "....... ...... ..",
                  [](S &s) { return s.queue.dead_remove(s.id); });
    require_fates("dead purge", "....... ...... ..",
                  [](S &s) { return s.queue.plain(SLOTQ_DEAD_PURGE); });
    require_fates("purge", "fff.... fff... ..", [](S &s) { return s.queue.plain(SLOTQ_PURGE); });
    require_fates("pause", "....... ...... ..",
                  [](S &s) { return s.queue.pause(SLOTQ_PAUSE, SLOTQ_PAUSE_BOTH); });
    require_fates("limit", "....... ...... ..",
                  [](S &s) { return s.queue.limit(SLOTQ_LIMIT_ALL, 1); });
}

TEST_CASE("transitions: the key of a message that is overwritten")
{
    for (const Was was : {Was::ready, Was::leased, Was::waiting, Was::acked, Was::removed}) {
        CAPTURE(static_cast<int>(was));
        const bool is_open = was <= Was::waiting;
        Scene dropped(was, SLOTQ_FLAG_OVERWRITE);
        REQUIRE(dropped.queue.push(3) == SLOTQ_OK);
        REQUIRE(fate_by(dropped, [](Scene &s) { return s.queue.push(1); }) == '.');
        REQUIRE(fate_by(dropped, [](Scene &s) { return s.queue.push(1); }) ==
                (is_open ? 'f' : '.'));
        REQUIRE(fate_by(dropped, [](Scene &s) { return s.queue.push(1); }) == '-');
    }
}

TEST_CASE("transitions: a dead message is pushed again without its key")
{
    Scene scene(Was::dead);
    Queue &queue = scene.queue;
    REQUIRE(queue.redrive(1) == SLOTQ_OK);
    REQUIRE(queue.find(key) == SLOTQ_OK);
    REQUIRE(queue.call.find.holder.id == scene.id);
    REQUIRE(queue.push_keys({key}, SLOTQ_KEY_ONCE) == SLOTQ_DUPLICATE);
    REQUIRE(queue.push_keys({key}) == SLOTQ_OK);
    REQUIRE(queue.image.key_of(queue.image.index_of(scene.id + 1)) == 0);
}

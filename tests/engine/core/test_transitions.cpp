/* test_transitions.cpp: every state a message can be in, against every verb, legal or not: the
 * answer, the state after it, and on refusal an image in which no byte has changed.
 */
#include "queue.hpp"

namespace
{

constexpr uint64_t lease_ms = 5000;
constexpr uint64_t delay_ms = 3000;

enum class Was {
    ready_new,
    ready_nacked,
    ready_released,
    leased,
    leased_passed,
    waiting,
    waiting_passed,
    done_acked,
    done_dead,
    done_removed,
    done_other_group,
    before_window,
    never_issued,
    id_zero
};

constexpr Was every_state[] = {Was::ready_new,      Was::ready_nacked,     Was::ready_released,
                               Was::leased,         Was::leased_passed,    Was::waiting,
                               Was::waiting_passed, Was::done_acked,       Was::done_dead,
                               Was::done_removed,   Was::done_other_group, Was::before_window,
                               Was::never_issued,   Was::id_zero};

bool is(Was was, std::initializer_list<Was> list)
{
    for (const Was one : list) {
        if (one == was) {
            return true;
        }
    }
    return false;
}

/* Where the message is. */
enum class Place { behind, at_head, aside };

constexpr Place every_place[] = {Place::behind, Place::at_head, Place::aside};

/* No such message can lie aside. */
bool is_never_aside(Was was)
{
    return is(was, {Was::ready_new, Was::done_other_group, Was::before_window, Was::never_issued,
                    Was::id_zero});
}

slotq_geometry shape()
{
    slotq_geometry made =
        support::geometry(9, 5, 2, SLOTQ_FLAG_STAMPS | SLOTQ_FLAG_CHECKS, 3, 4, 100);
    made.aside_slots = 2;
    return made;
}

/* A queue of two groups with the message in its state for group 0; another message, leased for
 * long, stands at head before it, unless the message itself is to be at head or aside. */
struct Scene {
    Queue queue{shape()};
    uint64_t id = 2;
    uint32_t token = 0; /* the last lease's */
    bool at_head;       /* or aside: when it is finished, the group no longer has it */

    Scene(Was was, Place place) : at_head(place != Place::behind)
    {
        queue.image.start_at((UINT64_C(1) << 31) - 2, 6); /* ids and slots wrap on the way */
        const uint64_t first = queue.image.last_id() + 1;
        id = first + (at_head ? 0 : 1);
        if (place == Place::aside) {
            step_aside();
            put_leased(was);
            return;
        }
        if (was == Was::done_other_group) {
            kill_in_other_group(first);
        } else {
            REQUIRE(queue.push(4, "abc") == SLOTQ_OK);
        }
        if (!at_head) {
            REQUIRE(queue.reserve(1, 1000000) == SLOTQ_OK);
            REQUIRE(queue.runs[0].id == first);
        }
        put(was);
    }

    /* A message dies in group 1 and is pushed again: it is not for group 0. */
    void kill_in_other_group(uint64_t first)
    {
        REQUIRE(queue.push(1, "abc") == SLOTQ_OK);
        REQUIRE(queue.reserve(1, lease_ms, 1) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_KILL, first, queue.runs[0].token, 0, 1) == SLOTQ_OK);
        REQUIRE(queue.push(1, "abc") == SLOTQ_OK);
        REQUIRE(queue.redrive() == SLOTQ_OK);
        REQUIRE(queue.push(2, "abc") == SLOTQ_OK);
        id = first + 2;
    }

    /* Both groups lease the message; group 1 lets it wait. All that follows is done with, until
     * the ring comes round to it. */
    void step_aside()
    {
        REQUIRE(queue.push(1, "abc") == SLOTQ_OK);
        REQUIRE(queue.reserve(1, lease_ms) == SLOTQ_OK);
        token = queue.runs[0].token;
        REQUIRE(queue.reserve(1, lease_ms, 1) == SLOTQ_OK);
        REQUIRE(queue.settle(SLOTQ_NACK, queue.runs, 1000000, 1) == SLOTQ_OK);
        do {
            REQUIRE(queue.push(1, "abc") == SLOTQ_OK);
            for (const uint32_t group : {0u, 1u}) {
                REQUIRE(queue.reserve(1, 1000000, group) == SLOTQ_OK);
                REQUIRE(queue.settle(SLOTQ_ACK, queue.runs, 0, group) == SLOTQ_OK);
            }
        } while (queue.image.aside_count() == 0);
        REQUIRE(queue.push(2, "abc") == SLOTQ_OK);
        REQUIRE(queue.aside_ids() == std::vector<uint64_t>{id});
    }

    void lease()
    {
        do { /* what comes before it stays leased, so that only its own state is tried */
            REQUIRE(queue.reserve(1, lease_ms) == SLOTQ_OK);
        } while (queue.runs[0].id != id);
        token = queue.runs[0].token;
    }

    void put(Was was)
    {
        if (is(was, {Was::ready_new, Was::never_issued, Was::id_zero, Was::done_other_group})) {
            id = was == Was::never_issued ? queue.image.last_id() + 1
                 : was == Was::id_zero    ? 0
                                          : id;
            return;
        }
        if (was == Was::done_removed) {
            REQUIRE(queue.remove(id, 0) == SLOTQ_OK);
            return;
        }
        if (was == Was::before_window) {
            at_head = true;
            id = queue.image.last_id() - 3;
            if (queue.group(field::group_leased) == 0) {
                REQUIRE(queue.reserve() == SLOTQ_OK);
            }
            REQUIRE(queue.settle(SLOTQ_ACK, id, queue.word(id)) == SLOTQ_OK);
            return;
        }
        lease();
        put_leased(was);
    }

    void put_leased(Was was)
    {
        switch (was) {
        case Was::ready_nacked:
            REQUIRE(queue.settle(SLOTQ_NACK, id, token) == SLOTQ_OK);
            break;
        case Was::ready_released:
            REQUIRE(queue.settle(SLOTQ_RELEASE, id, token) == SLOTQ_OK);
            break;
        case Was::waiting:
        case Was::waiting_passed:
            REQUIRE(queue.settle(SLOTQ_NACK, id, token, delay_ms) == SLOTQ_OK);
            break;
        case Was::done_acked:
            REQUIRE(queue.settle(SLOTQ_ACK, id, token) == SLOTQ_OK);
            break;
        case Was::done_dead:
            REQUIRE(queue.settle(SLOTQ_KILL, id, token) == SLOTQ_OK);
            break;
        case Was::done_removed: /* aside; elsewhere it is removed as it came */
            REQUIRE(queue.settle(SLOTQ_NACK, id, token) == SLOTQ_OK);
            REQUIRE(queue.remove(id, 0) == SLOTQ_OK);
            break;
        default:
            break;
        }
        if (is(was, {Was::leased_passed, Was::waiting_passed})) {
            queue.now_ms += lease_ms + 100;
        }
    }
};

constexpr slotq_verb settle_verbs[] = {SLOTQ_ACK, SLOTQ_NACK, SLOTQ_RELEASE, SLOTQ_EXTEND,
                                       SLOTQ_KILL};

slotq_outcome refusal(Was was, bool right_token)
{
    if (is(was, {Was::never_issued, Was::id_zero})) {
        return SLOTQ_NOTFOUND;
    }
    if (is(was, {Was::done_acked, Was::done_dead, Was::done_removed, Was::done_other_group,
                 Was::before_window})) {
        return SLOTQ_GONE;
    }
    const bool held = is(was, {Was::leased, Was::leased_passed});
    return held && right_token ? SLOTQ_OK : SLOTQ_STALE;
}

void require_settled(Scene &scene, slotq_verb verb, uint64_t ms)
{
    Queue &queue = scene.queue;
    const bool leaves = verb == SLOTQ_ACK || verb == SLOTQ_KILL;
    REQUIRE(queue.call.settle.ok_count == 1);
    REQUIRE(queue.call.settle.dead_count == (verb == SLOTQ_KILL ? 1 : 0));
    REQUIRE(queue.outcomes[0] == SLOTQ_OK);
    REQUIRE(queue.outcomes[1] == 99);
    if (leaves && scene.at_head) {
        REQUIRE(queue.status(scene.id) == SLOTQ_FINISHED);
        return;
    }
    REQUIRE(queue.status(scene.id) == SLOTQ_OK);
    const slotq_status status = queue.call.status.status;
    const uint64_t deadline_ms = (queue.now_ms + ms + 99) / 100 * 100;
    switch (verb) {
    case SLOTQ_ACK:
        REQUIRE(queue.word(scene.id) == 3);
        REQUIRE(status.why == SLOTQ_WHY_ACKED);
        break;
    case SLOTQ_KILL:
        REQUIRE(queue.word(scene.id) == 0x103);
        REQUIRE(status.why == SLOTQ_WHY_DEAD);
        break;
    case SLOTQ_RELEASE:
    case SLOTQ_NACK:
        REQUIRE(status.state == (ms == 0 ? SLOTQ_STATE_READY : SLOTQ_STATE_WAITING));
        REQUIRE(status.attempts == (verb == SLOTQ_NACK ? 1 : 0));
        REQUIRE(status.deadline_ms == (ms == 0 ? 0 : deadline_ms));
        break;
    default:
        REQUIRE(status.state == SLOTQ_STATE_LEASED);
        REQUIRE(queue.tokens[0] == queue.word(scene.id));
        REQUIRE(status.deadline_ms >= deadline_ms);
        break;
    }
}

void try_settle(Was was, Place place, slotq_verb verb, uint64_t ms, bool right)
{
    Scene scene(was, place);
    Queue &queue = scene.queue;
    const bool in_window = scene.id != 0 && scene.id <= queue.image.last_id() &&
                           was != Was::before_window && was != Was::ready_new &&
                           was != Was::done_other_group;
    const uint32_t word = in_window ? queue.word(scene.id) : 5;
    const uint32_t token = right ? word : word ^ 0x40000000;
    const slotq_outcome expected = refusal(was, right);
    CAPTURE(static_cast<int>(was), static_cast<int>(place), static_cast<int>(verb), ms, right);
    if (expected == SLOTQ_OK) {
        REQUIRE(queue.settle(verb, scene.id, token, ms) == SLOTQ_OK);
        require_settled(scene, verb, ms);
        return;
    }
    REQUIRE_REFUSED(queue, settle(verb, scene.id, token, ms), expected);
    REQUIRE(queue.call.settle.ok_count == 0);
    REQUIRE(queue.outcomes[0] == expected);
    REQUIRE(queue.tokens[0] == (verb == SLOTQ_EXTEND ? 4u * expected : 99u));
    if (scene.token != 0 && scene.token != word) { /* nor does its last lease's token help */
        REQUIRE_REFUSED(queue, settle(verb, scene.id, scene.token, ms), expected);
    }
}

/* Each state of a message, in each place where it can be. */
template <typename Try>
void in_every_scene(Try try_it)
{
    for (const Was was : every_state) {
        for (const Place place : every_place) {
            if (place != Place::aside || !is_never_aside(was)) {
                Scene scene(was, place);
                CAPTURE(static_cast<int>(was), static_cast<int>(place));
                try_it(was, scene);
            }
        }
    }
}

} // namespace

TEST_CASE("transitions: every state against ack, nack, release, extend, kill")
{
    for (const Was was : every_state) {
        for (const slotq_verb verb : settle_verbs) {
            for (const uint64_t ms : {UINT64_C(0), delay_ms}) {
                if (ms == 0 && verb == SLOTQ_EXTEND) {
                    continue;
                }
                for (const Place place : every_place) {
                    if (place != Place::aside || !is_never_aside(was)) {
                        try_settle(was, place, verb, ms, true);
                        try_settle(was, place, verb, ms, false);
                    }
                }
            }
        }
    }
}

TEST_CASE("transitions: every state against remove")
{
    in_every_scene([](Was was, Scene &scene) {
        Queue &queue = scene.queue;
        if (is(was, {Was::leased, Was::leased_passed})) {
            REQUIRE_REFUSED(queue, remove(scene.id, 0), SLOTQ_LEASED);
            REQUIRE_REFUSED(queue, remove(scene.id), SLOTQ_LEASED);
            REQUIRE(queue.remove(scene.id, 1) == SLOTQ_OK); /* there it is not */
            return;
        }
        const slotq_outcome refused = refusal(was, false);
        if (refused != SLOTQ_STALE) {
            REQUIRE_REFUSED(queue, remove(scene.id, 0), refused);
            if (refused == SLOTQ_NOTFOUND) {
                REQUIRE_REFUSED(queue, remove(scene.id), refused);
            } else { /* the other group has it left */
                REQUIRE(queue.remove(scene.id) == SLOTQ_OK);
                REQUIRE_REFUSED(queue, remove(scene.id), SLOTQ_GONE);
                REQUIRE_REFUSED(queue, remove(scene.id, 1), SLOTQ_GONE);
            }
            return;
        }
        REQUIRE(queue.remove(scene.id, 0) == SLOTQ_OK);
        REQUIRE_REFUSED(queue, remove(scene.id, 0), SLOTQ_GONE);
        if (scene.at_head) {
            REQUIRE(queue.status(scene.id) == SLOTQ_FINISHED);
        } else {
            REQUIRE(queue.word(scene.id) == 0x203);
        }
        REQUIRE(queue.remove(scene.id, 1) == SLOTQ_OK);
    });
}

TEST_CASE("transitions: every state against kick")
{
    in_every_scene([](Was was, Scene &scene) {
        Queue &queue = scene.queue;
        const slotq_outcome refused = refusal(was, false);
        if (refused != SLOTQ_STALE) {
            REQUIRE_REFUSED(queue, kick(scene.id), refused);
        } else if (is(was, {Was::leased, Was::leased_passed})) {
            REQUIRE_REFUSED(queue, kick(scene.id), SLOTQ_LEASED);
        } else if (is(was, {Was::waiting, Was::waiting_passed})) {
            const uint32_t word = queue.word(scene.id);
            REQUIRE(queue.kick(scene.id) == SLOTQ_OK);
            REQUIRE(queue.word(scene.id) == (word & ~3u)); /* attempts and bits stay */
            REQUIRE_REFUSED(queue, kick(scene.id), SLOTQ_OK);
            REQUIRE(queue.status(scene.id) == SLOTQ_OK);
            REQUIRE(queue.call.status.status.state == SLOTQ_STATE_READY);
        } else {
            REQUIRE_REFUSED(queue, kick(scene.id), SLOTQ_OK);
        }
    });
}

TEST_CASE("transitions: a message that waits for room among the dead is not kicked")
{
    Queue queue(support::geometry(4, 5, 1, 0, 1, 1, 100));
    REQUIRE(queue.push(2) == SLOTQ_OK);
    REQUIRE(queue.reserve(2, lease_ms) == SLOTQ_OK);
    REQUIRE(queue.settle(SLOTQ_KILL, 1, queue.runs[0].token) == SLOTQ_OK);
    queue.now_ms += lease_ms + 100;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE_REFUSED(queue, kick(2), SLOTQ_DEADFULL);
}

TEST_CASE("transitions: every state against reserve")
{
    for (const Was was : every_state) {
        for (const Place place : {Place::behind, Place::aside}) {
            if (place == Place::aside && is_never_aside(was)) {
                continue;
            }
            Scene scene(was, place);
            Queue &queue = scene.queue;
            CAPTURE(static_cast<int>(was), static_cast<int>(place));
            const bool known = queue.status(scene.id) == SLOTQ_OK;
            const uint32_t attempts = known ? queue.call.status.status.attempts : 0;
            const slotq_outcome outcome = queue.reserve(8, lease_ms);
            bool given = false;
            for (const slotq_run &run : queue.runs) {
                given = given || (scene.id >= run.id && scene.id - run.id < run.count);
            }
            const bool deliverable =
                is(was, {Was::ready_new, Was::ready_nacked, Was::ready_released, Was::leased_passed,
                         Was::waiting_passed});
            REQUIRE(outcome == SLOTQ_OK); /* messages behind it are there in any case */
            REQUIRE(given == deliverable);
            if (deliverable) {
                REQUIRE(queue.status(scene.id) == SLOTQ_OK);
                REQUIRE(queue.call.status.status.state == SLOTQ_STATE_LEASED);
                REQUIRE(queue.call.status.status.attempts == attempts + 1);
            }
        }
    }
}

namespace
{

slotq_outcome status_of(Was was, Place place)
{
    if (is(was, {Was::never_issued, Was::id_zero})) {
        return SLOTQ_NOTFOUND;
    }
    const bool done = is(was, {Was::done_acked, Was::done_dead, Was::done_removed});
    return was == Was::before_window || (done && place == Place::aside) ? SLOTQ_FINISHED : SLOTQ_OK;
}

void try_reclaim(Was was, Place place)
{
    Scene scene(was, place);
    Queue &queue = scene.queue;
    CAPTURE(static_cast<int>(was), static_cast<int>(place));
    const bool passed = is(was, {Was::leased_passed, Was::waiting_passed});
    REQUIRE_REFUSED(queue, status(scene.id), status_of(was, place));
    if (was == Was::leased_passed) { /* the holder still has it, though its time is over */
        REQUIRE(queue.call.status.status.state == SLOTQ_STATE_LEASED);
        REQUIRE(queue.call.status.status.deadline_ms <= queue.now_ms);
    }
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.call.reclaim.ready_count == (passed ? 1 : 0));
    if (passed) {
        REQUIRE(queue.status(scene.id) == SLOTQ_OK);
        REQUIRE(queue.call.status.status.state == SLOTQ_STATE_READY);
        REQUIRE(queue.call.status.status.attempts == 1);
        REQUIRE_REFUSED(queue, settle(SLOTQ_ACK, scene.id, scene.token), SLOTQ_STALE);
    }
}

} // namespace

TEST_CASE("transitions: every state against reclaim and status")
{
    for (const Was was : every_state) {
        try_reclaim(was, Place::behind);
        if (!is_never_aside(was)) {
            try_reclaim(was, Place::aside);
        }
    }
}

TEST_CASE("transitions: at max_attempts nack and the sweep bury, release does not")
{
    Queue queue(support::geometry(6, 5, 1, 0, 2, 4, 100));
    REQUIRE(queue.push(3) == SLOTQ_OK);
    for (int attempt = 1; attempt <= 2; attempt++) {
        REQUIRE(queue.reserve(3, lease_ms) == SLOTQ_OK);
        if (attempt == 1) {
            REQUIRE(queue.settle(SLOTQ_NACK, queue.runs) == SLOTQ_OK);
            REQUIRE(queue.call.settle.dead_count == 0);
        }
    }
    const uint32_t token = queue.runs[0].token;
    REQUIRE(queue.settle(SLOTQ_NACK, 2, token, delay_ms, 0, 42) == SLOTQ_OK);
    REQUIRE(queue.call.settle.dead_count == 1);
    REQUIRE(queue.word(2) == 0x103);
    REQUIRE(queue.settle(SLOTQ_RELEASE, 3, token) == SLOTQ_OK);
    queue.now_ms += lease_ms + 100;
    REQUIRE(queue.reclaim() == SLOTQ_OK);
    REQUIRE(queue.call.reclaim.dead_count == 1);
    REQUIRE(queue.look(SLOTQ_DEAD_LIST) == SLOTQ_OK);
    REQUIRE(queue.items.size() == 2);
    REQUIRE(queue.items[0].id == 2);
    REQUIRE(queue.items[0].reason == 42);
    REQUIRE(queue.items[0].attempts == 2);
    REQUIRE(queue.items[1].id == 1);
    REQUIRE(queue.items[1].reason == SLOTQ_REASON_LEASE_ENDED);
    REQUIRE(queue.items[1].died_at_ms == queue.now_ms);
    REQUIRE(queue.status(3) == SLOTQ_OK);
    REQUIRE(queue.call.status.status.attempts == 1);
}

/* test_changes.cpp: changes of a sharded queue that end at any step, and the command again: in a
 * folder and on a server.
 */
#include "changing_process.hpp"

using namespace changing_process;

namespace
{

enum { STEPS_MAX = 60 };

slotq_outcome create(const shards_target &target, store_fault *fault)
{
    slotq_geometry geometry = geometry_of();
    geometry.generation = 1 + static_cast<uint32_t>(getpid());
    return shards_create(&target, 3, &geometry, fault);
}

slotq_outcome add(const shards_target &target, store_fault *fault)
{
    uint32_t number;
    return shards_add(&target, &number, fault);
}

slotq_outcome drain(const shards_target &target, store_fault *fault)
{
    return shards_drain(&target, 1, fault);
}

slotq_outcome undrain(const shards_target &target, store_fault *fault)
{
    return shards_undrain(&target, 1, fault);
}

slotq_outcome remove_all(const shards_target &target, store_fault *fault)
{
    return shards_remove(&target, fault);
}

/* Kill a process at each step of a change; the command again, also with a new crash, ends it. */
void at_each_step(bool on_server, const std::function<void(const Home &)> &prepare,
                  const Change &change, const std::function<void(const Home &)> &judge)
{
    uint32_t steps = 0;
    bool has_died = true;
    Home home(on_server);
    for (; steps < STEPS_MAX && has_died; steps++) {
        slotq_error error = {};
        CAPTURE(steps);
        prepare(home);
        slotq_outcome outcome = SLOTQ_OK;
        has_died = dies_at(home.url, steps, change, &outcome);
        if (has_died) {
            (void)dies_at(home.url, steps / 2 + 1, change, &outcome);
            CHECK(run(home.url, change) == SLOTQ_OK);
        } else {
            CHECK(outcome == SLOTQ_OK);
        }
        judge(home);
        CHECK(slotq_remove_queue(home.url.c_str(), "q", &error) == SLOTQ_OK);
    }
    CHECK(steps > 3);
    CHECK_FALSE(has_died);
}

slotq *open_q(const Home &home)
{
    slotq *queue = nullptr;
    slotq_error error = {};
    const slotq_outcome outcome = slotq_open(home.url.c_str(), "q", nullptr, &queue, &error);
    INFO(error.text);
    REQUIRE(outcome == SLOTQ_OK);
    return queue;
}

slotq_outcome push(slotq *queue, const std::string &payload)
{
    const slotq_data data = {payload.data(), static_cast<uint32_t>(payload.size())};
    uint64_t id;
    return slotq_push(queue, &data, 1, &id);
}

/* Messages of all shards, each acked. */
std::multiset<std::string> take_all(slotq *queue)
{
    std::multiset<std::string> taken;
    const any_queue::Batch batch = any_queue::batch();
    while (slotq_reserve(queue, 0, 4, 30000, 0, batch.get()) == SLOTQ_OK) {
        for (const any_queue::Message &message : any_queue::messages(batch.get())) {
            taken.insert(message.payload);
            CHECK(slotq_ack(queue, 0, message.id, message.token) == SLOTQ_OK);
        }
    }
    return taken;
}

/* All of them open, sound, and of use. */
void whole_with(const Home &home, uint32_t count)
{
    const Shown all = shown(home.url);
    REQUIRE(all.outcome == SLOTQ_OK);
    CHECK(all.errors.empty());
    CHECK(all.whole.count == count);
    CHECK(all.whole.open == count);
    CHECK_FALSE(all.whole.making);
    CHECK_FALSE(all.whole.removing);
    CHECK(home.names() == std::vector<std::string>{"q"});
    slotq *queue = open_q(home);
    std::multiset<std::string> pushed;
    for (int i = 0; i < 20; i++) {
        CHECK(push(queue, std::to_string(i)) == SLOTQ_OK);
        pushed.insert(std::to_string(i));
    }
    CHECK(take_all(queue) == pushed);
    slotq_close(queue);
}

void nothing(const Home &)
{
}

void three_shards(const Home &home)
{
    REQUIRE(run(home.url, create) == SLOTQ_OK);
}

void three_shards_one_draining(const Home &home)
{
    three_shards(home);
    slotq *queue = open_q(home);
    while (shown(home.url).stats[1].used == 0) {
        REQUIRE(push(queue, "x") == SLOTQ_OK);
    }
    slotq_close(queue);
    REQUIRE(run(home.url, drain) == SLOTQ_AGAIN);
}

} // namespace

TEST_CASE("sharded changes: create ends what a crash left", "[sharded]")
{
    const bool on_server = GENERATE(false, true);
    at_each_step(on_server, nothing, create, [](const Home &home) { whole_with(home, 3); });
}

TEST_CASE("sharded changes: a queue made in part is refused by handles, and can be removed",
          "[sharded]")
{
    const bool on_server = GENERATE(false, true);
    slotq_outcome outcome;
    bool has_died = true;
    Home home(on_server);
    for (uint32_t steps = 2; steps < STEPS_MAX && has_died; steps++) { /* read, then announced */
        slotq *queue = nullptr;
        slotq_error error = {};
        has_died = dies_at(home.url, steps, create, &outcome);
        if (has_died) {
            CHECK(slotq_open(home.url.c_str(), "q", nullptr, &queue, &error) == SLOTQ_NOQUEUE);
            CHECK(shown(home.url).whole.making);
            CHECK(run(home.url, add) == SLOTQ_NOQUEUE);
            CHECK(run(home.url, drain) == SLOTQ_NOQUEUE);
            const slotq_geometry geometry = geometry_of(); /* another number of shards */
            CHECK(slotq_shards_create(home.url.c_str(), "q", 2, &geometry, nullptr, &error) ==
                  SLOTQ_EXISTS);
        }
        CHECK(slotq_remove_queue(home.url.c_str(), "q", &error) == SLOTQ_OK);
        CHECK(home.names().empty());
        CHECK(run(home.url, create) == SLOTQ_OK);
        CHECK(slotq_remove_queue(home.url.c_str(), "q", &error) == SLOTQ_OK);
    }
    CHECK_FALSE(has_died);
}

TEST_CASE("sharded changes: add ends what a crash left, with the same number", "[sharded]")
{
    const bool on_server = GENERATE(false, true);
    const auto prepare = [](const Home &home) {
        three_shards(home);
        slotq *queue = open_q(home);
        CHECK(slotq_pause(queue, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
        slotq_close(queue);
    };
    at_each_step(on_server, prepare, add, [](const Home &home) {
        const Shown all = shown(home.url);
        REQUIRE(all.whole.count == 4);
        CHECK(all.stats[3].paused == SLOTQ_PAUSE_OUT);
        CHECK(all.stats[3].capacity == 8);
        const uint64_t now_ms = static_cast<uint64_t>(time(nullptr)) * 1000;
        CHECK(all.shards[3].from_ms > now_ms);
        CHECK(all.shards[3].from_ms < now_ms + 20000);
        slotq *queue = open_q(home);
        CHECK(slotq_resume(queue, SLOTQ_PAUSE_OUT) == SLOTQ_OK);
        slotq_close(queue);
        whole_with(home, 4);
    });
}

TEST_CASE("sharded changes: drain ends what a crash left", "[sharded]")
{
    const bool on_server = GENERATE(false, true);
    at_each_step(on_server, three_shards, drain, [](const Home &home) {
        const Shown all = shown(home.url);
        REQUIRE(all.whole.count == 3);
        CHECK(all.whole.open == 2);
        CHECK(all.shards[1].state == SLOTQ_SHARD_GONE);
        CHECK_FALSE(home.has(all.keys[1]));
        CHECK(run(home.url, drain) == SLOTQ_OK);
        CHECK(run(home.url, undrain) == SLOTQ_GONE);
        slotq *queue = open_q(home);
        for (int i = 0; i < 16; i++) {
            CHECK(push(queue, "x") == SLOTQ_OK);
        }
        CHECK(push(queue, "x") == SLOTQ_FULL);
        CHECK(take_all(queue).size() == 16);
        slotq_close(queue);
    });
}

TEST_CASE("sharded changes: a shard with messages is drained when they are finished", "[sharded]")
{
    const bool on_server = GENERATE(false, true);
    Home home(on_server);
    three_shards_one_draining(home);
    slotq *queue = open_q(home);
    Shown all = shown(home.url);
    const uint64_t last_id = all.stats[1].last_id;
    CHECK(all.shards[1].state == SLOTQ_SHARD_DRAINING);
    CHECK(all.stats[1].paused == SLOTQ_PAUSE_CLOSED);
    CHECK(run(home.url, drain) == SLOTQ_AGAIN);
    take_all(queue);
    CHECK(run(home.url, drain) == SLOTQ_OK);
    all = shown(home.url);
    CHECK(all.shards[1].state == SLOTQ_SHARD_GONE);
    CHECK(all.shards[1].last_id == last_id);
    CHECK_FALSE(home.has(all.keys[1])); /* though this handle had it open */
    for (int i = 0; i < 16; i++) {      /* which goes on with the others */
        CHECK(push(queue, "y") == SLOTQ_OK);
    }
    CHECK(take_all(queue).size() == 16);
    slotq_close(queue);
}

TEST_CASE("sharded changes: undrain ends what a crash left", "[sharded]")
{
    const bool on_server = GENERATE(false, true);
    at_each_step(on_server, three_shards_one_draining, undrain, [](const Home &home) {
        CHECK(shown(home.url).stats[1].paused == 0);
        slotq *queue = open_q(home);
        take_all(queue);
        slotq_close(queue);
        whole_with(home, 3);
    });
}

TEST_CASE("sharded changes: remove ends what a crash left", "[sharded]")
{
    const bool on_server = GENERATE(false, true);
    at_each_step(
        on_server, three_shards_one_draining,
        [](const shards_target &target, store_fault *fault) {
            const slotq_outcome outcome = remove_all(target, fault);
            return outcome == SLOTQ_NOQUEUE ? SLOTQ_OK : outcome; /* it was the last step */
        },
        [](const Home &home) {
            CHECK(home.names().empty());
            CHECK(run(home.url, remove_all) == SLOTQ_NOQUEUE);
            three_shards(home);
            whole_with(home, 3);
        });
}

TEST_CASE("sharded changes: a shard that got messages after its end is drained again", "[sharded]")
{
    const bool on_server = GENERATE(false, true);
    Home home(on_server);
    three_shards(home);
    slotq_outcome outcome = SLOTQ_OK;
    const Shown before = shown(home.url);
    slotq *queue = open_q(home);
    uint32_t steps = 0; /* until it is gone, and not yet deleted */
    while (shown(home.url).shards[1].state != SLOTQ_SHARD_GONE) {
        REQUIRE(dies_at(home.url, ++steps, drain, &outcome));
    }
    REQUIRE(home.has(before.keys[1]));
    slotq *shard = nullptr; /* a late undrain opens it, and a producer pushes */
    REQUIRE(slotq_open(home.url.c_str(), before.keys[1].c_str(), nullptr, &shard, nullptr) ==
            SLOTQ_OK);
    REQUIRE(slotq_resume(shard, SLOTQ_PAUSE_CLOSED) == SLOTQ_OK);
    REQUIRE(push(shard, "late") == SLOTQ_OK);
    slotq_close(shard);
    CHECK(run(home.url, drain) == SLOTQ_AGAIN);
    CHECK(shown(home.url).shards[1].state == SLOTQ_SHARD_DRAINING);
    slotq_close(queue);
    queue = open_q(home);
    CHECK(take_all(queue) == std::multiset<std::string>{"late"});
    slotq_close(queue);
    CHECK(run(home.url, drain) == SLOTQ_OK);
    CHECK_FALSE(home.has(before.keys[1]));
}

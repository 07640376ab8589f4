/* test_store.cpp: a sharded queue's store: which shard takes and gives messages, and what ids lead
 * to.
 */
#include "sharded.hpp"

using namespace sharded_store;

TEST_CASE("sharded store: all shards are filled, and each message is delivered once", "[sharded]")
{
    for (const bool in_files : {false, true}) {
        auto made = sharded(in_files, 5);
        slotq *queue = made->open();
        const std::vector<uint64_t> ids = fill(queue, 5);
        CHECK(std::set<uint64_t>(ids.begin(), ids.end()).size() == ids.size());
        CHECK(shard_of(queue->holder.id) < 5);
        slotq_stats stats = stats_of(queue);
        CHECK(stats.capacity == 5 * CAPACITY);
        CHECK(stats.used == 5 * CAPACITY);
        CHECK(stats.ready == 5 * CAPACITY);
        std::map<uint32_t, uint64_t> last;
        std::set<std::string> seen;
        std::vector<slotq_run> runs;
        while (seen.size() < ids.size()) {
            const auto batch = reserve(queue, 3);
            REQUIRE(!batch.empty());
            for (const any_queue::Message &message : batch) {
                CHECK(seen.insert(message.payload).second);
                CHECK(ids[std::stoul(message.payload)] == message.id);
                CHECK(message.id > last[shard_of(message.id)]);
                last[shard_of(message.id)] = message.id;
                runs.push_back({message.id, message.token, 1});
            }
        }
        CHECK(reserve(queue, 3).empty());
        CHECK(stats_of(queue).leased == 5 * CAPACITY);
        std::mt19937 random(1);
        std::shuffle(runs.begin(), runs.end(), random);
        CHECK(slotq_settle(queue, SLOTQ_SETTLE_ACK, 0, runs.data(),
                           static_cast<uint32_t>(runs.size()), 0, 0, nullptr, nullptr) == SLOTQ_OK);
        stats = stats_of(queue);
        CHECK(stats.acked == 5 * CAPACITY);
        CHECK(stats.unfinished == 0);
        CHECK(slotq_check(queue) == SLOTQ_OK);
    }
}

TEST_CASE("sharded store: with a backlog each shard is seen within 4 n batches", "[sharded]")
{
    for (const uint32_t limit : {1u, 2u}) {
        auto made = sharded(false, 6);
        slotq *queue = made->open();
        fill(queue, 6);
        std::set<uint32_t> seen;
        uint32_t in_sequence = 0, before = UINT32_MAX;
        for (uint32_t i = 0; i < 24 && i * limit < 6 * CAPACITY; i++) {
            const auto batch = reserve(queue, limit);
            REQUIRE(batch.size() == limit);
            const uint32_t shard = shard_of(batch[0].id);
            in_sequence = shard == before ? in_sequence + 1 : 1;
            CHECK(in_sequence <= 4);
            CHECK((in_sequence > 1 || before == UINT32_MAX || shard == (before + 1) % 6));
            before = shard;
            seen.insert(shard);
        }
        CHECK(seen.size() == 6);
    }
}

TEST_CASE("sharded store: outcomes of a settle are in the order of its messages", "[sharded]")
{
    auto made = sharded(true, 3);
    slotq *queue = made->open();
    fill(queue, 3);
    std::vector<slotq_run> runs;
    while (runs.size() < 3 * CAPACITY) {
        for (const any_queue::Message &message : reserve(queue, 4)) {
            runs.push_back({message.id, message.token, 1});
        }
    }
    std::mt19937 random(2);
    std::shuffle(runs.begin(), runs.end(), random);
    std::vector<uint8_t> wanted(runs.size()), outcomes(runs.size(), 99);
    for (size_t i = 0; i < runs.size(); i += 1 + random() % 3) {
        runs[i].token += 4; /* of another attempt */
        wanted[i] = SLOTQ_STALE;
    }
    CHECK(slotq_settle(queue, SLOTQ_SETTLE_ACK, 0, runs.data(), static_cast<uint32_t>(runs.size()),
                       0, 0, outcomes.data(), nullptr) == SLOTQ_STALE);
    CHECK(outcomes == wanted);
    CHECK(stats_of(queue).acked ==
          static_cast<uint32_t>(std::count(wanted.begin(), wanted.end(), 0)));
}

TEST_CASE("sharded store: a bare id and one of a shard too many are refused", "[sharded]")
{
    auto made = sharded(false, 3);
    slotq *queue = made->open();
    uint64_t id = 0;
    REQUIRE(push(queue, "a", &id) == SLOTQ_OK);
    const auto batch = reserve(queue, 1);
    slotq_status status;
    CHECK(slotq_get_status(queue, 0, id, &status) == SLOTQ_OK);
    CHECK(status.state == SLOTQ_STATE_LEASED);
    for (const uint64_t wrong : {uint64_t{1}, id + (UINT64_C(3) << 48), uint64_t{0}}) {
        CAPTURE(wrong);
        CHECK(slotq_get_status(queue, 0, wrong, &status) == SLOTQ_INVALID);
        CHECK(slotq_remove(queue, 0, wrong) == SLOTQ_INVALID);
        CHECK(text_of(queue).find("an id of this sharded queue, which has 3 shards") !=
              std::string::npos);
        const slotq_run runs[] = {{id, batch[0].token, 1}, {wrong, batch[0].token, 1}};
        CHECK(slotq_settle(queue, SLOTQ_SETTLE_ACK, 0, runs, 2, 0, 0, nullptr, nullptr) ==
              SLOTQ_INVALID);
    }
    CHECK(stats_of(queue).leased == 1);
    CHECK(slotq_ack(queue, 0, id, batch[0].token) == SLOTQ_OK);
}

TEST_CASE("sharded store: a dead message is found and deleted by its id", "[sharded]")
{
    for (const bool in_files : {false, true}) {
        auto made = sharded(in_files, 3);
        slotq *queue = made->open();
        fill(queue, 3);
        std::vector<uint64_t> dead;
        while (dead.size() < 6) {
            const auto batch = reserve(queue, 1);
            REQUIRE(batch.size() == 1);
            const slotq_run run = {batch[0].id, batch[0].token, 1};
            REQUIRE(slotq_settle(queue, SLOTQ_SETTLE_KILL, 0, &run, 1, 0, 7, nullptr, nullptr) ==
                    SLOTQ_OK);
            dead.push_back(run.id);
        }
        CHECK(stats_of(queue).dead == 6);
        CHECK(shard_of(dead[0]) != shard_of(dead[5]));
        for (const uint64_t id : dead) {
            slotq_status status;
            CHECK(slotq_get_status(queue, 0, id, &status) == SLOTQ_OK);
            CHECK(status.is_dead);
            CHECK(status.reason == 7);
        }
        uint32_t count = 0;
        CHECK(slotq_dead_remove(queue, 0, dead[0], nullptr) == SLOTQ_OK);
        CHECK(slotq_dead_remove(queue, 0, dead[0], nullptr) == SLOTQ_NOTFOUND);
        CHECK(slotq_dead_purge(queue, &count) == SLOTQ_OK);
        CHECK(count == 5);
    }
}

TEST_CASE("sharded store: keys lead to their shards, and those of two shards are refused",
          "[sharded]")
{
    Sharded made(false);
    for (uint32_t i = 0; i < 3; i++) {
        slotq_geometry geometry = geometry_of(i);
        geometry.flags |= SLOTQ_FLAG_KEYS;
        made.add(geometry);
    }
    made.descriptor->flags = SHARDS_FLAG_KEYED;
    slotq *queue = made.open();
    const auto push_keys = [queue](const std::vector<uint64_t> &keys, uint64_t *id) {
        const std::vector<slotq_data> data(keys.size(), slotq_data{"a", 1});
        slotq_call call;
        slotq_core_begin(&call, SLOTQ_PUSH, 0);
        call.push = {};
        call.push.messages = data.data();
        call.push.keys = keys.data();
        call.push.count = static_cast<uint32_t>(keys.size());
        call.push.key_mode = SLOTQ_KEY_UNIQUE;
        const slotq_outcome outcome = queue_call(queue, &call);
        *id = outcome == SLOTQ_DUPLICATE ? call.push.taken.id : call.push.first_id;
        return outcome;
    };
    std::mt19937_64 random(3);
    for (uint32_t i = 0; i < 6; i++) {
        const uint64_t key = random() | 1;
        uint64_t id = 0, taken = 0;
        CHECK(push_keys({key}, &id) == SLOTQ_OK);
        CHECK(shard_of(id) == shards_route(key, 3));
        CHECK(push_keys({0, key}, &taken) == SLOTQ_DUPLICATE);
        CHECK(taken == id);
    }
    uint64_t id = 0;
    CHECK(push_keys({1, UINT64_MAX}, &id) == SLOTQ_INVALID);
    CHECK(text_of(queue).find("keys of several shards") != std::string::npos);
    uint8_t outcomes[2] = {99, 99};
    const uint64_t keys[] = {1, UINT64_MAX};
    const slotq_data data[] = {{"a", 1}, {"b", 1}};
    slotq_push_options options = {};
    options.keys = keys;
    options.outcomes = outcomes;
    options.wait_ms = 1;
    CHECK(slotq_push_with(queue, data, 2, &options, nullptr) == SLOTQ_INVALID);
    CHECK(text_of(queue).find("cannot wait") != std::string::npos);
    options.wait_ms = 0;
    const uint64_t twice[] = {keys[0], keys[0]};
    options.keys = twice;
    CHECK(slotq_push_with(queue, data, 2, &options, nullptr) == SLOTQ_INVALID);
    CHECK(text_of(queue).find("1 and 2 have the same key") != std::string::npos);
    CHECK(stats_of(queue).used == 6);
}

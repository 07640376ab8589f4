/* test_store_whole.cpp: a sharded queue's store as a whole: verbs for all shards, shards that fail
 * or do not belong together, and waiting.
 */
#include "sharded.hpp"

using namespace sharded_store;

TEST_CASE("sharded store: pause, purge and limits act on all shards", "[sharded]")
{
    for (const bool in_files : {false, true}) {
        auto made = sharded(in_files, 3);
        slotq *queue = made->open();
        fill(queue, 3);
        slotq_limits limits = {};
        limits.max_leased = 2;
        CHECK(slotq_limit(queue, 0, SLOTQ_LIMIT_LEASED, &limits) == SLOTQ_INVALID);
        CHECK(text_of(queue).find("max_leased is 2; the queue has 3 shards") != std::string::npos);
        limits.rate_interval_us = SLOTQ_RATE_INTERVAL_US_MAX / 2;
        CHECK(slotq_limit(queue, 0, SLOTQ_LIMIT_RATE, &limits) == SLOTQ_INVALID);
        CHECK(stats_of(queue).limits.max_leased == 0);
        CHECK(stats_of(queue).limits.rate_interval_us == 0);
        limits.rate_interval_us = 5000;
        CHECK(slotq_limit(queue, 0, SLOTQ_LIMIT_RATE, &limits) == SLOTQ_OK);
        CHECK(stats_of(queue).limits.rate_interval_us == 5000);
        limits.rate_interval_us = 0;
        CHECK(slotq_limit(queue, 0, SLOTQ_LIMIT_RATE, &limits) == SLOTQ_OK);
        limits.max_leased = 7;
        CHECK(slotq_limit(queue, 0, SLOTQ_LIMIT_LEASED, &limits) == SLOTQ_OK);
        CHECK(stats_of(queue).limits.max_leased == 7);
        const any_queue::Batch batch = any_queue::batch();
        uint32_t leased = 0;
        slotq_outcome outcome;
        while ((outcome = slotq_reserve(queue, 0, 5, 30000, 0, batch.get())) == SLOTQ_OK) {
            leased += slotq_batch_count(batch.get());
        }
        CHECK(outcome == SLOTQ_LIMITED);
        CHECK(leased == 7);
        CHECK(slotq_pause(queue, SLOTQ_PAUSE_BOTH) == SLOTQ_OK);
        CHECK(push(queue, "a") == SLOTQ_PAUSED);
        CHECK(slotq_reserve(queue, 0, 5, 30000, 0, batch.get()) == SLOTQ_PAUSED);
        CHECK(slotq_resume(queue, SLOTQ_PAUSE_BOTH) == SLOTQ_OK);
        CHECK(slotq_purge(queue) == SLOTQ_OK);
        CHECK(stats_of(queue).unfinished == 0);
        CHECK(push(queue, "a") == SLOTQ_OK);
    }
}

TEST_CASE("sharded store: a shard that fails in the middle is told, with what was done",
          "[sharded]")
{
    auto made = sharded(false, 3);
    store *last = made->shards[2];
    slotq *queue = made->open();
    fill(queue, 3);
    std::map<uint32_t, slotq_run> of_shard;
    while (of_shard.size() < 3) {
        const auto batch = reserve(queue, 1);
        REQUIRE(batch.size() == 1);
        of_shard[shard_of(batch[0].id)] = {batch[0].id, batch[0].token, 1};
    }
    memory_only_read(last);
    const slotq_run runs[] = {of_shard[0], of_shard[2], of_shard[1]};
    CHECK(slotq_settle(queue, SLOTQ_SETTLE_ACK, 0, runs, 3, 0, 0, nullptr, nullptr) ==
          SLOTQ_OUTCOME_UNKNOWN);
    CHECK(text_of(queue).find("first 1 messages were settled, then shard 2") != std::string::npos);
    CHECK(stats_of(queue).acked == 1);
    CHECK(slotq_pause(queue, SLOTQ_PAUSE_OUT) == SLOTQ_UNSUPPORTED);
    CHECK(text_of(queue).find("pause reached 2 of 3 shards") != std::string::npos);
}

TEST_CASE("sharded store: shards are exported, not the whole", "[sharded]")
{
    auto made = sharded(false, 2);
    slotq *queue = made->open();
    uint8_t byte = 0;
    CHECK(slotq_image_bytes(queue) == 0);
    CHECK(slotq_export(queue, &byte, 1) == SLOTQ_UNSUPPORTED);
    CHECK(text_of(queue).find("is not one image: export its shards") != std::string::npos);
}

TEST_CASE("sharded store: states of shards decide which calls use them", "[sharded]")
{
    Sharded made(false);
    made.add(geometry_of(0), SHARDS_DRAINING);
    made.add(geometry_of(1), SHARDS_GONE, 1042);
    made.add(geometry_of(2), SHARDS_OPEN, made.now_ms + 1);
    made.add(geometry_of(3));
    made.add(geometry_of(4), SHARDS_MAKING);
    slotq *queue = made.open();
    for (uint32_t i = 0; i < CAPACITY; i++) {
        uint64_t id = 0;
        REQUIRE(push(queue, "a", &id) == SLOTQ_OK);
        CHECK(shard_of(id) == 3);
    }
    CHECK(push(queue, "a") == SLOTQ_FULL);
    made.now_ms++;
    CHECK(push(queue, "a") == SLOTQ_OK);
    slotq_status status;
    CHECK(slotq_get_status(queue, 0, shards_id_of(1, 1042), &status) == SLOTQ_FINISHED);
    CHECK(slotq_get_status(queue, 0, shards_id_of(1, 1043), &status) == SLOTQ_NOTFOUND);
    CHECK(slotq_get_status(queue, 0, shards_id_of(4, 1), &status) == SLOTQ_NOTFOUND);
    uint8_t outcomes[2] = {99, 99};
    const slotq_run run = {shards_id_of(1, 1042), 5, 2};
    CHECK(slotq_settle(queue, SLOTQ_SETTLE_ACK, 0, &run, 1, 0, 0, outcomes, nullptr) == SLOTQ_GONE);
    CHECK(outcomes[0] == SLOTQ_GONE);
    CHECK(outcomes[1] == SLOTQ_NOTFOUND);
    CHECK(stats_of(queue).capacity == 3 * CAPACITY);
}

TEST_CASE("sharded store: shards that do not belong together are refused", "[sharded]")
{
    const auto refused = [](slotq_geometry second, const std::string &text) {
        Sharded made(false);
        made.add(geometry_of(0));
        made.add(second);
        made.descriptor->groups = 1;
        store *opened = nullptr;
        const slotq_outcome outcome = made.open_store(&opened);
        INFO(made.fault.text);
        CHECK(opened == nullptr);
        CHECK(std::string(made.fault.text).find(text) != std::string::npos);
        return outcome;
    };
    slotq_geometry other = geometry_of(1);
    other.set = SET + 1;
    CHECK(refused(other, "it is another queue") == SLOTQ_CORRUPT);
    CHECK(refused(geometry_of(2), "it is another queue") == SLOTQ_CORRUPT);
    other = geometry_of(1);
    other.groups = 2;
    CHECK(refused(other, "has 2 groups") == SLOTQ_CORRUPT);
    other = geometry_of(1);
    other.tick_ms = 17;
    CHECK(refused(other, "has other ticks or flags") == SLOTQ_UNSUPPORTED);
    other = geometry_of(1);
    other.flags |= SLOTQ_FLAG_CHECKS;
    CHECK(refused(other, "has other ticks or flags") == SLOTQ_UNSUPPORTED);
    auto made = sharded(false, 2);
    store *opened = nullptr;
    made->descriptor->flags = SHARDS_FLAG_MAKING;
    CHECK(made->open_store(&opened) == SLOTQ_NOQUEUE);
    made->descriptor->flags = SHARDS_FLAG_KEYED;
    CHECK(made->open_store(&opened) == SLOTQ_CORRUPT);
    made->descriptor->flags = 8;
    CHECK(made->open_store(&opened) == SLOTQ_CORRUPT);
    made->descriptor->flags = 0;
    made->descriptor->entries[1].state = SHARDS_GONE;
    CHECK(made->open_store(&opened) == SLOTQ_INVALID);
}

TEST_CASE("sharded store: a waiting call sees a message of any shard, and an interrupt",
          "[sharded]")
{
    for (const bool in_files : {false, true}) {
        auto made = sharded(in_files, 4);
        slotq *queue = made->open();
        for (uint32_t i = 0; i < 6; i++) {
            slotq *other = nullptr;
            slotq_error error = {};
            REQUIRE(slotq_clone(queue, &other, &error) == SLOTQ_OK);
            const Handle clone(other);
            std::thread pusher([other] { REQUIRE(push(other, "a") == SLOTQ_OK); });
            const any_queue::Batch batch = any_queue::batch();
            CHECK(slotq_reserve(queue, 0, 1, 30000, 60000, batch.get()) == SLOTQ_OK);
            pusher.join();
            std::thread stopper([queue] { slotq_interrupt(queue); });
            CHECK(slotq_reserve(queue, 0, 1, 30000, 60000, batch.get()) == SLOTQ_EMPTY);
            stopper.join();
        }
    }
}

TEST_CASE("sharded store: a push that waits gets the room that any shard has", "[sharded]")
{
    for (const bool in_files : {false, true}) {
        auto made = sharded(in_files, 3);
        slotq *queue = made->open();
        fill(queue, 3);
        slotq *other = nullptr;
        slotq_error error = {};
        REQUIRE(slotq_clone(queue, &other, &error) == SLOTQ_OK);
        const Handle clone(other);
        std::thread worker([other] {
            const auto batch = reserve(other, 1);
            REQUIRE(batch.size() == 1);
            REQUIRE(slotq_ack(other, 0, batch[0].id, batch[0].token) == SLOTQ_OK);
        });
        const slotq_data data = {"more", 4};
        uint64_t id = 0;
        CHECK(slotq_push_wait(queue, &data, 1, 60000, &id) == SLOTQ_OK);
        worker.join();
        CHECK(stats_of(queue).used == 3 * CAPACITY);
    }
}

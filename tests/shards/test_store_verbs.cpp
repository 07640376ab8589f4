/* test_store_verbs.cpp: verbs of a sharded queue, one by one: what they refuse, moves to another
 * queue, shards of other sizes, and how evenly shards are filled. At random: test_store_game.cpp.
 */
#include "sharded.hpp"
#include "slotq_move.h"

using namespace sharded_store;

namespace
{

bool says(slotq *queue, const std::string &words)
{
    INFO(text_of(queue));
    return text_of(queue).find(words) != std::string::npos;
}

slotq_geometry roomy(uint32_t shard)
{
    slotq_geometry geometry = geometry_of(shard);
    geometry.later_slots = 4;
    return geometry;
}

} // namespace

TEST_CASE("sharded store: ids of no shard are refused by each verb, as text", "[sharded]")
{
    Sharded made(false);
    made.add(roomy(0));
    made.add(roomy(1), SHARDS_GONE, 7);
    made.add(roomy(2));
    slotq *queue = made.open();
    const any_queue::Batch batch = any_queue::batch();
    for (const uint64_t wrong : {uint64_t{1042}, shards_id_of(3, 1042)}) {
        const std::string text = wrong == 1042 ? "1042 is not an id" : "3-1042 is not an id";
        CHECK(slotq_peek(queue, 0, wrong, 5, batch.get()) == SLOTQ_INVALID);
        CHECK(says(queue, text));
        CHECK(slotq_cancel(queue, wrong) == SLOTQ_INVALID);
        CHECK(says(queue, text));
        CHECK(slotq_kick(queue, 0, wrong) == SLOTQ_INVALID);
        CHECK(slotq_kick_later(queue, wrong) == SLOTQ_INVALID);
        CHECK(slotq_dead_find(queue, 0, wrong, batch.get()) == SLOTQ_INVALID);
        CHECK(slotq_dead_redrive_id(queue, 0, wrong, nullptr, nullptr, nullptr) == SLOTQ_INVALID);
        CHECK(says(queue, text));
        CHECK(slotq_dead_remove(queue, 0, wrong, nullptr) == SLOTQ_INVALID);
    }
    const uint64_t gone = shards_id_of(1, 7), never = shards_id_of(1, 8);
    CHECK(slotq_kick(queue, 0, gone) == SLOTQ_GONE);
    CHECK(slotq_kick(queue, 0, never) == SLOTQ_NOTFOUND);
    CHECK(slotq_remove(queue, 0, gone) == SLOTQ_GONE);
    CHECK(slotq_cancel(queue, gone) == SLOTQ_NOTFOUND);
    CHECK(says(queue, "the later id 1-7"));
    CHECK(slotq_dead_redrive_id(queue, 0, gone, nullptr, nullptr, nullptr) == SLOTQ_NOTFOUND);
    CHECK(slotq_dead_find(queue, 0, gone, batch.get()) == SLOTQ_EMPTY);
    CHECK(slotq_peek(queue, 0, gone, 5, batch.get()) == SLOTQ_EMPTY);
}

TEST_CASE("sharded store: what fits into every shard may be pushed, and any may come out",
          "[sharded]")
{
    Sharded made(false);
    slotq_geometry small = geometry_of(0), large = geometry_of(1);
    small.payload_bytes = 4;
    large.payload_bytes = 900;
    made.add(small);
    made.add(large);
    store *second = made.shards[1];
    slotq *queue = made.open();
    CHECK(slotq_geometry_of(queue)->payload_bytes == 4);
    CHECK(push(queue, "12345") == SLOTQ_TOOBIG);
    /* by a client that does not know the small shard */
    const std::string wide(900, 'w');
    const slotq_data data[] = {{wide.data(), 900}, {"n", 1}, {wide.data(), 899}};
    slotq_call call;
    store_fault fault;
    slotq_core_begin(&call, SLOTQ_PUSH, made.now_ms);
    call.push = {};
    call.push.messages = data;
    call.push.count = 3;
    REQUIRE(second->ops->call(second, &call, nullptr, &fault) == SLOTQ_OK);
    for (const std::string text : {"a", "b", "c"}) {
        REQUIRE(push(queue, text) == SLOTQ_OK);
    }
    std::multiset<std::string> seen;
    for (auto batch = reserve(queue, 8); !batch.empty(); batch = reserve(queue, 8)) {
        for (const any_queue::Message &message : batch) {
            seen.insert(message.payload);
        }
    }
    CHECK(seen == std::multiset<std::string>{"a", "b", "c", "n", wide, wide.substr(0, 899)});
}

TEST_CASE("sharded store: messages are moved to and from a sharded queue, once", "[sharded]")
{
    Sharded from(false), to(false);
    for (uint32_t i = 0; i < 3; i++) {
        slotq_geometry geometry = geometry_of(i);
        from.add(geometry);
        geometry.set = SET + 1;
        geometry.flags |= SLOTQ_FLAG_KEYS;
        to.add(geometry);
    }
    to.descriptor->set = SET + 1;
    to.descriptor->flags = SHARDS_FLAG_KEYED;
    slotq *source = from.open();
    slotq *target = to.open();
    /* the first messages of all shards have the same id there, the same time and payload */
    std::set<uint32_t> shards;
    while (shards.size() < 3) {
        uint64_t id = 0;
        REQUIRE(push(source, "same", &id) == SLOTQ_OK);
        shards.insert(shard_of(id));
    }
    std::set<uint64_t> keys;
    uint32_t moved = 0;
    const any_queue::Batch batch = any_queue::batch();
    while (slotq_reserve(source, 0, 1, 30000, 0, batch.get()) == SLOTQ_OK) {
        slotq_message message;
        REQUIRE(slotq_batch_next(batch.get(), &message));
        const uint64_t key = slotq_move_key(source, 0, &message);
        CHECK(keys.insert(key).second);
        uint64_t id = 0;
        CHECK(slotq_move(source, 0, message.id, message.token, target, nullptr, &id) == SLOTQ_OK);
        CHECK(shard_of(id) == shards_route(key, 3));
        slotq_key_holder holder;
        CHECK(slotq_find(target, key, &holder) == SLOTQ_OK);
        CHECK(holder.id == id);
        CHECK(slotq_move(source, 0, message.id, message.token, target, nullptr, &id) == SLOTQ_GONE);
        moved++;
    }
    CHECK(stats_of(source).unfinished == 0);
    CHECK(stats_of(target).ready == moved);
    const auto back = reserve(target, 1);
    REQUIRE(back.size() == 1);
    CHECK(slotq_move(target, 0, back[0].id, back[0].token, target, nullptr, nullptr) ==
          SLOTQ_INVALID);
    CHECK(slotq_move(target, 0, back[0].id, back[0].token, source, nullptr, nullptr) == SLOTQ_OK);
    CHECK(stats_of(source).ready == 1);
}

TEST_CASE("sharded store: full shards are told by the message that holds them", "[sharded]")
{
    auto made = sharded(false, 3);
    slotq *queue = made->open();
    fill(queue, 3);
    CHECK(push(queue, "more") == SLOTQ_FULL);
    const uint64_t id = queue->holder.id;
    CHECK(says(queue, "message " + std::to_string(shard_of(id)) + "-1"));
}

TEST_CASE("sharded store: a queue that is alone tells one outcome of all", "[sharded]")
{
    slotq_geometry geometry = geometry_of(0);
    geometry.set = 0;
    geometry.flags |= SLOTQ_FLAG_KEYS;
    slotq *queue = nullptr;
    slotq_error error = {};
    REQUIRE(slotq_create_memory(&geometry, nullptr, &queue, &error) == SLOTQ_OK);
    const Handle handle(queue);
    const uint64_t keys[] = {5, UINT64_MAX, 0};
    const slotq_data data[] = {{"a", 1}, {"b", 1}, {"c", 1}};
    uint64_t ids[3] = {9, 9, 9};
    uint8_t outcomes[3] = {9, 9, 9};
    slotq_push_options options = {};
    options.keys = keys;
    options.ids = ids;
    options.outcomes = outcomes;
    CHECK(slotq_push_with(queue, data, 3, &options, nullptr) == SLOTQ_OK);
    for (uint32_t i = 0; i < 3; i++) {
        CHECK(ids[i] == i + 1);
        CHECK(outcomes[i] == SLOTQ_OK);
    }
    CHECK(slotq_push_with(queue, data + 1, 2, &options, nullptr) == SLOTQ_DUPLICATE);
    for (uint32_t i = 0; i < 2; i++) {
        CHECK(ids[i] == 0);
        CHECK(outcomes[i] == SLOTQ_DUPLICATE);
    }
}

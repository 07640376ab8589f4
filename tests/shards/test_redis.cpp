/* test_redis.cpp: a sharded queue on a real Redis: its place, how it is opened, what a handle does
 * when the descriptor or a shard changes under it (SHARDS.md, rules 6, 12, 21 to 25).
 */
#include <map>
#include <set>

#include "at_redis.hpp"
#include "server/riding.hpp"

#include "slotq_clone.h"
#include "slotq_pause.h"
#include "slotq_shards.h"

using namespace at_redis;
using riding::drained;
using riding::Queue;
using riding::url_of;

namespace
{

std::string long_clients(redis::Server &server)
{
    return riding::info(server, "connected_clients");
}

std::set<uint32_t> fill(Queue &queue) /* until it is full; the shards that took messages */
{
    std::set<uint32_t> shards;
    uint64_t id = 0;
    const slotq_data data = {"x", 1};
    while (slotq_push(queue.get(), &data, 1, &id) == SLOTQ_OK) {
        shards.insert(static_cast<uint32_t>(id >> 48) - 1);
    }
    INFO(queue.error().text);
    CHECK(queue.error().outcome == SLOTQ_FULL);
    return shards;
}

void close_shard(const std::string &url, const std::string &key)
{
    slotq *shard = nullptr;
    slotq_error error = {};
    REQUIRE(slotq_open(url.c_str(), key.c_str(), nullptr, &shard, &error) == SLOTQ_OK);
    CHECK(slotq_pause(shard, SLOTQ_PAUSE_CLOSED) == SLOTQ_OK);
    slotq_close(shard);
}

slotq_shards_view seen_by(Queue &queue)
{
    slotq_shards_view view;
    REQUIRE(slotq_shards_seen(queue.get(), &view) == SLOTQ_OK);
    return view;
}

std::string text_of(Queue &queue)
{
    return queue.error().text;
}

} // namespace

TEST_CASE("sharded in Redis: a descriptor is changed only from what the caller read")
{
    redis::Server server;
    Place place(url_of(server));
    shards_descriptor first = {};
    first.revision = 1;
    first.set = SET;
    first.groups = 1;
    first.count = 1;
    first.entries[0].k = shards_find_k("q", 1, 0);
    shards_descriptor second = first;
    second.revision = 2;
    const std::vector<uint8_t> none, one = bytes_of(first), two = bytes_of(second);
    std::vector<uint8_t> found;
    CHECK(place.read("q", &found) == SLOTQ_NOQUEUE);
    CHECK(place.change("q", one, two) == SLOTQ_AGAIN);
    CHECK(place.change("q", none, one) == SLOTQ_OK);
    CHECK(place.change("q", none, two) == SLOTQ_EXISTS);
    CHECK(place.change("q", two, none) == SLOTQ_AGAIN);
    CHECK((place.read("q", &found) == SLOTQ_OK && found == one));
    CHECK(place.change("q", one, two) == SLOTQ_OK);
    CHECK(place.change("q", one, two) == SLOTQ_AGAIN);
    CHECK((place.read("q", &found) == SLOTQ_OK && found == two));
    CHECK(place.change("q", two, none) == SLOTQ_OK);
    CHECK(place.read("q", &found) == SLOTQ_NOQUEUE);
    CHECK(place.node("q").empty());
    server.command({"SET", "q", std::string(100, 'x')});
    CHECK(place.change("q", none, one) == SLOTQ_EXISTS);
    CHECK(place.change("q", one, two) == SLOTQ_AGAIN);
    CHECK(place.change("q", none, none) == SLOTQ_INVALID);
    uint64_t size = 0;
    uint8_t head[32];
    CHECK(place.get()->ops->read(place.get(), "q", head, 32, &size, &place.fault) == SLOTQ_OK);
    CHECK(size == 100);
    server.command({"DEL", "q"});
    server.command({"RPUSH", "q", "x"});
    CHECK(place.read("q", &found) == SLOTQ_CORRUPT);
    CHECK(place.change("q", none, one) >= SLOTQ_FAILURES);
}

TEST_CASE("sharded in Redis: only the shard that is meant is deleted, when it is finished")
{
    redis::Server server;
    Place place(url_of(server));
    const std::string key = "q{0.g3}";
    REQUIRE(place.create(key, geometry_of(SET, 3)) == SLOTQ_OK);
    CHECK(place.create(key, geometry_of(SET, 3)) == SLOTQ_OK);
    CHECK(place.create(key, geometry_of(SET + 1, 3)) == SLOTQ_EXISTS);
    CHECK(place.remove(key, SET + 1, 3, false) == SLOTQ_EXISTS);
    CHECK(place.remove(key, SET, 2, false) == SLOTQ_EXISTS);
    CHECK(place.remove(key, SET, 3, true) == SLOTQ_AGAIN); /* it is not closed */
    slotq *shard = nullptr;
    slotq_error error = {};
    const slotq_data data = {"x", 1};
    REQUIRE(slotq_open(url_of(server).c_str(), key.c_str(), nullptr, &shard, &error) == SLOTQ_OK);
    REQUIRE(slotq_push(shard, &data, 1, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_pause(shard, SLOTQ_PAUSE_CLOSED) == SLOTQ_OK);
    CHECK(place.remove(key, SET, 3, true) == SLOTQ_AGAIN); /* it is not empty */
    CHECK(place.list() == std::vector<std::string>{key});
    CHECK(drained(shard).size() == 1);
    CHECK(place.remove(key, SET, 3, true) == SLOTQ_OK);
    slotq_close(shard);
    CHECK(place.list().empty());
    CHECK(place.remove(key, SET, 3, true) == SLOTQ_OK);
    CHECK(place.remove(key, SET, 3, false) == SLOTQ_OK);
    REQUIRE(place.create(key, geometry_of(SET, 3)) == SLOTQ_OK);
    CHECK(place.remove(key, SET, 3, false) == SLOTQ_OK);
    CHECK(place.list().empty());
}

TEST_CASE("sharded in Redis: slotq_open opens it, over one connection for all shards")
{
    redis::Server server;
    Sharded made(url_of(server), 64);
    const int before = std::stoi(long_clients(server));
    Queue queue(url_of(server));
    INFO(queue.error().text);
    REQUIRE(queue.opened() == SLOTQ_OK);
    std::set<uint32_t> shards;
    std::vector<uint64_t> ids;
    for (int i = 0; i < 1000; i++) {
        uint64_t id = 0;
        const std::string text = std::to_string(i);
        const slotq_data data = {text.data(), static_cast<uint32_t>(text.size())};
        REQUIRE(slotq_push(queue.get(), &data, 1, &id) == SLOTQ_OK);
        shards.insert(static_cast<uint32_t>(id >> 48) - 1);
    }
    CHECK(shards.size() == 64);
    slotq *other = nullptr;
    slotq_error error = {};
    REQUIRE(slotq_clone(queue.get(), &other, &error) == SLOTQ_OK);
    const std::vector<std::string> texts = drained(other);
    CHECK(std::set<std::string>(texts.begin(), texts.end()).size() == 1000);
    CHECK(texts.size() == 1000);
    CHECK(std::stoi(long_clients(server)) == before + 2);
    slotq_close(other);
    CHECK(slotq_check(queue.get()) == SLOTQ_OK);
}

TEST_CASE("sharded in Redis: a connection that is cut is made again by the next call")
{
    redis::Server server;
    Sharded made(url_of(server), 5);
    Queue queue(url_of(server));
    for (int i = 0; i < 20; i++) {
        CHECK(server.command({"CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"}).integer >= 1);
        slotq_stats stats;
        CHECK(slotq_get_stats(queue.get(), 0, &stats) == SLOTQ_OK);
        CHECK(server.command({"SCRIPT", "FLUSH"}).is_status("OK"));
        CHECK(queue.push(std::to_string(i)) == SLOTQ_OK);
    }
    CHECK(drained(queue.get()).size() == 20);
}

TEST_CASE("sharded in Redis: a handle sees a shard that was added, and one that is drained")
{
    redis::Server server;
    Sharded made(url_of(server), 2);
    Queue queue(url_of(server));
    CHECK(fill(queue) == std::set<uint32_t>{0, 1});
    made.add();
    make_due(queue.get());
    inside(queue.get())->source.look_ms = UINT64_MAX; /* only FULL gives reason to look */
    CHECK(fill(queue) == std::set<uint32_t>{2});
    const uint32_t capacity = RING_SLOTS - 1;
    CHECK(drained(queue.get()).size() == 3 * capacity);
    made.now->entries[1].state = SHARDS_DRAINING;
    made.write();
    close_shard(url_of(server), made.key(1));
    make_due(queue.get());
    inside(queue.get())->source.look_ms = UINT64_MAX; /* now CLOSED does */
    CHECK(fill(queue) == std::set<uint32_t>{0, 2});
    CHECK(inside(queue.get())->descriptor.entries[1].state == SHARDS_DRAINING);
    CHECK(drained(queue.get()).size() == 2 * capacity);
    REQUIRE(made.place.remove(made.key(1), SET, 1, true) == SLOTQ_OK);
    made.now->entries[1].state = SHARDS_GONE;
    made.now->entries[1].last_id = capacity;
    made.write();
    make_due(queue.get());
    slotq_status status;
    CHECK(slotq_get_status(queue.get(), 0, shards_id_of(1, capacity), &status) == SLOTQ_FINISHED);
    CHECK(slotq_get_status(queue.get(), 0, shards_id_of(1, capacity + 1), &status) ==
          SLOTQ_NOTFOUND);
    CHECK(fill(queue) == std::set<uint32_t>{0, 2});
    CHECK(inside(queue.get())->shards[1] == nullptr);
}

TEST_CASE("sharded in Redis: the descriptor is read again every 5 s, 20 % more or less")
{
    std::set<uint64_t> times;
    for (int i = 0; i < 1000; i++) {
        const uint64_t next_ms = shards_view_next_ms(1000000);
        CHECK((next_ms >= 1004000 && next_ms <= 1006000));
        times.insert(next_ms);
    }
    CHECK(times.size() > 300);
    redis::Server server;
    Sharded made(url_of(server), 2);
    Queue queue(url_of(server));
    const uint64_t reads = inside(queue.get())->source.reads;
    for (int i = 0; i < 10; i++) {
        CHECK(queue.push("x") == SLOTQ_OK);
    }
    CHECK(inside(queue.get())->source.reads == reads);
    CHECK(shards_view_nap_ms(inside(queue.get()), 100000) <= 6000);
    make_due(queue.get());
    CHECK(shards_view_nap_ms(inside(queue.get()), 100000) == 0);
    CHECK(queue.push("x") == SLOTQ_OK);
    CHECK(inside(queue.get())->source.reads == reads + 1);
}

TEST_CASE("sharded in Redis: a shard that is missing is passed over, and used when it is back")
{
    redis::Server server;
    Sharded made(url_of(server), 3);
    Queue queue(url_of(server));
    REQUIRE(server.command({"RENAME", made.key(1), "away"}).is_status("OK"));
    CHECK(fill(queue) == std::set<uint32_t>{0, 2});
    CHECK(seen_by(queue).missing == 1);
    CHECK(std::string(seen_by(queue).trouble).find("shard 1") == 0);
    slotq_status status;
    CHECK(slotq_get_status(queue.get(), 0, shards_id_of(1, 1), &status) == SLOTQ_NOQUEUE);
    CHECK(text_of(queue).find("shard 1 of the sharded queue q is missing") == 0);
    Queue later(url_of(server)); /* opened while it is missing */
    REQUIRE(later.opened() == SLOTQ_OK);
    CHECK(seen_by(later).missing == 1);
    CHECK(seen_by(later).trouble[0] != 0);
    CHECK(slotq_get_status(later.get(), 0, shards_id_of(1, 1), &status) == SLOTQ_NOQUEUE);
    CHECK(drained(later.get()).size() == 2 * (RING_SLOTS - 1));
    REQUIRE(server.command({"RENAME", "away", made.key(1)}).is_status("OK"));
    for (Queue *one : {&queue, &later}) {
        make_due(one->get());
        CHECK(fill(*one) == std::set<uint32_t>{0, 1, 2});
        CHECK(seen_by(*one).missing == 0);
        CHECK(std::string(seen_by(*one).trouble).empty());
        CHECK(drained(one->get()).size() == 3 * (RING_SLOTS - 1));
    }
    for (uint32_t i = 0; i < 3; i++) {
        server.command({"DEL", made.key(i)});
    }
    Queue none(url_of(server));
    CHECK(none.opened() == SLOTQ_NOQUEUE);
    CHECK(std::string(none.error().text).find("all shards") == 0);
    CHECK(queue.push("x") == SLOTQ_NOQUEUE);
}

TEST_CASE("sharded in Redis: another queue at the key of a shard is never taken for it")
{
    redis::Server server;
    Sharded made(url_of(server), 2);
    Queue queue(url_of(server));
    CHECK(fill(queue).size() == 2);
    server.command({"DEL", made.key(1)});
    REQUIRE(made.place.create(made.key(1), geometry_of(SET + 1, 1)) == SLOTQ_OK);
    slotq_status status;
    CHECK(slotq_get_status(queue.get(), 0, shards_id_of(1, 1), &status) == SLOTQ_CORRUPT);
    CHECK(text_of(queue).find("it is another queue") != std::string::npos);
    CHECK(queue.push("x") == SLOTQ_FULL); /* not into that one */
    Queue later(url_of(server));
    CHECK(later.opened() == SLOTQ_CORRUPT);
    server.command({"DEL", made.key(1)});
    REQUIRE(made.place.create(made.key(1), geometry_of(SET, 0)) == SLOTQ_OK);
    Queue last(url_of(server));
    CHECK(last.opened() == SLOTQ_CORRUPT);
}

TEST_CASE("sharded in Redis: an older descriptor, as a failover leaves it, takes no shard away")
{
    redis::Server server;
    Sharded made(url_of(server), 2);
    const shards_descriptor first = *made.now;
    made.add();
    Queue queue(url_of(server));
    CHECK(fill(queue) == std::set<uint32_t>{0, 1, 2});
    const auto set = [&](const shards_descriptor &descriptor) {
        const std::vector<uint8_t> bytes = bytes_of(descriptor);
        server.command({"SET", "q", std::string(bytes.begin(), bytes.end())});
        make_due(queue.get());
    };
    shards_descriptor other = *made.now; /* the same revision with another check */
    other.entries[2].from_ms = 5;
    shards_descriptor fewer = first; /* a change after the failover, without the shard */
    fewer.revision = made.now->revision + 1;
    for (const shards_descriptor &older : {first, other, fewer}) {
        set(older);
        CHECK(drained(queue.get()).size() == 3 * (RING_SLOTS - 1));
        CHECK(seen_by(queue).older);
        CHECK(seen_by(queue).shards.count == 3);
        CHECK(std::string(seen_by(queue).trouble).find("slotq shards repair") != std::string::npos);
        CHECK(fill(queue) == std::set<uint32_t>{0, 1, 2});
    }
    shards_descriptor repaired = *made.now;
    repaired.revision += 2;
    set(repaired);
    CHECK(drained(queue.get()).size() == 3 * (RING_SLOTS - 1));
    CHECK_FALSE(seen_by(queue).older);
    CHECK(seen_by(queue).shards.revision == repaired.revision);
    slotq_shards_view view;
    CHECK(slotq_shards_seen(queue.get(), nullptr) == SLOTQ_INVALID);
    REQUIRE(made.place.create("alone", geometry_of(0, 0)) == SLOTQ_OK);
    slotq *alone = nullptr;
    slotq_error error = {};
    REQUIRE(slotq_open(url_of(server).c_str(), "alone", nullptr, &alone, &error) == SLOTQ_OK);
    CHECK(slotq_shards_seen(alone, &view) == SLOTQ_UNSUPPORTED);
    slotq_close(alone);
}

TEST_CASE("sharded in Redis: without a readable descriptor a handle goes on with its view")
{
    redis::Server server;
    Sharded made(url_of(server), 2);
    Queue queue(url_of(server));
    const std::string sound = server.command({"GET", "q"}).text;
    std::string damaged = sound;
    damaged[24] = static_cast<char>(damaged[24] ^ 1);
    for (const std::string &bytes :
         {std::string(), damaged, sound.substr(0, 40), std::string("x")}) {
        CAPTURE(bytes.size());
        server.command({"DEL", "q"});
        if (!bytes.empty()) {
            server.command({"SET", "q", bytes});
        }
        make_due(queue.get());
        CHECK(queue.push("x") == SLOTQ_OK);
        CHECK(seen_by(queue).unread == (bytes != sound.substr(0, 40)));
        CHECK(drained(queue.get()).size() == 1);
        Queue later(url_of(server));
        CHECK(later.opened() == (bytes.empty() ? SLOTQ_NOQUEUE : SLOTQ_CORRUPT));
    }
    server.command({"SET", "q", damaged});
    Queue later(url_of(server));
    CHECK(std::string(later.error().text).find("damaged at byte 24") != std::string::npos);
    server.command({"SET", "q", sound});
    make_due(queue.get());
    CHECK(queue.push("x") == SLOTQ_OK);
    CHECK_FALSE(seen_by(queue).unread);
}

TEST_CASE("sharded in Redis: a queue that is being made or removed is refused")
{
    redis::Server server;
    Sharded made(url_of(server), 2);
    Queue queue(url_of(server));
    for (const uint8_t flag : {SHARDS_FLAG_MAKING, SHARDS_FLAG_REMOVING}) {
        made.now->flags = flag;
        made.write();
        make_due(queue.get());
        CHECK(queue.push("x") == SLOTQ_NOQUEUE);
        CHECK(text_of(queue).find(flag == SHARDS_FLAG_MAKING ? "being made" : "being removed") !=
              std::string::npos);
        Queue later(url_of(server));
        CHECK(later.opened() == SLOTQ_NOQUEUE);
        made.now->flags = 0;
        made.write();
        make_due(queue.get());
        CHECK(queue.push("x") == SLOTQ_OK);
    }
}

TEST_CASE("sharded in Redis: a queue that was removed and made again is not the old one")
{
    redis::Server server;
    auto made = std::make_unique<Sharded>(url_of(server), 2);
    Queue queue(url_of(server));
    CHECK(queue.push("old") == SLOTQ_OK);
    REQUIRE(slotq_reserve(queue.get(), 0, 1, 30000, 0, queue.batch()) == SLOTQ_OK);
    server.command({"FLUSHALL"});
    made = std::make_unique<Sharded>(url_of(server), 3, SET + 1);
    make_due(queue.get());
    CHECK(queue.push("x") == SLOTQ_REMADE);
    CHECK(fill(queue) == std::set<uint32_t>{0, 1, 2});
    CHECK(slotq_ack_batch(queue.get(), queue.batch()) == SLOTQ_INVALID); /* of another queue */
    CHECK(drained(queue.get()).size() == 3 * (RING_SLOTS - 1));
}

TEST_CASE("sharded in Redis: calls go on while a shard gets other sizes")
{
    redis::Server server;
    Sharded made(url_of(server), 2);
    Queue queue(url_of(server));
    CHECK(fill(queue).size() == 2);
    slotq_geometry wanted = geometry_of(SET, 1);
    wanted.ring_slots = 2 * RING_SLOTS;
    slotq_error error = {};
    for (const uint32_t shard : {0u, 1u}) {
        wanted.shard = static_cast<uint16_t>(shard);
        REQUIRE(slotq_resize(url_of(server).c_str(), made.key(shard).c_str(), &wanted, &error) ==
                SLOTQ_OK);
        CHECK(fill(queue) == std::set<uint32_t>{shard});
    }
    CHECK(drained(queue.get()).size() == 2 * (2 * RING_SLOTS - 1));
}

TEST_CASE("sharded in Redis: a list has it once, and shards only where it is not there")
{
    redis::Server server;
    Sharded made(url_of(server), 3);
    const auto list = [&] {
        std::vector<std::string> names;
        slotq_error error = {};
        const auto visit = [](void *context, const char *name) {
            static_cast<std::vector<std::string> *>(context)->push_back(name);
            return true;
        };
        CHECK(slotq_list(url_of(server).c_str(), visit, &names, &error) == SLOTQ_OK);
        return names;
    };
    using Names = std::vector<std::string>;
    CHECK(list() == Names{"q"});
    CHECK(made.place.list() == Names{"q", made.key(0), made.key(1), made.key(2)});
    REQUIRE(made.place.create("q{9.zz}", geometry_of(SET + 1, 9)) == SLOTQ_OK);
    REQUIRE(made.place.create("q{x}", geometry_of(SET, 1)) == SLOTQ_OK);
    REQUIRE(made.place.create("q2{1.a}", geometry_of(SET, 1)) == SLOTQ_OK);
    REQUIRE(made.place.create("alone", geometry_of(0, 0)) == SLOTQ_OK);
    CHECK(list() == Names{"alone", "q", "q2{1.a}", "q{9.zz}", "q{x}"});
    server.command({"DEL", "q"});
    CHECK(list().size() == 7);
}

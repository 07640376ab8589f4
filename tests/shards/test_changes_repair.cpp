/* test_changes_repair.cpp: the descriptor of a sharded queue is lost, damaged, or older than its
 * shards, and is rebuilt from them; and what changes refuse.
 */
#include "changing_process.hpp"

using namespace changing_process;

namespace
{

/* The value of the name "q", read and set as a failover or an accident would. */
struct Value {
    explicit Value(const Home &home)
    {
        const slotq_options options = {};
        const scheme *kind = scheme_table[slotq_url_kind(home.url.c_str())];
        REQUIRE(kind->place(home.url.c_str(), &options, &place, &fault) == SLOTQ_OK);
    }
    ~Value()
    {
        place->ops->close(place);
    }
    Value(const Value &) = delete;
    Value &operator=(const Value &) = delete;
    std::vector<uint8_t> read()
    {
        std::vector<uint8_t> bytes(SHARDS_DESCRIPTOR_BYTES_MAX);
        uint64_t size = 0;
        REQUIRE(place->ops->read(place, "q", bytes.data(), static_cast<uint32_t>(bytes.size()),
                                 &size, &fault) == SLOTQ_OK);
        bytes.resize(size);
        return bytes;
    }
    void set(const std::vector<uint8_t> &bytes) /* empty: none */
    {
        const std::vector<uint8_t> now = read();
        const shards_value old = {now.data(), static_cast<uint32_t>(now.size())};
        const shards_value next = {bytes.empty() ? nullptr : bytes.data(),
                                   static_cast<uint32_t>(bytes.size())};
        REQUIRE(place->ops->change(place, "q", old, next, &fault) == SLOTQ_OK);
    }
    shards_place *place = nullptr;
    store_fault fault = {};
};

struct Queue {
    explicit Queue(bool on_server, uint8_t flags = 0) : home(on_server)
    {
        slotq_geometry geometry = geometry_of();
        geometry.flags |= flags;
        const slotq_outcome outcome =
            slotq_shards_create(home.url.c_str(), "q", 3, &geometry, nullptr, &error);
        INFO(error.text);
        REQUIRE(outcome == SLOTQ_OK);
    }
    slotq_outcome repair()
    {
        return slotq_shards_repair(home.url.c_str(), "q", nullptr, &found, &error);
    }
    slotq_outcome drain(uint32_t which)
    {
        return slotq_shards_drain(home.url.c_str(), "q", which, nullptr, &error);
    }
    slotq_outcome undrain(uint32_t which)
    {
        return slotq_shards_undrain(home.url.c_str(), "q", which, nullptr, &error);
    }
    slotq_outcome add()
    {
        return slotq_shards_add(home.url.c_str(), "q", nullptr, &number, &error);
    }
    void push_some()
    {
        slotq *queue = nullptr;
        REQUIRE(slotq_open(home.url.c_str(), "q", nullptr, &queue, &error) == SLOTQ_OK);
        const slotq_data data = {"x", 1};
        uint64_t id;
        for (int i = 0; i < 24; i++) {
            REQUIRE(slotq_push(queue, &data, 1, &id) == SLOTQ_OK);
        }
        slotq_close(queue);
    }
    uint32_t ready()
    {
        slotq *queue = nullptr;
        slotq_stats stats = {};
        const slotq_outcome outcome = slotq_open(home.url.c_str(), "q", nullptr, &queue, &error);
        INFO(error.text);
        REQUIRE(outcome == SLOTQ_OK);
        CHECK(slotq_get_stats(queue, 0, &stats) == SLOTQ_OK);
        slotq_close(queue);
        return stats.ready;
    }
    Home home;
    slotq_error error = {};
    uint32_t found = 99;
    uint32_t number = 99;
};

} // namespace

TEST_CASE("sharded repair: a lost or damaged descriptor is rebuilt from the shards", "[sharded]")
{
    const bool on_server = GENERATE(false, true);
    for (const bool is_lost : {true, false}) {
        for (const uint8_t flags : {0, +SLOTQ_FLAG_KEYS}) {
            Queue q(on_server, flags);
            q.push_some();
            const Shown before = shown(q.home.url);
            {
                Value value(q.home);
                std::vector<uint8_t> bytes = value.read();
                bytes[30] ^= 1;
                value.set(is_lost ? std::vector<uint8_t>() : bytes);
            }
            slotq *queue = nullptr;
            CHECK(slotq_open(q.home.url.c_str(), "q", nullptr, &queue, &q.error) ==
                  (is_lost ? SLOTQ_NOQUEUE : SLOTQ_CORRUPT));
            const slotq_outcome outcome = q.repair();
            INFO(q.error.text);
            REQUIRE(outcome == SLOTQ_OK);
            CHECK(q.found == 3);
            const Shown after = shown(q.home.url);
            CHECK(after.whole.set == before.whole.set);
            CHECK(after.whole.revision > before.whole.revision);
            CHECK(after.whole.keyed == (flags != 0));
            CHECK(after.whole.open == 3);
            CHECK(after.keys == before.keys);
            CHECK(q.ready() == 24);
        }
    }
}

TEST_CASE("sharded repair: a shard that the descriptor lacks is written into it", "[sharded]")
{
    Queue q(GENERATE(false, true));
    std::vector<uint8_t> before;
    {
        Value value(q.home);
        before = value.read();
    }
    REQUIRE(q.add() == SLOTQ_OK);
    REQUIRE(q.drain(1) == SLOTQ_OK);
    const Shown seen = shown(q.home.url);
    {
        Value value(q.home);
        value.set(before); /* a failover has lost both changes */
    }
    REQUIRE(q.repair() == SLOTQ_OK);
    CHECK(q.found == 1);
    const Shown after = shown(q.home.url);
    CHECK(after.whole.revision > seen.whole.revision);
    REQUIRE(after.keys == seen.keys);
    CHECK(after.shards[3].state == SLOTQ_SHARD_OPEN);
    CHECK(after.stats[3].capacity == 8);
    CHECK(after.shards[1].state == SLOTQ_SHARD_OPEN); /* that it is missing proves nothing */
    CHECK_FALSE(after.errors.empty());
    CHECK(q.drain(1) == SLOTQ_OK); /* its operator says so */
    CHECK(shown(q.home.url).shards[1].state == SLOTQ_SHARD_GONE);
    CHECK(shown(q.home.url).errors.empty());
    REQUIRE(q.repair() == SLOTQ_OK);
    CHECK(q.found == 0);
}

TEST_CASE("sharded repair: shards of two queues are told apart, or refused", "[sharded]")
{
    Queue q(GENERATE(false, true));
    slotq_geometry other = geometry_of();
    other.set = 4711;
    other.shard = 5;
    other.generation = 9;
    shards_key key;
    shards_key_make(&key, "q", 1, 5, shards_find_k("q", 1, 5));
    {
        Value value(q.home);
        REQUIRE(value.place->ops->create(value.place, key.text, &other, &value.fault) == SLOTQ_OK);
    }
    CHECK(q.repair() == SLOTQ_OK); /* the descriptor says which set it is */
    CHECK(q.found == 0);
    CHECK(shown(q.home.url).whole.count == 3);
    CHECK(q.home.names() == std::vector<std::string>({"q", key.text}));
    {
        Value value(q.home);
        value.set({});
    }
    CHECK(q.repair() == SLOTQ_INVALID);
    CHECK(std::string(q.error.text).find("4711") != std::string::npos);
    CHECK(slotq_remove_queue(q.home.url.c_str(), key.text, &q.error) == SLOTQ_OK);
    CHECK(q.repair() == SLOTQ_OK);
    CHECK(q.found == 3);
}

TEST_CASE("sharded changes: what is refused leaves the queue as it was", "[sharded]")
{
    Queue q(GENERATE(false, true));
    const char *url = q.home.url.c_str();
    const slotq_geometry geometry = geometry_of(), larger = geometry_of(17);
    Value value(q.home);
    const std::vector<uint8_t> before = value.read();
    CHECK(slotq_shards_create(url, "q", 3, &geometry, nullptr, &q.error) == SLOTQ_OK);
    CHECK(slotq_shards_create(url, "q", 4, &geometry, nullptr, &q.error) == SLOTQ_EXISTS);
    CHECK(slotq_shards_create(url, "q", 3, &larger, nullptr, &q.error) == SLOTQ_EXISTS);
    CHECK(slotq_create(url, "q", &geometry, nullptr, &q.error) == SLOTQ_SHARDED);
    CHECK(slotq_resize(url, "q", &larger, &q.error) == SLOTQ_UNSUPPORTED);
    CHECK(q.drain(3) == SLOTQ_INVALID);
    CHECK(q.undrain(3) == SLOTQ_INVALID);
    CHECK(value.read() == before);
    for (const uint32_t count : {0u, 1025u}) {
        CHECK(slotq_shards_create(url, "p", count, &geometry, nullptr, &q.error) == SLOTQ_INVALID);
    }
    for (const std::string &name : {std::string("a{b"), std::string(191, 'n'), std::string()}) {
        CHECK(slotq_shards_create(url, name.c_str(), 2, &geometry, nullptr, &q.error) ==
              SLOTQ_INVALID);
    }
    REQUIRE(slotq_create(url, "alone", &geometry, nullptr, &q.error) == SLOTQ_OK);
    CHECK(slotq_shards_create(url, "alone", 2, &geometry, nullptr, &q.error) == SLOTQ_EXISTS);
    CHECK(slotq_shards_add(url, "alone", nullptr, nullptr, &q.error) == SLOTQ_UNSUPPORTED);
    CHECK(slotq_shards_repair(url, "alone", nullptr, nullptr, &q.error) == SLOTQ_UNSUPPORTED);
    CHECK(slotq_shards_visit(url, "alone", nullptr, nullptr, nullptr, nullptr, &q.error) ==
          SLOTQ_UNSUPPORTED);
    CHECK(slotq_shards_add(url, "none", nullptr, nullptr, &q.error) == SLOTQ_NOQUEUE);
    CHECK(q.home.names() == std::vector<std::string>({"alone", "q"}));
    CHECK(q.drain(0) == SLOTQ_OK); /* the last one stays */
    CHECK(q.drain(1) == SLOTQ_OK);
    CHECK(q.drain(2) == SLOTQ_INVALID);
    CHECK(q.add() == SLOTQ_OK); /* which producers do not use yet */
    CHECK(q.drain(2) == SLOTQ_INVALID);
    CHECK(std::string(q.error.text).find("try again then") != std::string::npos);
}

TEST_CASE("sharded changes: with keys the number of shards is fixed", "[sharded]")
{
    Queue q(GENERATE(false, true), SLOTQ_FLAG_KEYS);
    CHECK(shown(q.home.url).whole.keyed);
    CHECK(q.add() == SLOTQ_UNSUPPORTED);
    CHECK(std::string(q.error.text).find("fixed") != std::string::npos);
    CHECK(q.drain(1) == SLOTQ_UNSUPPORTED);
    CHECK(q.undrain(1) == SLOTQ_UNSUPPORTED);
    CHECK(shown(q.home.url).whole.open == 3);
}

TEST_CASE("sharded changes: a queue in use in a folder is not removed in part", "[sharded]")
{
    Queue q(false);
    slotq *queue = nullptr;
    REQUIRE(slotq_open(q.home.url.c_str(), "q", nullptr, &queue, &q.error) == SLOTQ_OK);
    CHECK(slotq_remove_queue(q.home.url.c_str(), "q", &q.error) == SLOTQ_LOCKED);
    CHECK_FALSE(shown(q.home.url).whole.removing);
    const slotq_data data = {"x", 1};
    uint64_t id;
    CHECK(slotq_push(queue, &data, 1, &id) == SLOTQ_OK);
    slotq_close(queue);
    CHECK(slotq_remove_queue(q.home.url.c_str(), "q", &q.error) == SLOTQ_OK);
    CHECK(q.home.names().empty());
}

/* test_resize.cpp: other sizes for a queue that has messages: all of them stay as they are, a queue
 * that was resized goes on as one that was not, and what does not fit is named.
 */
#include "catch.hpp"

#include <functional>
#include <random>
#include <sys/stat.h>
#include <sstream>
#include <thread>

#include "any_queue.hpp"

using namespace any_queue;

namespace
{

using Sizes = std::function<void(slotq_geometry &)>;

std::string hex(const void *bytes, uint32_t size)
{
    return std::string(static_cast<const char *>(bytes), size);
}

std::string listed(slotq_batch *batch, slotq_outcome outcome)
{
    std::ostringstream out;
    slotq_message message;
    while (outcome == SLOTQ_OK && slotq_batch_next(batch, &message)) {
        out << ' ' << message.id << '/' << message.token << '/' << int(message.state) << '/'
            << int(message.attempts) << '/' << int(message.group) << '/' << int(message.reason)
            << '/' << message.due_ms << '/' << message.died_at_ms << '/' << message.damaged << '/'
            << hex(message.payload, message.payload_bytes);
    }
    return out.str();
}

/* All that can be seen of the messages, without the sizes of the queue. */
std::string picture(slotq *queue, uint8_t groups, uint32_t keys)
{
    std::ostringstream out;
    const Batch batch = any_queue::batch();
    slotq_stats stats = {};
    for (uint8_t group = 0; group < groups; group++) {
        REQUIRE(slotq_get_stats(queue, group, &stats) == SLOTQ_OK);
        out << "group " << int(group) << ": " << stats.last_id << ' ' << stats.used << ' '
            << stats.ready << ' ' << stats.undelivered << ' ' << stats.leased << ' '
            << stats.waiting << ' ' << stats.acked << ' ' << stats.redelivered << ' ' << stats.died
            << ' ' << stats.next_due_ms << ' ' << stats.oldest_ms << ' ' << stats.aside << ' '
            << stats.later << ' ' << stats.later_due_ms << ' ' << stats.dead << ' ' << stats.dropped
            << ' ' << stats.dead_dropped << ' ' << int(stats.paused) << ' '
            << stats.limits.max_leased << ' ' << stats.holder.id << '\n';
        for (uint64_t id = 1; id <= stats.last_id; id++) {
            slotq_status status = {};
            const slotq_outcome outcome = slotq_get_status(queue, group, id, &status);
            out << id << ':' << int(outcome) << ' ' << int(status.state) << ' ' << int(status.why)
                << ' ' << int(status.attempts) << ' ' << status.deadline_ms << ' '
                << status.pushed_ms << ' ' << status.position << '\n';
        }
        const slotq_outcome peeked = slotq_peek(queue, group, 0, 4096, batch.get());
        out << "peek" << listed(batch.get(), peeked) << '\n';
    }
    slotq_outcome outcome = slotq_dead_list(queue, 0, 4096, batch.get());
    out << "dead" << listed(batch.get(), outcome) << '\n';
    outcome = slotq_later_list(queue, 0, 4096, batch.get());
    out << "later" << listed(batch.get(), outcome) << '\n';
    for (uint32_t i = 0; i < keys; i++) {
        const std::string name = "key " + std::to_string(i);
        slotq_key_holder holder = {};
        outcome = slotq_find(queue, slotq_key(name.data(), name.size()), &holder);
        out << name << ' ' << int(outcome) << ' ' << int(holder.place) << ' ' << holder.id << ' '
            << holder.is_unfinished << '\n';
    }
    return out.str();
}

enum { KEYS = 12 };

Geometry lively(uint8_t flags)
{
    Geometry made(20, 12);
    made.flags(static_cast<uint8_t>(flags | SLOTQ_FLAG_STAMPS)).groups(2).dead(6).attempts(3);
    made.raw.later_slots = 7;
    made.raw.aside_slots = 5;
    made.raw.note_bytes = 3;
    return made;
}

/* One random call; the same on each queue for the same numbers. Its outcome. */
class Story
{
public:
    explicit Story(uint32_t seed) : random_(seed)
    {
    }
    struct Move {
        uint32_t what, a, b, c;
    };
    Move next()
    {
        return {below(12), below(1000), below(1000), below(1000)};
    }

private:
    uint32_t below(uint32_t limit)
    {
        return static_cast<uint32_t>(random_() % limit);
    }
    std::mt19937 random_;
};

/* Tokens held, by which both queues settle. */
struct Held {
    uint8_t group;
    uint64_t id;
    uint32_t token;
};

int add(Queue &queue, const Story::Move &move, bool later)
{
    const std::string payload(move.a % 10, static_cast<char>('a' + move.b % 26));
    const std::string name = "key " + std::to_string(move.c % KEYS);
    const uint64_t key = move.b % 3 == 0 ? 0 : slotq_key(name.data(), name.size());
    const bool has_keys = (slotq_geometry_of(queue)->flags & SLOTQ_FLAG_KEYS) != 0;
    slotq_push_options options = {};
    options.keys = has_keys ? &key : nullptr;
    options.key_mode = move.a % 2 == 0 ? SLOTQ_KEY_UNIQUE : SLOTQ_KEY_ONCE;
    options.due_ms = later ? queue.now_ms + move.a : 0;
    const slotq_data message = {payload.data(), static_cast<uint32_t>(payload.size())};
    return slotq_push_with(queue, &message, 1, &options, nullptr);
}

int settle(Queue &queue, const Story::Move &move, std::vector<Held> &held)
{
    if (held.empty()) {
        return -1;
    }
    const size_t which = move.a % held.size();
    const Held one = held[which];
    switch (move.b % 5) {
    case 0:
        return slotq_nack(queue, one.group, one.id, one.token, move.c % 2 * 700, 9);
    case 1:
        return slotq_kill(queue, one.group, one.id, one.token, 7);
    case 2:
        return slotq_release(queue, one.group, one.id, one.token, move.c % 2 * 900);
    default:
        return slotq_ack(queue, one.group, one.id, one.token);
    }
}

int play(Queue &queue, const Story::Move &move, std::vector<Held> &held, std::string &seen)
{
    switch (move.what) {
    case 0:
    case 1:
    case 2:
        return add(queue, move, false);
    case 3:
        return add(queue, move, true);
    case 4:
    case 5:
    case 6: {
        const uint8_t group = static_cast<uint8_t>(move.a % 2);
        for (const Message &one : queue.reserve(1 + move.b % 4, 1000 + move.c, group)) {
            seen += std::to_string(one.id) + ":" + std::to_string(one.token) + one.payload + ' ';
            held.push_back({group, one.id, one.token});
        }
        return 0;
    }
    case 7:
    case 8:
    case 9:
        return settle(queue, move, held);
    case 10:
        return slotq_cancel(queue, 1 + move.a % 20);
    default:
        queue.now_ms += move.a % 300;
        return move.b % 4 == 0 ? slotq_dead_redrive(queue, 1, nullptr, nullptr, nullptr) : 0;
    }
}

/* Resized as a stranger would do it: a file that is not open, a server in use. */
slotq_outcome resize(Queue &queue, const Sizes &change, slotq_error *error = nullptr)
{
    slotq_geometry sizes = *slotq_geometry_of(queue);
    change(sizes);
    const bool in_file = queue.kind() != Kind::redis;
    if (in_file) {
        queue.close();
    }
    const slotq_outcome outcome =
        slotq_resize(queue.url().c_str(), queue.name().c_str(), &sizes, error);
    if (in_file) {
        queue.reopen();
    }
    return outcome;
}

void grow(slotq_geometry &sizes)
{
    sizes.ring_slots = 50;
    sizes.payload_bytes = 30;
    sizes.later_slots = 11;
    sizes.dead_slots = 9;
    sizes.aside_slots = 8;
}

} // namespace

/* Sizes do not tell yet: as many messages as the small queue has slots, and none has left one. */
bool is_small(const slotq_stats &stats)
{
    return stats.last_id + stats.later + stats.dead < 18 && stats.later < 6 && stats.dead < 5;
}

TEST_CASE("resize: a queue goes on as one that always had these sizes", "[resize]")
{
    for (const Kind kind : {Kind::file, Kind::redis}) {
        for (uint32_t seed = 1; seed <= 12; seed++) {
            CAPTURE(kind, seed);
            const uint8_t flags = static_cast<uint8_t>((seed % 2 != 0 ? SLOTQ_FLAG_KEYS : 0) |
                                                       (seed % 3 != 0 ? SLOTQ_FLAG_CHECKS : 0));
            const uint32_t keys = flags & SLOTQ_FLAG_KEYS ? KEYS : 0;
            Geometry large = lively(flags);
            grow(large.raw);
            Queue one(kind, lively(flags));
            Queue twin(Kind::memory, large);
            Story story(seed);
            std::vector<Held> held, twin_held;
            for (uint32_t step = 0; step < 500; step++) {
                CAPTURE(step);
                if (step == 60) {
                    const std::string before = picture(one, 2, keys);
                    REQUIRE(resize(one, grow) == SLOTQ_OK);
                    REQUIRE(slotq_check(one) == SLOTQ_OK);
                    REQUIRE(picture(one, 2, keys) == before);
                }
                const Story::Move move = story.next();
                if (step < 60 && (move.what <= 3 || move.what == 11) && !is_small(one.stats())) {
                    continue;
                }
                std::string seen, twin_seen;
                const int outcome = play(one, move, held, seen);
                REQUIRE(play(twin, move, twin_held, twin_seen) == outcome);
                REQUIRE(seen == twin_seen);
            }
            CHECK(picture(one, 2, keys) == picture(twin, 2, keys));
            CHECK(slotq_check(one) == SLOTQ_OK);
        }
    }
}

TEST_CASE("resize: what is anywhere in a full queue is as it was", "[resize]")
{
    for (const Kind kind : {Kind::file, Kind::redis}) {
        for (uint32_t seed = 1; seed <= 12; seed++) {
            CAPTURE(kind, seed);
            const uint8_t flags = static_cast<uint8_t>(seed % 2 != 0 ? SLOTQ_FLAG_KEYS : 0);
            const uint32_t keys = flags & SLOTQ_FLAG_KEYS ? KEYS : 0;
            Queue queue(kind, lively(flags));
            Story story(100 + seed);
            std::vector<Held> held;
            std::string seen;
            for (uint32_t step = 0; step < 300; step++) {
                play(queue, story.next(), held, seen);
            }
            const std::string before = picture(queue, 2, keys);
            REQUIRE(resize(queue, grow) == SLOTQ_OK);
            CHECK(slotq_check(queue) == SLOTQ_OK);
            CHECK(picture(queue, 2, keys) == before);
            const Geometry small = lively(flags);
            REQUIRE(resize(queue, [&small](slotq_geometry &sizes) { sizes = small.raw; }) ==
                    SLOTQ_OK);
            CHECK(slotq_check(queue) == SLOTQ_OK);
            CHECK(picture(queue, 2, keys) == before);
        }
    }
}

TEST_CASE("resize: what does not fit is named, and nothing is changed", "[resize]")
{
    for (const Kind kind : {Kind::file, Kind::redis}) {
        CAPTURE(kind);
        Geometry geometry = lively(0);
        Queue queue(kind, geometry);
        REQUIRE(queue.push("twelve bytes") == SLOTQ_OK);
        REQUIRE(queue.push("b") == SLOTQ_OK);
        const slotq_data data = {"later one", 9};
        REQUIRE(slotq_schedule(queue, &data, 1, queue.now_ms + 90000, 0, nullptr) == SLOTQ_OK);
        REQUIRE(queue.push("dies") == SLOTQ_OK);
        for (const Message &one : queue.reserve(3)) {
            if (one.payload == "dies") {
                REQUIRE(slotq_kill(queue, 0, one.id, one.token, 1) == SLOTQ_OK);
            }
        }
        const std::vector<uint8_t> before = queue.image();
        struct {
            Sizes change;
            slotq_outcome outcome;
            const char *words;
        } const cases[] = {
            {[](slotq_geometry &sizes) { sizes.ring_slots = 3; }, SLOTQ_TOOBIG,
             "has 3 messages in its ring"},
            {[](slotq_geometry &sizes) { sizes.payload_bytes = 11; }, SLOTQ_TOOBIG,
             "message 1 has 12 bytes"},
            {[](slotq_geometry &sizes) { sizes.later_slots = 0; }, SLOTQ_TOOBIG,
             "has 1 scheduled messages"},
            {[](slotq_geometry &sizes) { sizes.dead_slots = 0; }, SLOTQ_TOOBIG,
             "has 1 dead messages"},
            {[](slotq_geometry &sizes) { sizes.groups = 1; }, SLOTQ_TOOBIG, "has 2 groups"},
            {[](slotq_geometry &sizes) { sizes.ring_slots = 1; }, SLOTQ_INVALID, "ring_slots"},
            {[](slotq_geometry &sizes) { sizes.groups = 17; }, SLOTQ_INVALID, "groups"},
        };
        for (const auto &one : cases) {
            slotq_error error = {};
            CAPTURE(one.words);
            CHECK(resize(queue, one.change, &error) == one.outcome);
            INFO(error.text);
            CHECK(std::string(error.text).find(one.words) != std::string::npos);
            CHECK(queue.image() == before);
        }
    }
}

TEST_CASE("resize: a payload that is not read any more does not hold it up", "[resize]")
{
    Queue queue(Kind::file);
    queue.fill(1);
    REQUIRE(queue.push("sixteen bytes...") == SLOTQ_OK);
    queue.reserve(1);
    const Message second = queue.reserve_one();
    REQUIRE(slotq_ack(queue, 0, second.id, second.token) == SLOTQ_OK);
    REQUIRE(resize(queue, [](slotq_geometry &sizes) { sizes.payload_bytes = 4; }) == SLOTQ_OK);
    CHECK(slotq_check(queue) == SLOTQ_OK);
    CHECK(queue.status(1).state == SLOTQ_STATE_LEASED);
    CHECK(queue.status(2).state == SLOTQ_STATE_DONE);
}

TEST_CASE("resize: the file keeps its rights", "[resize]")
{
    Queue queue(Kind::file);
    const std::string path = queue.folder().file(queue.name() + ".slotq");
    REQUIRE(chmod(path.c_str(), 0640) == 0);
    REQUIRE(resize(queue, grow) == SLOTQ_OK);
    for (const std::string &one : {path, path + "-journal"}) {
        struct stat facts = {};
        REQUIRE(stat(one.c_str(), &facts) == 0);
        CHECK((facts.st_mode & 07777) == 0640);
    }
}

TEST_CASE("resize: clients of a server that wait look again", "[resize]")
{
    for (const uint8_t places : {uint8_t{0}, uint8_t{3}}) {
        CAPTURE(int(places));
        Geometry geometry;
        geometry.raw.places = places;
        Queue queue(Kind::redis, geometry);
        slotq_options options = queue.options();
        options.poll_ms = 3600000;
        slotq *waiter = nullptr;
        REQUIRE(slotq_open(queue.url().c_str(), queue.name().c_str(), &options, &waiter, nullptr) ==
                SLOTQ_OK);
        std::thread sleeper([waiter] {
            const Batch batch = any_queue::batch();
            CHECK(slotq_reserve(waiter, 0, 1, 30000, UINT64_MAX, batch.get()) == SLOTQ_OK);
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(200)); /* mostly it waits by now */
        REQUIRE(resize(queue, grow) == SLOTQ_OK);
        REQUIRE(queue.push("for it") == SLOTQ_OK);
        sleeper.join();
        slotq_close(waiter);
    }
}

TEST_CASE("resize: a new group begins behind all messages", "[resize]")
{
    Queue queue(Kind::file);
    queue.fill(3);
    REQUIRE(resize(queue, [](slotq_geometry &sizes) { sizes.groups = 2; }) == SLOTQ_OK);
    CHECK(queue.reserve(9, 30000, 1).empty());
    CHECK(queue.reserve(9, 30000, 0).size() == 3);
    REQUIRE(queue.push("for both") == SLOTQ_OK);
    CHECK(queue.reserve(9, 30000, 1).size() == 1);
    CHECK(slotq_check(queue) == SLOTQ_OK);
}

TEST_CASE("resize: a damaged message is refused, and a dead one stays damaged", "[resize]")
{
    Queue queue(Kind::file, Geometry().dead(2));
    queue.fill(2);
    std::vector<uint8_t> image = queue.image();
    image[136 + 36] = 20; /* the length of the first slot: the limit is 16 */
    queue.close();
    write_file(queue.folder().file(queue.name() + ".slotq"), image);
    queue.reopen();
    slotq_error error = {};
    const auto larger = [](slotq_geometry &sizes) { sizes.payload_bytes = 40; };
    CHECK(resize(queue, larger, &error) == SLOTQ_CORRUPT);
    CHECK(error.offset == 172);
    REQUIRE(queue.reserve(2).size() == 1); /* the other dies */
    REQUIRE(resize(queue, larger, &error) == SLOTQ_OK);
    CHECK(slotq_check(queue) == SLOTQ_OK);
    const Batch batch = any_queue::batch();
    REQUIRE(slotq_dead_list(queue, 0, 2, batch.get()) == SLOTQ_OK);
    const std::vector<Message> dead = messages(batch.get());
    REQUIRE(dead.size() == 1);
    CHECK(dead[0].id == 1);
    CHECK(dead[0].raw.damaged);
    CHECK(resize(
              queue, [](slotq_geometry &sizes) { sizes.payload_bytes = 65535; }, &error) ==
          SLOTQ_TOOBIG);
    CHECK(std::string(error.text).find("dead message 1 is damaged") != std::string::npos);
}

TEST_CASE("resize: a file that is open is refused", "[resize]")
{
    Queue queue(Kind::file);
    slotq_geometry sizes = *slotq_geometry_of(queue);
    sizes.ring_slots = 100;
    slotq_error error = {};
    CHECK(slotq_resize(queue.url().c_str(), queue.name().c_str(), &sizes, &error) == SLOTQ_LOCKED);
    CHECK(slotq_resize(queue.url().c_str(), "none", &sizes, &error) == SLOTQ_NOQUEUE);
    CHECK(slotq_resize(queue.url().c_str(), queue.name().c_str(), nullptr, &error) ==
          SLOTQ_INVALID);
}

TEST_CASE("resize: open handles of a server go on, with what they hold", "[resize]")
{
    Queue queue(Kind::redis);
    const Batch batch = any_queue::batch();
    slotq_settled settled = {};
    queue.fill(6);
    REQUIRE(slotq_reserve(queue, 0, 2, 30000, 0, batch.get()) == SLOTQ_OK);
    const auto larger = [](slotq_geometry &sizes) {
        sizes.ring_slots = static_cast<uint16_t>(sizes.ring_slots + 10);
        sizes.payload_bytes = static_cast<uint16_t>(sizes.payload_bytes + 100);
    };
    REQUIRE(resize(queue, larger) == SLOTQ_OK);
    REQUIRE(slotq_next(queue, 0, 2, 30000, 0, batch.get(), &settled) == SLOTQ_OK);
    CHECK(settled.outcome == SLOTQ_OK);
    CHECK(settled.ok_count == 2);
    CHECK(slotq_batch_count(batch.get()) == 2);
    REQUIRE(resize(queue, larger) == SLOTQ_OK);
    CHECK(slotq_ack_batch(queue, batch.get()) == SLOTQ_OK);
    REQUIRE(resize(queue, larger) == SLOTQ_OK);
    CHECK(slotq_peek(queue, 0, 0, 9, batch.get()) == SLOTQ_OK);
    REQUIRE(resize(queue, larger) == SLOTQ_OK);
    CHECK(queue.push(std::string(300, 'x')) == SLOTQ_OK);
    CHECK(queue.reserve(9).size() == 3);
    CHECK(queue.stats().acked == 4);
}

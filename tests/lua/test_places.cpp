/* test_places.cpp: places over a server: which waiter each call rings, and what a row holds
 * then. The protocol itself is searched in tests/protocol.
 */
#include <map>

#include "../support/catch.hpp"
#include "../support/image/fields.hpp"
#include "on_server.hpp"

namespace
{

using on_server::Queue;
using on_server::Shape;
using redis::Arguments;
using redis::Reply;

constexpr uint32_t places = 5;

Shape shape_with(uint32_t groups = 1, uint32_t ring_slots = 9)
{
    Shape shape;
    shape.places = places;
    shape.groups = groups;
    shape.ring_slots = ring_slots;
    return shape;
}

/* A queue with places, and what is heard in each channel. */
class Placed : public Queue
{
public:
    explicit Placed(const Shape &shape = shape_with(), const std::string &variant = "redis7")
        : Queue(redis::shared_server(), variant, shape)
    {
    }

    /* A client is subscribed there. */
    void subscribe(uint32_t place)
    {
        auto &connection = listeners_[place];
        connection = redis::shared_server().connect();
        connection->command({"SUBSCRIBE", "slotq#" + std::to_string(place) + ":" + key()});
    }
    void unsubscribe(uint32_t place)
    {
        listeners_.erase(place);
        /* the server notices the end before it runs what is asked next */
        while (!command({"PUBSUB", "NUMSUB", "slotq#" + std::to_string(place) + ":" + key()})
                    .items.at(1)
                    .is_integer(0)) {
        }
    }
    Reply wait(uint32_t place, uint32_t limit = 1, uint32_t group = 0)
    {
        return run("reserve_packed", {std::to_string(group), std::to_string(limit), "30000", "1",
                                      std::to_string(place)});
    }
    /* "0 2": the places in which something was heard since, in their order. */
    std::string heard()
    {
        std::string list;
        for (auto &listener : listeners_) {
            listener.second->append({"PING"});
            for (;;) {
                const Reply reply = listener.second->next();
                if (reply.items.empty() || reply.items[0].text == "pong") {
                    break;
                }
                said_ = reply.items.at(2).text;
                CHECK((said_.find("wake ") == 0 || said_.find("round ") == 0));
                list += (list.empty() ? "" : " ") + std::to_string(listener.first);
            }
        }
        return list;
    }
    /* What the last message said. */
    const std::string &said() const
    {
        return said_;
    }
    /* "cursor: wants …" */
    std::string row(uint32_t number)
    {
        const std::string image = bytes();
        const uint32_t row_bytes = 2 + 2 * places;
        const size_t at = image.size() - row_bytes * (shape().groups + 1 - number);
        std::string text = std::to_string(on_server::value_of(image, at, 1)) + ":";
        CHECK(on_server::value_of(image, at + 1, 1) == 0);
        for (uint32_t i = 0; i < places; i++) {
            text += " " + std::to_string(on_server::value_of(image, at + 2 + 2 * i, 2));
        }
        return text;
    }
    uint64_t wake()
    {
        return on_server::value_of(bytes(), support::field::shared_wake.offset, 4);
    }
    void poke(uint32_t number, uint32_t offset, char value)
    {
        std::string image = bytes();
        image[image.size() - (2 + 2 * places) * (shape().groups + 1 - number) + offset] = value;
        set(image);
    }
    Reply settle(const std::string &verb, const Reply &reserved, const std::string &ms = "0")
    {
        return run("settle_packed", {verb, "0", ms, "0", reserved.items.at(0).text});
    }

private:
    std::map<uint32_t, std::unique_ptr<redis::Connection>> listeners_;
    std::string said_;
};

bool found_nothing(const Reply &reply, int64_t due_ms, int64_t kept)
{
    return reply.items.size() == 4 && reply.items[0].is_integer(due_ms) &&
           reply.items[1].is_integer(kept);
}

} // namespace

TEST_CASE("places: a push tells one of those that wait, in turn, and no other")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    const std::string push = GENERATE(as<std::string>(), "push", "push_packed");
    Placed queue(shape_with(), variant);
    for (const uint32_t place : {0u, 1u, 3u}) {
        queue.subscribe(place);
        CHECK(found_nothing(queue.wait(place), -1, 0));
    }
    CHECK(queue.row(0) == "0: 1 1 0 1 0");
    CHECK(queue.wake() == 1);
    CHECK(found_nothing(queue.wait(1), -1, 1));
    queue.run(push, queue.sample(push));
    CHECK(queue.heard() == "0");
    CHECK(queue.row(0) == "1: 0 1 0 1 0");
    CHECK(queue.wake() == 1);
    queue.run(push, queue.sample(push));
    CHECK(queue.heard() == "1");
    queue.run(push, queue.sample(push));
    CHECK(queue.heard() == "3");
    CHECK(queue.row(0) == "4: 0 0 0 0 0");
    CHECK(queue.wake() == 0); /* no client waits: the next push is plain again */
    queue.run(push, queue.sample(push));
    CHECK(queue.heard().empty());
    CHECK(on_server::check(queue.bytes()).empty());
}

TEST_CASE("places: a push of many tells as many as want them, at most four")
{
    Placed queue;
    for (uint32_t place = 0; place < places; place++) {
        queue.subscribe(place);
        queue.wait(place, place == 0 ? 3 : 1);
    }
    queue.run("push", {"a", "b", "c"});
    CHECK(queue.heard() == "0");
    queue.wait(0, 1); /* it takes one; the next is rung for what it leaves */
    CHECK(queue.heard() == "1");
    queue.wait(0, 2);
    CHECK(queue.heard().empty());
    queue.wait(0, 1);
    queue.wait(1, 1);
    queue.run("push", {"a", "b", "c", "d", "e"});
    CHECK(queue.heard() == "0 2 3 4");
}

TEST_CASE("places: an earlier due time is told to the first place of each group, which stays set")
{
    Placed queue(shape_with(2));
    for (const uint32_t place : {1u, 2u}) {
        queue.subscribe(place);
        queue.wait(place, 1, 0);
    }
    queue.subscribe(4);
    queue.wait(4, 1, 1);
    queue.schedule("a", on_server::now_ms + 500);
    CHECK(queue.heard() == "1 4");
    CHECK(queue.row(0) == "0: 0 1 1 0 0");
    CHECK(queue.row(1) == "0: 0 0 0 0 1");
    CHECK(queue.wake() == 1);
    CHECK(found_nothing(queue.wait(1, 1, 0), on_server::now_ms + 500, 1));
    CHECK(found_nothing(queue.wait(2, 1, 0), on_server::now_ms + 510, 1));
    queue.schedule("b", on_server::now_ms + 500);
    CHECK(queue.heard().empty());
    queue.unsubscribe(1);
    queue.run("kick", {"2", "later"});
    CHECK(queue.heard() == "2 4");
    CHECK(queue.row(0) == "0: 0 0 1 0 0");
}

TEST_CASE("places: what a reserve promotes and leaves is handed over, in each group")
{
    Placed queue(shape_with(2));
    queue.subscribe(1);
    queue.subscribe(2);
    queue.subscribe(3);
    queue.wait(1, 1, 0);
    queue.wait(2, 1, 0);
    queue.wait(3, 1, 1);
    for (const char *payload : {"a", "b", "c"}) {
        queue.schedule(payload, on_server::now_ms + 5);
    }
    queue.heard();
    const Reply first =
        queue.run_at(on_server::now_ms + 5, "reserve_packed", {"0", "2", "30000", "1", "1"});
    CHECK(first.items.size() == 2);
    CHECK(queue.heard() == "1 2 3"); /* its own, one of its group for c, the other group's */
    CHECK(queue.row(0) == "3: 0 0 0 0 0");
    CHECK(queue.row(1) == "4: 0 0 0 0 0");
    CHECK(queue.wake() == 0);
    queue.wait(2, 1, 0);
    queue.wait(1, 9, 0);
    queue.schedule("d", on_server::now_ms + 5);
    queue.heard();
    queue.run_at(on_server::now_ms + 5, "push", {"e"}); /* 9 is enough for d and e */
    CHECK(queue.heard() == "1");
}

TEST_CASE("places: where no client hears, the next is told")
{
    Placed queue;
    for (const uint32_t place : {0u, 1u, 2u}) {
        queue.subscribe(place);
        queue.wait(place);
    }
    queue.unsubscribe(0);
    queue.unsubscribe(1);
    queue.run("push", {"a"});
    CHECK(queue.heard() == "2");
    CHECK(queue.row(0) == "3: 0 0 0 0 0");
}

TEST_CASE("places: a reserve that finds a message leaves its place, and tells the others at it")
{
    const bool plain = GENERATE(true, false);
    Placed queue;
    queue.subscribe(2);
    queue.subscribe(3);
    queue.wait(2);
    queue.wait(3);
    queue.run("push", {"a"}); /* rings 2 */
    CHECK(queue.heard() == "2");
    if (!plain) { /* a message that was given back makes the reserve a whole one */
        const Reply taken = queue.run("reserve_packed", {"0", "1", "30000"});
        queue.wait(2);
        queue.settle("nack", taken);
        CHECK(queue.heard() == "3");
        CHECK(queue.row(0) == "4: 0 0 1 0 0");
        CHECK(queue.wait(2).items.at(0).text.size() == 12);
        CHECK(queue.heard() == "2");
        CHECK(queue.row(0) == "4: 0 0 0 0 0");
        return;
    }
    CHECK(queue.wait(3).items.at(0).text.size() == 12);
    CHECK(queue.heard() == "3");
    CHECK(queue.row(0) == "3: 0 0 0 0 0");
}

TEST_CASE("places: leaving clears a place; the last look takes what is there")
{
    Placed queue;
    queue.subscribe(2);
    queue.wait(2);
    const Reply last = queue.run("reserve_packed", {"0", "1", "30000", "0", "2"});
    CHECK((last.text.empty() && last.items.empty() && !last.is_error()));
    CHECK(queue.row(0) == "0: 0 0 0 0 0");
    CHECK(queue.heard() == "2");
    queue.run("push", {"a"});
    CHECK(queue.heard().empty());
    CHECK(queue.wake() == 0);
    CHECK(queue.run("reserve_packed", {"0", "1", "30000", "0", "2"}).items.size() == 2);
}

TEST_CASE("places: unwait passes on what was meant for its caller")
{
    const std::string row = GENERATE(as<std::string>(), "0", "room");
    Placed queue(shape_with(1, 2));
    queue.subscribe(1);
    queue.subscribe(2);
    if (row == "0") {
        queue.wait(1);
        queue.wait(2);
        queue.run("push", {"a"});
    } else {
        queue.run("push", {"a"});
        for (const char *place : {"1", "2"}) {
            CHECK(queue.run("push_packed", {"1", queue.slot("b"), "1", place}).word() ==
                  "SLOTQFULL");
        }
        CHECK(queue.row(1) == "0: 0 1 1 0 0");
        queue.settle("ack", queue.run("reserve_packed", {"0", "1", "30000"}));
    }
    CHECK(queue.heard() == "1");
    CHECK(queue.run("unwait", {row, "1"}).is_integer(0));
    CHECK(queue.heard() == "2");
    CHECK(queue.run("unwait", {row, "2"}).is_integer(0));
    CHECK(queue.heard().empty());
    CHECK(queue.run("unwait", {row, "5"}).word() == "SLOTQINVALID");
    CHECK(queue.run("unwait", {"1", "0"}).word() == "SLOTQINVALID");
}

TEST_CASE("places: what makes messages ready again rings its group alone")
{
    const std::string what =
        GENERATE(as<std::string>(), "nack", "release", "reclaim", "redrive", "resume");
    Placed queue(shape_with(2));
    queue.prepare();
    queue.run("reserve_packed", {"0", "10", "30000"});
    queue.run("reserve_packed", {"1", "10", "30000"});
    queue.subscribe(0);
    queue.subscribe(1);
    queue.wait(0, 1, 0);
    queue.wait(1, 1, 1);
    const std::string run = on_server::number(queue.leased_id, 6) +
                            on_server::number(queue.token, 4) + on_server::number(1, 2);
    if (what == "nack" || what == "release") {
        queue.run("settle_packed", {what, "0", "0", "0", run});
    } else if (what == "reclaim") {
        queue.run_at(on_server::now_ms + 60000, what, {"0"});
    } else if (what == "redrive") {
        queue.run(what, {"1"});
    } else {
        queue.run("settle_packed", {"nack", "0", "0", "0", run});
        CHECK(queue.heard() == "0");
        queue.run("pause", {"2"});
        queue.poke(0, 2, 1);
        queue.run("resume", {"2"});
    }
    CAPTURE(what);
    CHECK(queue.heard() == "0");
    CHECK(queue.wake() == 1); /* the other group's place may still be set */
    CHECK(queue.row(1) == "0: 0 1 0 0 0");
}

TEST_CASE("places: room is told to all whose messages fit into it")
{
    Placed queue(shape_with(1, 5));
    queue.run("push", {"a", "b", "c", "d"});
    const Reply taken = queue.run("reserve_packed", {"0", "4", "30000"});
    const char *counts[] = {"3", "1", "2", "1"};
    for (uint32_t i = 0; i < 4; i++) {
        std::string slots;
        for (int k = 0; k < counts[i][0] - '0'; k++) {
            slots += queue.slot("x");
        }
        queue.subscribe(i);
        CHECK(queue.run("push_packed", {counts[i], slots, "1", std::to_string(i)}).word() ==
              "SLOTQFULL");
    }
    CHECK(queue.wake() == 2);
    const std::string runs = taken.items.at(0).text;
    const auto ack = [&](uint64_t id, uint32_t count) {
        queue.run("settle_packed",
                  {"ack", "0", "0", "0",
                   on_server::number(id, 6) + runs.substr(6, 4) + on_server::number(count, 2)});
    };
    ack(1, 2);
    CHECK(queue.heard() == "1 3"); /* 3 do not fit, and for 2 only one is left */
    CHECK(queue.row(1) == "4: 3 0 2 0 0");
    CHECK(queue.wake() == 2);
    ack(3, 1);
    CHECK(queue.heard() == "0");
    CHECK(queue.run("push", {"y"}).kind == Reply::Kind::integer);
    CHECK(queue.heard() == "2"); /* a push that leaves room tells of it too */
    CHECK(queue.wake() == 0);
}

TEST_CASE("places: a head that moves tells all if the next message may step aside")
{
    Shape shape = shape_with(2, 5);
    shape.aside_slots = 4;
    Placed queue(shape);
    const auto ack = [&](const char *group, const Reply &taken, uint64_t id, uint32_t count) {
        queue.run("settle_packed", {"ack", group, "0", "0",
                                    on_server::number(id, 6) + taken.items.at(0).text.substr(6, 4) +
                                        on_server::number(count, 2)});
    };
    queue.run("push", {"a", "b", "c", "d"});
    const Reply second = queue.run("reserve_packed", {"1", "4", "30000"});
    ack("1", second, 1, 1);
    ack("1", second, 3, 2);
    const Reply first = queue.run("reserve_packed", {"0", "3", "30000"});
    queue.subscribe(1);
    const std::string two = queue.slot("x") + queue.slot("y");
    CHECK(queue.run("push_packed", {"2", two, "1", "1"}).word() == "SLOTQFULL");
    ack("0", first, 1, 3); /* frees one slot, and what holds the ring then may step aside */
    CHECK(queue.heard() == "1");
    CHECK(queue.run("push_packed", {"2", two, "1", "1"}).is_integer(5));
}

TEST_CASE("places: a redrive that takes room tells of what is left")
{
    Shape shape = shape_with(1, 5);
    shape.dead_slots = 1;
    Placed queue(shape);
    queue.run("push", {"dead"});
    queue.settle("kill", queue.run("reserve_packed", {"0", "1", "30000"}));
    queue.run("push", {"a", "b", "c", "d"});
    const Reply taken = queue.run("reserve_packed", {"0", "4", "30000"});
    const std::string slot = queue.slot("x");
    queue.subscribe(0);
    queue.subscribe(1);
    CHECK(queue.run("push_packed", {"3", slot + slot + slot, "1", "0"}).word() == "SLOTQFULL");
    CHECK(queue.run("push_packed", {"1", slot, "1", "1"}).word() == "SLOTQFULL");
    queue.run("settle_packed", {"ack", "0", "0", "0",
                                taken.items.at(0).text.substr(0, 10) + on_server::number(3, 2)});
    CHECK(queue.heard() == "0"); /* for its 3 messages; nothing is left for place 1 */
    CHECK(queue.run("redrive", {"1"}).items.at(1).is_integer(1));
    CHECK(queue.heard() == "1"); /* those 3 do not fit any more */
}

TEST_CASE("places: a due time wakes one after another, a nearer one is told to the first")
{
    Placed queue;
    const int64_t due = static_cast<int64_t>(on_server::now_ms + 30000);
    queue.run("push", {"a", "b"});
    const Reply first = queue.run("reserve_packed", {"0", "1", "30000"});
    queue.run("reserve_packed", {"0", "1", "30000"});
    for (uint32_t place = 0; place < 3; place++) {
        queue.subscribe(place);
        CHECK(found_nothing(queue.wait(place), due + 10 * static_cast<int64_t>(place), 0));
    }
    queue.settle("nack", first, "20000");
    CHECK(queue.heard() == "0");
    CHECK(queue.row(0) == "0: 1 1 1 0 0");
    CHECK(found_nothing(queue.wait(0), due - 10000, 1));
    CHECK(found_nothing(queue.wait(2), due - 10000 + 20, 1));
    queue.unsubscribe(0);
    const Reply second =
        queue.run_at(on_server::now_ms + 20000, "reserve_packed", {"0", "1", "30000"});
    queue.run_at(on_server::now_ms + 20000, "settle_packed",
                 {"nack", "0", "5000", "0", second.items.at(0).text});
    CHECK(queue.heard() == "1");
}

TEST_CASE("places: a resume tells the first place when messages are scheduled")
{
    Placed queue;
    queue.schedule("job", on_server::now_ms + 5000);
    queue.run("pause", {"1"});
    queue.subscribe(0);
    queue.subscribe(1);
    CHECK(found_nothing(queue.wait(0), -1, 0));
    CHECK(found_nothing(queue.wait(1), -1, 0));
    queue.run("resume", {"1"});
    CHECK(queue.heard() == "0");
    CHECK(queue.row(0) == "0: 1 1 0 0 0");
    CHECK(found_nothing(queue.wait(0), on_server::now_ms + 5000, 1));
}

TEST_CASE("places: room in a full ring rings a client for what is scheduled")
{
    Placed queue(shape_with(1, 3));
    queue.run("push", {"a", "b"});
    const Reply taken = queue.run("reserve_packed", {"0", "2", "30000"});
    queue.schedule("c", on_server::now_ms);
    queue.subscribe(0);
    queue.subscribe(1);
    CHECK(found_nothing(queue.wait(0), on_server::now_ms + 30000, 0));
    CHECK(found_nothing(queue.wait(1), on_server::now_ms + 30010, 0));
    CHECK(queue.heard().empty());
    queue.settle("ack", taken);
    CHECK(queue.heard() == "0");
    CHECK(queue.wait(0).items.size() == 2); /* a run and its slot */
    CHECK(queue.heard().empty());
}

TEST_CASE("places: a client without a place, or in a queue without places, leaves no mark")
{
    Placed queue;
    CHECK(queue.run("reserve_packed", {"0", "1", "30000", "1"}).is_integer(-1));
    CHECK(queue.wake() == 0);
    CHECK(queue.wait(places).word() == "SLOTQINVALID");
    Queue open(redis::shared_server());
    CHECK(open.run("reserve_packed", {"0", "1", "30000", "1", "0"}).word() == "SLOTQINVALID");
    CHECK(open.run("unwait", {"0", "0"}).is_integer(0));
    Shape mailbox = shape_with();
    mailbox.flags = 1; /* overwrite */
    CHECK_THROWS(Queue(redis::shared_server(), "redis7", mailbox));
}

TEST_CASE("places: a damaged row is put up with")
{
    const char cursor = static_cast<char>(GENERATE(5, 77, 255));
    Placed queue;
    for (uint32_t place = 0; place < 2; place++) {
        queue.subscribe(place);
        queue.wait(place);
    }
    queue.poke(0, 0, cursor);
    queue.poke(0, 1, cursor);
    queue.poke(0, 2 + 2 * 4, '\xFF'); /* a place in which no client ever waited */
    CHECK(on_server::check(queue.bytes()).empty());
    queue.run("push", {"a"});
    CHECK(queue.heard() == "0");
    CHECK(queue.row(0) == "1: 0 1 0 0 255");
    queue.run("push", {"a"});
    queue.run("push", {"a"});
    CHECK(queue.heard() == "1");
    CHECK(queue.row(0) == "0: 0 0 0 0 0");
}

/* test_reply.cpp: replies of each verb: what is good becomes the call's outputs, what cannot be
 * is refused whole. Knows reply.h; no server.
 */
#include "catch.hpp"
#include "inside.hpp"

using inside::bulk;
using inside::Far;
using inside::little;
using inside::run;

namespace
{

constexpr uint32_t token = 10 << 8 | 1 << 2 | SLOTQ_STATE_LEASED;

std::string slot(const std::string &payload, unsigned room)
{
    return little(payload.size(), 2) + payload + std::string(room - payload.size(), '\0');
}

std::string leased(const std::vector<std::string> &pieces)
{
    std::string made = "*" + std::to_string(pieces.size()) + "\r\n";
    for (const std::string &piece : pieces) {
        made += bulk(piece);
    }
    return made;
}

} // namespace

TEST_CASE("reserve: runs, then their slots in one piece or more")
{
    Far far(inside::geometry(9, 4));
    const std::string runs = run(7, token, 2) + run(12, token + 4, 1);
    const std::string slots = slot("a", 4) + slot("bc", 4) + slot("", 4);
    for (const size_t cut : {size_t{0}, size_t{5}, size_t{6}, slots.size()}) {
        far.reserve(3);
        REQUIRE(far.take(leased({runs, slots.substr(0, cut), slots.substr(cut)})) == SLOTQ_OK);
        CHECK(far.call.reserve.run_count == 2);
        CHECK(far.call.reserve.message_count == 3);
        CHECK(far.runs[0].id == 7);
        CHECK(far.runs[0].count == 2);
        CHECK(far.runs[1].token == token + 4);
        CHECK(far.offsets[1] == 2 * far.view.stride);
        CHECK(far.harvest.base == far.harvest.copies);
        CHECK_FALSE(far.harvest.still);
        CHECK(std::memcmp(far.copies.data(), slots.data(), slots.size()) == 0);
    }
}

TEST_CASE("reserve: cut slots, in any strings, each goes where a whole one has its place")
{
    Far far(inside::geometry(9, 4));
    const std::string runs = run(7, token, 2) + run(12, token + 4, 2);
    const std::string damaged = little(5, 2); /* a length above payload_bytes */
    const std::vector<std::string> cut = {slot("a", 1), slot("bcde", 4), damaged, slot("", 0)};
    for (const auto &pieces :
         std::vector<std::vector<std::string>>{{runs, cut[0], cut[1], cut[2], cut[3]},
                                               {runs, cut[0] + cut[1] + cut[2] + cut[3]},
                                               {runs, cut[0] + cut[1], "", cut[2] + cut[3]}}) {
        far.reserve(4);
        REQUIRE(far.take(leased(pieces)) == SLOTQ_OK);
        CHECK(far.call.reserve.message_count == 4);
        CHECK(far.offsets[1] == 2 * far.view.stride);
        for (size_t i = 0; i < cut.size(); i++) {
            CHECK(std::memcmp(far.copies.data() + i * far.view.stride, cut[i].data(),
                              cut[i].size()) == 0);
        }
    }
    far.reserve(4);
    for (const auto &pieces : std::vector<std::vector<std::string>>{
             {runs, cut[0] + cut[1] + cut[2]},                        /* one is missing */
             {runs, cut[0] + cut[1] + cut[2] + cut[3] + cut[3]},      /* one too many */
             {runs, cut[0] + cut[1] + cut[2] + cut[3] + "x"},         /* half of one */
             {runs, cut[0] + "\4", "bcde" + cut[2] + cut[3]},         /* in two strings */
             {runs, cut[1].substr(0, 5), cut[0], cut[2] + cut[3]}}) { /* cut within it */
        CHECK(far.take(leased(pieces)) == SLOTQ_OUTCOME_UNKNOWN);
        CHECK(far.call.reserve.message_count == 0);
    }
}

TEST_CASE("reserve: nothing there, with and without waiting")
{
    Far far(inside::geometry(9, 4));
    far.terms.server_ahead_ms = 40;
    far.reserve(3);
    CHECK(far.take("*0\r\n") == SLOTQ_EMPTY);
    CHECK(far.take("+AGAIN\r\n") == SLOTQ_AGAIN);
    CHECK(far.take(":5000\r\n") == SLOTQ_OUTCOME_UNKNOWN); /* the call did not ask when */
    far.reserve(3, true);
    CHECK(far.take(":5000\r\n") == SLOTQ_EMPTY);
    CHECK(far.call.reserve.next_due_ms == 4960);
    CHECK(far.take(":-1\r\n") == SLOTQ_EMPTY);
    CHECK(far.call.reserve.next_due_ms == UINT64_MAX);
    CHECK(far.take("+AGAIN 7000\r\n") == SLOTQ_AGAIN);
    CHECK(far.call.reserve.next_due_ms == 6960);
    CHECK(far.take(":0\r\n") == SLOTQ_EMPTY);
    CHECK(far.call.reserve.next_due_ms == 0);
    far.terms.own_clock = true;
    CHECK(far.take(":5000\r\n") == SLOTQ_EMPTY);
    CHECK(far.call.reserve.next_due_ms == 5000);
}

TEST_CASE("reserve: what cannot be is refused, and nothing is leased by it")
{
    Far far(inside::geometry(9, 4));
    const std::string one = slot("a", 4);
    far.reserve(2, true);
    for (const std::string &wire :
         {leased({run(7, token, 1), one.substr(1)}),
          leased({run(7, token, 1), one + "x"}),
          leased({run(7, token, 1)}),
          leased({run(7, token, 1) + "x", one}),
          leased({"", one}),
          leased({"", ""}),
          leased({run(7, token, 0), ""}),
          leased({run(7, token, 3), one + one + one}),
          leased({run(7, token, 1) + run(9, token, 1) + run(11, token, 1), one + one + one}),
          leased({run(0, token, 1), one}),
          leased({run(SLOTQ_ID_MAX + 1, token, 1), one}),
          leased({run(SLOTQ_ID_MAX, token, 2), one + one}),
          leased({run(7, token & ~3U, 1), one}),
          leased({run(7, 0x101, 1), one}),
          leased({run(7, token, 65535), one}),
          std::string("*2\r\n:1\r\n:2\r\n"),
          std::string("*1\r\n*0\r\n"),
          bulk(one),
          std::string("+OK\r\n"),
          std::string("+AGAINST\r\n"),
          std::string("+AGAIN x\r\n"),
          std::string("+AGAIN 99999999999999999\r\n"),
          std::string(":-2\r\n"),
          std::string(":281474976710656\r\n"),
          std::string("$-1\r\n"),
          std::string("*-1\r\n"),
          "*2\r\n" + bulk(run(7, token, 1)) + ":5\r\n"}) {
        CHECK(far.take(wire) == SLOTQ_OUTCOME_UNKNOWN);
        CHECK(far.call.reserve.run_count == 0);
        CHECK(far.call.reserve.message_count == 0);
        CHECK(std::string(far.fault.text).find("not one that the script can give") !=
              std::string::npos);
    }
}

TEST_CASE("settle: an outcome per message, and which died")
{
    Far far(inside::geometry(9, 4));
    uint8_t outcomes[4] = {9, 9, 9, 9};
    const slotq_run asked[] = {{1, 3 << 2 | 1, 2}, {5, token, 2}};
    slotq_core_begin(&far.call, SLOTQ_NACK, 1000);
    far.call.settle = {};
    far.call.settle.runs = asked;
    far.call.settle.run_count = 2;
    far.call.settle.outcomes = outcomes;
    CHECK(far.take(bulk(std::string("\0\1\0\4", 4))) == SLOTQ_STALE);
    CHECK(far.call.settle.ok_count == 2);
    CHECK(far.call.settle.dead_count == 1); /* attempts 3 of 3 */
    CHECK(outcomes[3] == SLOTQ_DEADFULL);
    far.call.verb = SLOTQ_ACK;
    CHECK(far.take(bulk(std::string("\0\0\0\0", 4))) == SLOTQ_OK);
    CHECK(far.call.settle.dead_count == 0);
    for (const std::string &bytes :
         {std::string("\0\0\0", 3), std::string("\0\0\0\0\0", 5), std::string("\0\0\0\4", 4),
          std::string("\0\0\0\5", 4), std::string("\0\0\0\xff", 4)}) {
        CHECK(far.take(bulk(bytes)) == SLOTQ_OUTCOME_UNKNOWN);
    }
    CHECK(far.take(":4\r\n") == SLOTQ_OUTCOME_UNKNOWN);
}

TEST_CASE("extend: new tokens, or four times the outcome")
{
    Far far(inside::geometry(9, 4));
    uint32_t tokens[2] = {};
    const slotq_run asked = {1, token, 2};
    slotq_core_begin(&far.call, SLOTQ_EXTEND, 1000);
    far.call.settle = {};
    far.call.settle.runs = &asked;
    far.call.settle.run_count = 1;
    far.call.settle.tokens = tokens;
    CHECK(far.take(bulk(little(token + 256, 4) + little(4 * SLOTQ_GONE, 4))) == SLOTQ_GONE);
    CHECK(tokens[0] == token + 256);
    CHECK(tokens[1] == 4 * SLOTQ_GONE);
    CHECK(far.call.settle.ok_count == 1);
    for (const uint32_t word : {0U, 4U * SLOTQ_DEADFULL, 2U, 3U, 1U, 4U * 99}) {
        CHECK(far.take(bulk(little(token, 4) + little(word, 4))) == SLOTQ_OUTCOME_UNKNOWN);
    }
}

TEST_CASE("push: the first id, with room for all")
{
    Far far(inside::geometry(9, 4));
    slotq_core_begin(&far.call, SLOTQ_PUSH, 1000);
    far.call.push = {};
    far.call.push.count = 3;
    CHECK(far.take(":140737488355325\r\n") == SLOTQ_OK);
    CHECK(far.call.push.first_id == SLOTQ_ID_MAX - 2);
    for (const char *wire : {":0\r\n", ":-1\r\n", ":140737488355326\r\n", "+OK\r\n", "$1\r\nx\r\n",
                             "$0\r\n\r\n", "$16\r\n1111111111111111\r\n"}) {
        CHECK(far.take(wire) == SLOTQ_OUTCOME_UNKNOWN);
    }
    CHECK(far.take("-SLOTQFULL 4 8 2 1 1 0: full\r\n") == SLOTQ_FULL);
    CHECK(far.call.push.holder.id == 4);
    CHECK(far.call.push.holder.group == 1);
}

TEST_CASE("peek and the dead: items with their slots")
{
    Far far(inside::geometry(9, 4));
    far.look(SLOTQ_PEEK, 2);
    REQUIRE(far.take(bulk(little(3, 6) + little(token, 4) + slot("ab", 4))) == SLOTQ_OK);
    CHECK(far.call.look.count == 1);
    CHECK(far.items[0].id == 3);
    CHECK(far.items[0].state == SLOTQ_STATE_LEASED);
    CHECK(far.items[0].attempts == 1);
    CHECK(std::memcmp(far.copies.data(), "\2\0ab", 4) == 0);
    CHECK(far.take(bulk("")) == SLOTQ_EMPTY);
    const std::string one = little(3, 6) + little(token, 4) + slot("ab", 4);
    for (const std::string &bytes :
         {one + one + one, one + "x", one.substr(1), little(0, 6) + one.substr(6)}) {
        CHECK(far.take(bulk(bytes)) == SLOTQ_IO);
    }
    far.look(SLOTQ_DEAD_LIST, 2);
    const std::string dead = little(3, 6) + little(99, 6) + "\5\1\7" + std::string(1, '\0');
    REQUIRE(far.take(bulk(dead + slot("ab", 4))) == SLOTQ_OK);
    CHECK(far.items[0].died_at_ms == 99);
    CHECK(far.items[0].reason == 7);
    CHECK(far.items[0].group == 1);
    for (const auto &[at, byte] :
         {std::pair<size_t, char>{12, 0}, {12, 64}, {13, 2}, {11, '\x80'}}) {
        std::string wrong = dead;
        wrong[at] = byte;
        CHECK(far.take(bulk(wrong + slot("ab", 4))) == SLOTQ_IO);
    }
}

TEST_CASE("status: seven values, or an id that is not there")
{
    Far far(inside::geometry(9, 4));
    slotq_core_begin(&far.call, SLOTQ_STATUS, 1000);
    const std::string rest = ":0\r\n:2\r\n:5000\r\n:7\r\n:3\r\n:900\r\n";
    REQUIRE(far.take("*7\r\n$7\r\nWAITING\r\n" + rest) == SLOTQ_OK);
    CHECK(far.call.status.status.state == SLOTQ_STATE_WAITING);
    CHECK(far.call.status.status.attempts == 2);
    CHECK(far.call.status.status.deadline_ms == 5000);
    CHECK(far.call.status.status.position == 3);
    CHECK(far.call.status.status.pushed_ms == 900);
    CHECK(far.take("*7\r\n$8\r\nFINISHED\r\n" + rest) == SLOTQ_FINISHED);
    CHECK(far.take("*7\r\n$8\r\nNOTFOUND\r\n" + rest) == SLOTQ_NOTFOUND);
    for (const std::string &wire :
         {"*7\r\n$7\r\nWAITIN!\r\n" + rest, "*7\r\n:2\r\n" + rest, std::string("*0\r\n"),
          std::string("*7\r\n$4\r\nDONE\r\n:3\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n"),
          std::string("*7\r\n$4\r\nDONE\r\n:0\r\n:64\r\n:0\r\n:0\r\n:0\r\n:0\r\n"),
          std::string("*7\r\n$4\r\nDONE\r\n:0\r\n:0\r\n:-1\r\n:0\r\n:0\r\n:0\r\n"),
          std::string("*7\r\n$4\r\nDONE\r\n:0\r\n:0\r\n:0\r\n:0\r\n:65536\r\n:0\r\n")}) {
        CHECK(far.take(wire) == SLOTQ_IO);
    }
}

TEST_CASE("the small verbs: words and counts")
{
    Far far(inside::geometry(9, 4));
    slotq_core_begin(&far.call, SLOTQ_RECLAIM, 1000);
    CHECK(far.take("*3\r\n$5\r\nAGAIN\r\n:1\r\n:2\r\n") == SLOTQ_AGAIN);
    CHECK(far.call.reclaim.dead_count == 2);
    CHECK(far.take("*3\r\n$4\r\nFULL\r\n:1\r\n:2\r\n") == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(far.take("*3\r\n$2\r\nOK\r\n:10\r\n:2\r\n") == SLOTQ_OUTCOME_UNKNOWN);
    slotq_core_begin(&far.call, SLOTQ_REDRIVE, 1000);
    far.call.dead = {};
    far.call.dead.limit = 5;
    CHECK(far.take("*4\r\n$6\r\nPAUSED\r\n:4\r\n:2\r\n:1\r\n") == SLOTQ_PAUSED);
    CHECK(far.call.dead.count == 4);
    CHECK(far.call.dead.damaged == 1);
    CHECK(far.take("*4\r\n$2\r\nOK\r\n:4\r\n:2\r\n:2\r\n") == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(far.take("*4\r\n$2\r\nOK\r\n:6\r\n:2\r\n:0\r\n") == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(far.take("*4\r\n$2\r\nOK\r\n:0\r\n:2\r\n:0\r\n") == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(far.take("*3\r\n$2\r\nOK\r\n:4\r\n:2\r\n") == SLOTQ_OUTCOME_UNKNOWN);
    slotq_core_begin(&far.call, SLOTQ_REMOVE, 1000);
    CHECK(far.take("+LEASED\r\n") == SLOTQ_LEASED);
    CHECK(far.take("+NOTFOUND\r\n") == SLOTQ_NOTFOUND);
    CHECK(far.take("+EMPTY\r\n") == SLOTQ_OUTCOME_UNKNOWN);
    slotq_core_begin(&far.call, SLOTQ_PURGE, 1000);
    CHECK(far.take("+OK\r\n") == SLOTQ_OK);
    CHECK(far.take("+GONE\r\n") == SLOTQ_OUTCOME_UNKNOWN);
    slotq_core_begin(&far.call, SLOTQ_DEAD_PURGE, 1000);
    CHECK(far.take(":10\r\n") == SLOTQ_OK);
    CHECK(far.take(":11\r\n") == SLOTQ_OUTCOME_UNKNOWN);
    slotq_core_begin(&far.call, SLOTQ_STATS, 1000);
    CHECK(far.take("*0\r\n") == SLOTQ_IO);
    CHECK(far.take("*2\r\n$7\r\nlast_id\r\n:1\r\n") == SLOTQ_IO);
}

TEST_CASE("arrays in arrays are read down to a depth that can be freed again")
{
    redis_connection connection = {};
    std::unique_ptr<redisReader, void (*)(redisReader *)> reader(redisReaderCreate(),
                                                                 redisReaderFree);
    redis_connection_bound(&connection, reader.get());
    const std::string wire = "*1\r\n*1\r\n*1\r\n:7\r\n";
    void *parsed = nullptr;
    REQUIRE(redisReaderFeed(reader.get(), wire.data(), wire.size()) == REDIS_OK);
    REQUIRE(redisReaderGetReply(reader.get(), &parsed) == REDIS_OK);
    REQUIRE(parsed != nullptr);
    freeReplyObject(parsed);
    /* deeper than some versions of hiredis go by themselves */
    std::vector<redisReadTask> tasks(100);
    std::vector<redisReply> around(100);
    for (size_t i = 0; i < tasks.size(); i++) {
        tasks[i] = {};
        around[i] = {};
        around[i].type = REDIS_REPLY_ARRAY;
        tasks[i].type = REDIS_REPLY_ARRAY;
        tasks[i].obj = &around[i];
        tasks[i].parent = i > 0 ? &tasks[i - 1] : nullptr;
        tasks[i].privdata = &connection;
    }
    redisReply *place[1] = {};
    around[98].element = place;
    void *made = connection.functions.createArray(&tasks[99], 1);
    freeReplyObject(made);
    CHECK(made == nullptr);
}

TEST_CASE("the elements of a reply are bounded, those of a connection's life are not")
{
    redis_connection connection = {};
    std::unique_ptr<redisReader, void (*)(redisReader *)> reader(redisReaderCreate(),
                                                                 redisReaderFree);
    redis_connection_bound(&connection, reader.get());
    std::string half = "*600000\r\n";
    for (int i = 0; i < 600000; i++) {
        half += ":1\r\n";
    }
    /* read by hiredis alone, as callers do that have its context */
    for (int i = 0; i < 4; i++) {
        void *parsed = nullptr;
        REQUIRE(redisReaderFeed(reader.get(), half.data(), half.size()) == REDIS_OK);
        REQUIRE(redisReaderGetReply(reader.get(), &parsed) == REDIS_OK);
        REQUIRE(parsed != nullptr);
        CHECK(static_cast<redisReply *>(parsed)->elements == 600000);
        freeReplyObject(parsed);
    }
    const std::string whole = "*2\r\n" + half + half;
    void *parsed = nullptr;
    REQUIRE(redisReaderFeed(reader.get(), whole.data(), whole.size()) == REDIS_OK);
    CHECK(redisReaderGetReply(reader.get(), &parsed) == REDIS_ERR);
    CHECK(parsed == nullptr);
}

TEST_CASE("push and schedule: a key that is taken, as far as a queue can say that")
{
    Far far(inside::geometry(9, 4, SLOTQ_FLAG_KEYS));
    const slotq_data messages[] = {{"a", 1}, {"b", 1}, {"c", 1}};
    const uint64_t keys[] = {0, 5, 7};
    const auto answer = [](const char *text, int64_t message, int64_t place, int64_t id,
                           int64_t unfinished) {
        std::string wire = "*5\r\n+" + std::string(text) + "\r\n";
        for (const int64_t value : {message, place, id, unfinished}) {
            wire += ":" + std::to_string(value) + "\r\n";
        }
        return wire;
    };
    const auto expect = [&](const slotq_key_holder &taken) {
        CHECK(taken.message == 2);
        CHECK(taken.place == SLOTQ_KEY_ASIDE);
        CHECK(taken.id == 99);
        CHECK_FALSE(taken.is_unfinished);
    };
    slotq_core_begin(&far.call, SLOTQ_SCHEDULE, 1000);
    far.call.schedule = {};
    far.call.schedule.messages = messages;
    far.call.schedule.keys = keys;
    far.call.schedule.count = 3;
    far.call.schedule.key_mode = SLOTQ_KEY_ONCE;
    CHECK(far.take(answer("DUPLICATE", 2, 1, 99, 0)) == SLOTQ_DUPLICATE);
    expect(far.call.schedule.taken);
    slotq_core_begin(&far.call, SLOTQ_PUSH, 1000);
    far.call.push = {};
    far.call.push.messages = messages;
    far.call.push.keys = keys;
    far.call.push.count = 3;
    far.call.push.key_mode = SLOTQ_KEY_ONCE;
    CHECK(far.take(answer("DUPLICATE", 2, 1, 99, 0)) == SLOTQ_DUPLICATE);
    expect(far.call.push.taken);
    CHECK(far.take(answer("DUPLICATE", 1, 2, 4294967295, 1)) == SLOTQ_DUPLICATE);
    far.call.push.taken = {};
    for (const std::string &wire :
         {answer("OK", 2, 1, 99, 0), answer("DUPLICATE", 0, 1, 99, 0), /* it has no key */
          answer("DUPLICATE", 3, 1, 99, 0), answer("DUPLICATE", -1, 1, 99, 0),
          answer("DUPLICATE", 2, 3, 99, 0), answer("DUPLICATE", 2, 1, 0, 0),
          answer("DUPLICATE", 2, 1, 99, 2), answer("DUPLICATE", 2, 2, 4294967296, 1),
          answer("DUPLICATE", 2, 2, 99, 0), /* scheduled, and finished */
          answer("DUPLICATE", 2, 0, int64_t{SLOTQ_ID_MAX} + 1, 0), std::string("+DUPLICATE\r\n"),
          std::string("*0\r\n"), std::string("*1\r\n+DUPLICATE\r\n")}) {
        CAPTURE(wire);
        CHECK(far.take(wire) == SLOTQ_OUTCOME_UNKNOWN);
        CHECK(far.call.push.taken.id == 0);
    }
    far.call.push.key_mode = SLOTQ_KEY_UNIQUE;
    CHECK(far.take(answer("DUPLICATE", 2, 1, 99, 0)) == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(far.take(answer("DUPLICATE", 2, 1, 99, 1)) == SLOTQ_DUPLICATE);
    far.call.push.key_mode = SLOTQ_KEY_RESEND; /* judges only the first */
    CHECK(far.take(answer("DUPLICATE", 2, 1, 99, 1)) == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(far.take("-SLOTQINVALID two messages\r\n") == SLOTQ_INVALID);
    far.call.push.keys = nullptr;
    CHECK(far.take(answer("DUPLICATE", 2, 1, 99, 1)) == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(far.take("-SLOTQINVALID two messages\r\n") != SLOTQ_INVALID);
}

TEST_CASE("finish: the last id of a closed queue, or not yet")
{
    Far far(inside::geometry(9, 4, 0));
    slotq_core_begin(&far.call, SLOTQ_FINISH, 1000);
    CHECK(far.take(":0\r\n") == SLOTQ_OK);
    CHECK(far.take(":140737488355327\r\n") == SLOTQ_OK);
    CHECK(far.call.finish.last_id == SLOTQ_ID_MAX);
    CHECK(far.take("+UNFINISHED\r\n") == SLOTQ_UNFINISHED);
    for (const char *wire :
         {":140737488355328\r\n", ":-1\r\n", "+OK\r\n", "$1\r\nx\r\n", "*0\r\n"}) {
        CHECK(far.take(wire) == SLOTQ_IO); /* it changes nothing */
    }
}

TEST_CASE("find: where a key is, or not there")
{
    Far far(inside::geometry(9, 4, SLOTQ_FLAG_KEYS));
    slotq_core_begin(&far.call, SLOTQ_FIND, 1000);
    far.call.find = {};
    far.call.find.key = 1;
    CHECK(far.take("*4\r\n+OK\r\n:2\r\n:7\r\n:1\r\n") == SLOTQ_OK);
    CHECK(far.call.find.holder.place == SLOTQ_KEY_SCHEDULED);
    CHECK(far.call.find.holder.id == 7);
    CHECK(far.call.find.holder.is_unfinished);
    CHECK(far.take("*4\r\n+NOTFOUND\r\n:0\r\n:0\r\n:0\r\n") == SLOTQ_NOTFOUND);
    CHECK(far.call.find.holder.id == 0);
    for (const char *wire :
         {"*4\r\n+OK\r\n:0\r\n:0\r\n:0\r\n", "*4\r\n+GONE\r\n:0\r\n:7\r\n:0\r\n",
          "*3\r\n+OK\r\n:0\r\n:7\r\n", "*4\r\n+OK\r\n:9\r\n:7\r\n:0\r\n", "+OK\r\n"}) {
        CAPTURE(wire);
        CHECK(far.take(wire) == SLOTQ_IO); /* it changes nothing */
    }
}

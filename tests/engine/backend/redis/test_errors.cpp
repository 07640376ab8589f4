/* test_errors.cpp: what error replies mean: answers of the queue, refusals, and what leaves open
 * whether it happened. Knows errors.h; no server.
 */
#include "catch.hpp"
#include "inside.hpp"

namespace
{

struct Case {
    const char *text;
    slotq_outcome writing;
    slotq_outcome reading;
};

const char inside_7[] = " script: 1a2b, on @user_script:3.";

const Case cases[] = {
    {"SLOTQPAUSED the queue is paused", SLOTQ_PAUSED, SLOTQ_PAUSED},
    {"SLOTQCLOSED the queue is closed", SLOTQ_CLOSED, SLOTQ_CLOSED},
    {"SLOTQTOOBIG x", SLOTQ_TOOBIG, SLOTQ_TOOBIG},
    {"SLOTQINVALID lease_ms must be 1 to 5", SLOTQ_INVALID, SLOTQ_INVALID},
    {"SLOTQNOQUEUE no such queue", SLOTQ_NOQUEUE, SLOTQ_NOQUEUE},
    {"SLOTQEXISTS x", SLOTQ_EXISTS, SLOTQ_EXISTS},
    {"SLOTQFULL 0 0 0 0 0 0: full", SLOTQ_FULL, SLOTQ_FULL},
    {"SLOTQCORRUPT 6 header.tail is not below ring_slots", SLOTQ_CORRUPT, SLOTQ_CORRUPT},
    {"SLOTQSHARDED the name is that of a sharded queue", SLOTQ_SHARDED, SLOTQ_SHARDED},
    {"SLOTQVERSION another", SLOTQ_VERSION, SLOTQ_VERSION},
    {"OOM command not allowed when used memory > 'maxmemory'.", SLOTQ_IO, SLOTQ_IO},
    {"READONLY You can't write against a read only replica.", SLOTQ_IO, SLOTQ_IO},
    {"LOADING Redis is loading the dataset in memory", SLOTQ_CONNECT, SLOTQ_CONNECT},
    {"BUSY Redis is busy running a script.", SLOTQ_IO, SLOTQ_IO},
    {"CLUSTERDOWN The cluster is down", SLOTQ_IO, SLOTQ_IO},
    {"MISCONF Redis is configured to save RDB snapshots", SLOTQ_IO, SLOTQ_IO},
    {"MASTERDOWN Link with MASTER is down", SLOTQ_IO, SLOTQ_IO},
    {"NOREPLICAS Not enough good replicas to write.", SLOTQ_IO, SLOTQ_IO},
    {"NOPERM this user has no permissions", SLOTQ_IO, SLOTQ_IO},
    {"NOAUTH Authentication required.", SLOTQ_CONNECT, SLOTQ_CONNECT},
    {"WRONGPASS invalid username-password pair", SLOTQ_CONNECT, SLOTQ_CONNECT},
    {"MOVED 3999 127.0.0.1:6381", SLOTQ_IO, SLOTQ_IO},
    {"ERR unknown command 'EVALSHA'", SLOTQ_UNSUPPORTED, SLOTQ_UNSUPPORTED},
    {"ERR something new", SLOTQ_IO, SLOTQ_IO},
    {"", SLOTQ_IO, SLOTQ_IO},
};

} // namespace

TEST_CASE("a code or a refusal has its outcome; refused means that nothing happened")
{
    for (const Case &one : cases) {
        INFO(one.text);
        for (const bool writes : {true, false}) {
            redis_error error;
            store_fault fault = {};
            const inside::Reply reply = inside::reply("-" + std::string(one.text) + "\r\n");
            CHECK(redis_error_take(reply.get(), writes, &error, &fault) ==
                  (writes ? one.writing : one.reading));
            CHECK(fault.text[0] != '\0');
        }
    }
}

TEST_CASE("the same words from inside a script leave open whether it happened")
{
    for (const char *text :
         {"OOM x", "MISCONF Errors writing to the AOF file: No space left on device", "NOPERM x",
          "NOREPLICAS Not enough good replicas to write.", "ERR whatever", "CLUSTERDOWN x"}) {
        redis_error error;
        store_fault fault = {};
        const inside::Reply new_kind = inside::reply("-" + std::string(text) + inside_7 + "\r\n");
        const inside::Reply old_kind = inside::reply(
            "-ERR Error running script (call to f_1a2b): @user_script:9: " + std::string(text) +
            "\r\n");
        for (const inside::Reply *reply : {&new_kind, &old_kind}) {
            CHECK(redis_error_take(reply->get(), true, &error, &fault) == SLOTQ_OUTCOME_UNKNOWN);
            CHECK_FALSE(fault.passes);
            CHECK(redis_error_take(reply->get(), false, &error, &fault) == SLOTQ_IO);
        }
    }
}

TEST_CASE("what a server refuses at the first write of a script alone did not happen")
{
    struct {
        const char *text;
        slotq_cause cause;
        bool passes;
    } const told[] = {
        {"READONLY You can't write against a read only replica.", SLOTQ_CAUSE_ROLE, true},
        {"OOM command not allowed when used memory > 'maxmemory'.", SLOTQ_CAUSE_MEMORY, false},
        {"MISCONF Redis is configured to save RDB snapshots, but", SLOTQ_CAUSE_REFUSED, true},
    };
    for (const auto &one : told) {
        const std::string text = one.text;
        /* Redis 5 and 6 name the line twice: where the command was, and where the error ended */
        for (const std::string &said :
             {text + inside_7,
              "ERR Error running script (call to f_1a2b): @user_script:9: @user_script: 7: -" +
                  text + " "}) {
            INFO(said);
            redis_error error;
            store_fault fault = {};
            const inside::Reply reply = inside::reply("-" + said + "\r\n");
            CHECK(redis_error_take(reply.get(), true, &error, &fault) == SLOTQ_IO);
            CHECK(fault.cause == one.cause);
            CHECK(fault.passes == one.passes);
        }
    }
}

TEST_CASE("a refusal tells whether it passes and what stood in the way")
{
    struct {
        const char *text;
        slotq_cause cause;
        bool passes;
    } const told[] = {
        {"BUSY Redis is busy running a script.", SLOTQ_CAUSE_REFUSED, true},
        {"NOREPLICAS Not enough good replicas to write.", SLOTQ_CAUSE_REFUSED, true},
        {"MISCONF Redis is configured to save RDB", SLOTQ_CAUSE_REFUSED, true},
        {"LOADING Redis is loading", SLOTQ_CAUSE_REFUSED, true},
        {"TRYAGAIN Multiple keys request", SLOTQ_CAUSE_REFUSED, true},
        {"CLUSTERDOWN Hash slot not served", SLOTQ_CAUSE_REFUSED, true},
        {"ERR max number of clients reached", SLOTQ_CAUSE_REFUSED, true},
        {"READONLY You can't write against", SLOTQ_CAUSE_ROLE, true},
        {"MASTERDOWN Link with MASTER is down", SLOTQ_CAUSE_ROLE, true},
        {"OOM command not allowed", SLOTQ_CAUSE_MEMORY, false},
        {"MOVED 3999 127.0.0.1:6381", SLOTQ_CAUSE_NODE, true},
        {"ASK 3999 127.0.0.1:6381", SLOTQ_CAUSE_NODE, true},
        {"ERR unknown command 'UNLINK'", SLOTQ_CAUSE_COMMAND, false},
        {"NOPERM this user has no permissions", SLOTQ_CAUSE_RIGHTS, false},
        {"WRONGPASS invalid username-password pair", SLOTQ_CAUSE_RIGHTS, false},
        {"NOAUTH Authentication required.", SLOTQ_CAUSE_RIGHTS, false},
        {"ERR something new", SLOTQ_CAUSE_REFUSED, false},
        {"SLOTQNOQUEUE no such queue", SLOTQ_CAUSE_QUEUE, false},
    };
    for (const auto &one : told) {
        INFO(one.text);
        redis_error error;
        store_fault fault = {};
        const inside::Reply reply = inside::reply("-" + std::string(one.text) + "\r\n");
        (void)redis_error_take(reply.get(), true, &error, &fault);
        CHECK(fault.cause == one.cause);
        CHECK(fault.passes == one.passes);
    }
}

TEST_CASE("the wrong type is the first thing that a script sees: nothing was written")
{
    redis_error error;
    store_fault fault = {};
    const inside::Reply reply =
        inside::reply("-WRONGTYPE Operation against a key" + std::string(inside_7) + "\r\n");
    CHECK(redis_error_take(reply.get(), true, &error, &fault) == SLOTQ_CORRUPT);
    const inside::Reply old_kind = inside::reply(
        "-ERR Error running script (call to f_1a2b): @user_script:1: WRONGTYPE Operation\r\n");
    CHECK(redis_error_take(old_kind.get(), true, &error, &fault) == SLOTQ_CORRUPT);
}

TEST_CASE("FULL names the holder, CORRUPT the offset")
{
    redis_error error;
    store_fault fault = {};
    inside::Reply reply = inside::reply("-SLOTQFULL 140737488355327 65535 7 15 2 1: full\r\n");
    REQUIRE(redis_error_take(reply.get(), true, &error, &fault) == SLOTQ_FULL);
    CHECK(error.holder.id == SLOTQ_ID_MAX);
    CHECK(error.holder.held == 65535);
    CHECK(error.holder.unfinished == 7);
    CHECK(error.holder.group == 15);
    CHECK(error.holder.state == SLOTQ_STATE_WAITING);
    reply = inside::reply("-SLOTQCORRUPT 66 group.cursor\x01 is outside\r\n");
    REQUIRE(redis_error_take(reply.get(), true, &error, &fault) == SLOTQ_CORRUPT);
    CHECK(error.damage.offset == 66);
    CHECK(fault.offset == 66);
    CHECK(std::string(fault.text).find("group.cursor? is outside") != std::string::npos);
}

TEST_CASE("the outcome's own text, which scripts say too, stands once")
{
    redis_error error;
    store_fault fault = {};
    inside::Reply reply = inside::reply("-SLOTQCORRUPT 5 the bytes are damaged: short\r\n");
    REQUIRE(redis_error_take(reply.get(), true, &error, &fault) == SLOTQ_CORRUPT);
    CHECK(std::string(fault.text).find("the queue is damaged at byte 5: short.") == 0);
    reply = inside::reply("-SLOTQVERSION the format version is not supported: these scripts read "
                           "version 1\r\n");
    REQUIRE(redis_error_take(reply.get(), true, &error, &fault) == SLOTQ_VERSION);
    CHECK(std::string(fault.text).find("the queue is of another version: these scripts read "
                                       "version 1. Nothing was written.") == 0);
}

TEST_CASE("a code with numbers that cannot be is not one that the script can give")
{
    for (const char *text :
         {"SLOTQFULL", "SLOTQFULL 1 2 3 4", "SLOTQFULL 1 65536 0 0 0 0: x",
          "SLOTQFULL 1 1 1 16 0 0: x",
          "SLOTQFULL 1 1 1 0 4 0: x", "SLOTQFULL -1 1 1 0 0 0: x",
          "SLOTQFULL 1 1 1 0 0 2: x", "SLOTQFULL 1 1 1 0 0: x",
          "SLOTQFULL 99999999999999999999999 "
          "1 1 0 0: x",
          "SLOTQCORRUPT", "SLOTQCORRUPT x", "SLOTQCORRUPT 536870913 x"}) {
        INFO(text);
        redis_error error;
        store_fault fault = {};
        const inside::Reply reply = inside::reply("-" + std::string(text) + "\r\n");
        CHECK(redis_error_take(reply.get(), true, &error, &fault) == SLOTQ_IO);
        CHECK(std::string(fault.text).find("not one that the script can") != std::string::npos);
    }
}

TEST_CASE("a server's text is shown short and printable")
{
    redis_error error;
    store_fault fault = {};
    const std::string noise = std::string(4000, 'x') + "\x1b[31m";
    const inside::Reply reply = inside::reply("-ERR \x1b[2J" + noise + "\r\n");
    CHECK(redis_error_take(reply.get(), true, &error, &fault) == SLOTQ_IO);
    CHECK(std::string(fault.text).find('\x1b') == std::string::npos);
    CHECK(std::strlen(fault.text) < sizeof fault.text);
}

TEST_CASE("a long text of a server is cut behind a word, and the remedy follows whole")
{
    redis_error error;
    store_fault fault = {};
    std::string words = "BUSY";
    for (int i = 0; i < 200; i++) {
        words += " word" + std::to_string(i);
    }
    const inside::Reply reply = inside::reply("-" + words + "\r\n");
    CHECK(redis_error_take(reply.get(), true, &error, &fault) == SLOTQ_IO);
    const std::string text = fault.text;
    CHECK(text.find(" ...") != std::string::npos);
    CHECK(text.find("SCRIPT KILL") == text.size() - std::string("SCRIPT KILL").size());
    const std::string shown = text.substr(text.find("BUSY"), text.find(" ...") - text.find("BUSY"));
    CHECK(words.compare(0, shown.size() + 1, shown + " ") == 0);
}

TEST_CASE("an error that is longer than its room ends behind a word")
{
    store_fault fault = {};
    std::string words;
    for (int i = 0; i < 1000; i++) {
        words += "word" + std::to_string(i) + " ";
    }
    fault_say(&fault, SLOTQ_IO, "%s", words.c_str());
    const std::string text = fault.text;
    REQUIRE(text.size() > 500);
    REQUIRE(text.substr(text.size() - 4) == " ...");
    const std::string kept = text.substr(0, text.size() - 3);
    CHECK(words.compare(0, kept.size(), kept) == 0);
}

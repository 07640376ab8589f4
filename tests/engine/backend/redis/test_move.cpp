/* test_move.cpp: the script move as arguments, and its replies: what is good becomes the move's
 * outputs, what cannot be is unknown. Knows request.h and reply_move.h; no server.
 */
#include "catch.hpp"
#include "inside.hpp"

using inside::bulk;
using inside::Far;
using inside::little;

namespace
{

struct Move : store_move {
    store_fault fault = {};

    Move() : store_move{}
    {
        id = 7;
        token = 2561;
        group = 1;
    }
    slotq_outcome take(const std::string &wire)
    {
        return redis_reply_take_move(this, inside::reply(wire).get(), &fault);
    }
};

} // namespace

TEST_CASE("move: the arguments are both keys, both geometries, the token, the slot")
{
    Far from(inside::geometry(9, 4));
    Far to(inside::geometry(5, 6, SLOTQ_FLAG_STAMPS));
    const std::string geometries[] = {std::string(36, 'f'), std::string(36, 't')};
    from.terms.geometry = reinterpret_cast<const uint8_t *>(geometries[0].data());
    to.terms.geometry = reinterpret_cast<const uint8_t *>(geometries[1].data());
    to.terms.key = "later";
    to.terms.key_bytes = 5;
    redis_request request = {};
    Move move;
    const slotq_data data = {"abc", 3};
    move.now_ms = 123456;
    const auto argument = [&](uint32_t i) {
        return std::string(request.arguments[i], request.lengths[i]);
    };
    REQUIRE(redis_request_move(&request, &from.terms, &to.terms, &move) == SLOTQ_OK);
    CHECK(std::string(request.key_count) == "2");
    REQUIRE(request.count == 10);
    const std::string wanted[] = {"jobs", "later", geometries[0], geometries[1], "1", "7", "2561"};
    for (uint32_t i = 0; i < 7; i++) {
        CHECK(argument(3 + i) == wanted[i]);
    }
    move.data = &data;
    from.terms.own_clock = true;
    REQUIRE(redis_request_move(&request, &from.terms, &to.terms, &move) == SLOTQ_OK);
    REQUIRE(request.count == 13);
    CHECK(argument(5) == geometries[0] + "123456");
    CHECK(argument(10).empty());
    CHECK(argument(11) == "slot");
    CHECK(argument(12) == little(3, 2) + little(1234, 4) + "abc");
    const slotq_data large = {"abcdefg", 7};
    move.data = &large;
    CHECK(redis_request_move(&request, &from.terms, &to.terms, &move) == SLOTQ_TOOBIG);
    CHECK(move.target_refused);
    redis_request_free(&request);
}

TEST_CASE("move: good replies")
{
    Move move;
    CHECK(move.take(":12\r\n") == SLOTQ_OK);
    CHECK(move.new_id == 12);
    CHECK(move.take("+STALE\r\n") == SLOTQ_STALE);
    CHECK(move.take("+GONE\r\n") == SLOTQ_GONE);
    CHECK(move.take("+NOTFOUND\r\n") == SLOTQ_NOTFOUND);
    CHECK_FALSE(move.target_refused);
}

TEST_CASE("move: replies that the script cannot give are unknown")
{
    Move move;
    for (const std::string &wire :
         {std::string(":0\r\n"), std::string(":-1\r\n"), std::string(":140737488355328\r\n"),
          bulk("x"), std::string("+OK\r\n"), std::string("+DEADFULL\r\n"), std::string("*0\r\n"),
          std::string("$-1\r\n"), std::string("*5\r\n+DUPLICATE\r\n:0\r\n:0\r\n:5\r\n:1\r\n")}) {
        CAPTURE(wire);
        CHECK(move.take(wire) == SLOTQ_OUTCOME_UNKNOWN);
        CHECK(move.new_id == 0);
    }
}

TEST_CASE("move: an error says which queue refused, and its text does not")
{
    Move move;
    CHECK(move.take("-SLOTQFULL 3 8 7 1 2 1: the queue is full [target]\r\n") == SLOTQ_FULL);
    CHECK(move.target_refused);
    CHECK(move.holder.id == 3);
    CHECK(move.holder.group == 1);
    CHECK(move.holder.dead_full);
    CHECK(move.take("-SLOTQCORRUPT 44 the bytes are damaged: paused [source]\r\n") ==
          SLOTQ_CORRUPT);
    CHECK_FALSE(move.target_refused);
    CHECK(move.fault.offset == 44);
    CHECK(std::string(move.fault.text).find('[') == std::string::npos);
    CHECK(move.take("-SLOTQTOOBIG larger: at most 4 bytes [target]\r\n") == SLOTQ_TOOBIG);
    CHECK(std::string(move.fault.text) == "larger: at most 4 bytes");
    CHECK(move.take("-SLOTQREMADE another queue [source]\r\n") == SLOTQ_REMADE);
    CHECK_FALSE(move.target_refused);
    CHECK(move.take("-OOM command not allowed\r\n") == SLOTQ_IO);
    CHECK(move.take("-ERR odd script: 1\r\n") == SLOTQ_OUTCOME_UNKNOWN);
    CHECK(move.take("- [target]\r\n") >= SLOTQ_FAILURES);
}

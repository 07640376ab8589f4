/* test_parity_places.cpp: see parity_play.hpp. Here: calls that name a place. The core has no rows:
 * what they hold is the server's alone, and no verb may do anything else because of them.
 */
#include "parity_play.hpp"

namespace parity
{

using redis::Arguments;
using redis::Reply;

/* At times the call names a place, behind its argument wait. */
void Play::put_place(Arguments &arguments, uint32_t wait_at)
{
    const uint32_t places = image_.geometry().places;
    if (arguments.size() <= wait_at || places == 0 || choices_.one_in(3)) {
        return;
    }
    arguments.push_back(std::to_string(choices_.small(places)));
}

/* The reply of a caller that waits at a place: a time that is later by 10 ms for each that waits
 * before it, and whether its place was set, how many others are, how many come before. Rows are the
 * server's alone: the core has none. */
Reply Play::without_rank(const Reply &expected, const Reply &got) const
{
    if (script_ == "unwait" && got.is_integer(1)) {
        return expected;
    }
    if (got.kind == Reply::Kind::status && expected.kind == Reply::Kind::status) {
        const size_t first = got.text.find(' ');
        const size_t second = first == std::string::npos ? first : got.text.find(' ', first + 1);
        return status_reply(got.text.substr(0, second)); /* LIMITED ms kept others before */
    }
    if (got.kind != Reply::Kind::array || got.items.size() != 4 ||
        expected.kind != Reply::Kind::integer || got.items[1].kind != Reply::Kind::integer ||
        got.items[1].integer < 0 || got.items[1].integer > 1 ||
        got.items[2].integer >= image_.geometry().places ||
        got.items[3].integer > got.items[2].integer) {
        return got;
    }
    const int64_t later = got.items[0].integer - expected.integer;
    const bool none = expected.integer == -1;
    return later == (none ? 0 : 10 * got.items[3].integer) ? expected : got.items[0];
}

/* What a reply says of the bell, which the core says in its call. *fault: how these differ. */
Reply Play::without_ring(const Reply &got, std::string &fault) const
{
    const slotq_nudge &nudge = image_.nudge();
    const bool rings = got.kind == Reply::Kind::array && got.items.size() == 5 &&
                       got.items[0].is_status("RING");
    const bool may_ring = script_ != "unwait" && got.kind != Reply::Kind::error;
    const bool counts = image_.geometry().places == 0; /* the core counts more where rows are */
    if (may_ring && rings != (nudge.need > 0)) {
        fault = rings ? "rings, and the core does not" : "does not ring, and the core does";
    } else if (rings && may_ring && counts && !got.items[1].is_integer(nudge.counter)) {
        fault = "another counter than " + std::to_string(nudge.counter);
    } else if (rings && may_ring && image_.geometry().groups == 1 && !got.items[2].is_integer(0)) {
        fault = "another group";
    }
    return rings ? got.items[4] : got;
}

/* A push tells how full a shard is; the core says it in its call. */
Reply Play::without_fill(const Reply &got, std::string &fault) const
{
    const bool tells = image_.geometry().set > 0 && script_.rfind("push", 0) == 0 &&
                       got.kind != Reply::Kind::error &&
                       (got.items.empty() || got.items[0].kind == Reply::Kind::integer);
    if (!tells) {
        return got;
    }
    if (got.items.size() != 3 || !got.items[1].is_integer(image_.pushed_used())) {
        fault = "does not tell " + std::to_string(image_.pushed_used()) + " messages in the ring";
        return got;
    }
    return got.items[0];
}

std::string Play::unwait()
{
    const uint32_t groups = image_.geometry().groups;
    const uint32_t places = image_.geometry().places;
    const uint32_t row = choices_.small(groups + 1);
    Arguments arguments = {""};
    arguments.push_back(row == groups ? "room" : std::to_string(row));
    arguments.push_back(std::to_string(places == 0 ? 0 : choices_.small(places)));
    send("unwait", arguments);
    Reply reply = integer_reply(0); /* or 1: rows are the server's alone */
    return compare(reply);
}

} // namespace parity

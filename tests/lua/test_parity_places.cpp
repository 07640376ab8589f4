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
 * before it, and whether its place was set. Rows are the server's alone: the core has none. */
Reply Play::without_rank(const Reply &expected, const Reply &got) const
{
    if (got.kind != Reply::Kind::array || got.items.size() != 2 ||
        expected.kind != Reply::Kind::integer || got.items[1].kind != Reply::Kind::integer ||
        got.items[1].integer < 0 || got.items[1].integer > 1) {
        return got;
    }
    const int64_t later = got.items[0].integer - expected.integer;
    const bool fits = later % 10 == 0 && later >= 0 && later < 10 * image_.geometry().places;
    const bool none = expected.integer == -1;
    return (none ? later == 0 : fits) ? expected : got.items[0];
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
    Reply reply;
    reply.kind = Reply::Kind::status;
    reply.text = "OK";
    return compare(reply);
}

} // namespace parity

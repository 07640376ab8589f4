/* test_first_write.cpp: what a real server refuses inside the scripts for older servers, which it
 * runs before it looks at its state: nothing was written, and the reply is judged so.
 */
#include "inside.hpp"
#include "server/riding.hpp"

using namespace riding;

namespace
{

struct State {
    const char *name;
    void (*enter)(Server &server);
    slotq_cause cause;
    bool passes;
};

const State states[] = {
    {"full",
     [](Server &server) {
         server.command({"CONFIG", "SET", "maxmemory", "1"});
     },
     SLOTQ_CAUSE_MEMORY, false},
    {"cannot save", fail_to_save, SLOTQ_CAUSE_REFUSED, true},
    {"a replica",
     [](Server &server) {
         server.command({"REPLICAOF", "127.0.0.1", "1"});
     },
     SLOTQ_CAUSE_ROLE, true},
};

} // namespace

TEST_CASE("the scripts for older servers are refused at their first write, and it is told so")
{
    for (const State &state : states) {
        Server server({"--enable-protected-configs", "yes"});
        make(url_of(server));
        const auto connection = server.connect();
        redis::Scripts scripts(*connection, "plain");
        REQUIRE_FALSE(scripts.run("push", "q", {"", "before"}).is_error());
        state.enter(server);
        const std::string bytes = connection->command({"GET", "q"}).text;
        const redis::Reply reply = scripts.run("push", "q", {"", "refused"});
        INFO(state.name << ": " << reply.told());
        CHECK(reply.is_error());
        CHECK(reply.text.find("script: ") != std::string::npos);
        CHECK(connection->command({"GET", "q"}).text == bytes);
        redis_error error;
        store_fault fault = {};
        const inside::Reply wire = inside::reply("-" + reply.text + "\r\n");
        CHECK(redis_error_take(wire.get(), true, &error, &fault) == SLOTQ_IO);
        CHECK(fault.cause == state.cause);
        CHECK(fault.passes == state.passes);
    }
}

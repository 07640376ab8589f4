/* on_server.hpp: a queue made by the scripts on a server, and for each script a call that has
 * something to do. What tests share that bend the server or the bytes; judges nothing.
 */
#ifndef TESTS_LUA_ON_SERVER_HPP
#define TESTS_LUA_ON_SERVER_HPP

#include <string>
#include <vector>

#include "../support/server/redis_server.hpp"

namespace on_server
{

using redis::Arguments;
using redis::Reply;

constexpr uint64_t now_ms = 1700000000000;
/* Of what prepare schedules. */
constexpr uint64_t due_ms = now_ms + 100000000;

/* Every script on one queue that there must be. */
const std::vector<std::string> &all_scripts();
/* Those that only look. */
bool only_reads(const std::string &script);
/* Those that may write, but whose sample finds nothing to do. */
bool has_idle_sample(const std::string &script);

struct Shape {
    uint32_t ring_slots = 9;
    uint32_t payload_bytes = 16;
    uint32_t later_slots = 3;
    uint32_t dead_slots = 3;
    uint32_t groups = 1;
    uint32_t flags = 4; /* keys */
    uint32_t max_attempts = 0;
    uint32_t tick_ms = 100;
    uint32_t aside_slots = 0;
    uint32_t places = 0;
    uint32_t note_bytes = 0;
    uint32_t generation = 1;
    uint32_t set = 0;
    uint32_t shard = 0;
    Arguments arguments() const; /* of create, without now */
    uint32_t stride() const;
};

/* A connection, the scripts, a separate key. */
class Queue
{
public:
    explicit Queue(redis::Server &server, const std::string &variant = "redis7",
                   const Shape &shape = Shape());

    Reply run(const std::string &script, const Arguments &after_now);
    Reply run_raw(const std::string &script, const Arguments &arguments); /* now is the first */
    /* SET, the script with its sample, GET: sent with others; then what it answers and leaves. */
    void append_on(const std::string &bytes, const std::string &script);
    Reply next_on(std::string &after);
    Reply run_at(uint64_t at_ms, const std::string &script, const Arguments &after_now);
    Reply command(const Arguments &arguments)
    {
        return connection_->command(arguments);
    }
    std::string bytes(); /* GET */
    void set(const std::string &bytes);
    const std::string &key() const
    {
        return key_;
    }
    const Shape &shape() const
    {
        return shape_;
    }
    redis::Connection &connection()
    {
        return *connection_;
    }
    redis::Scripts &scripts()
    {
        return scripts_;
    }

    /* One leased, one dead, some ready, two scheduled (with at least two later_slots): every script
     * can do something. */
    void prepare();
    /* The later id of a message that is scheduled. */
    uint64_t schedule(const std::string &payload, uint64_t at_ms);
    /* The same in a full ring of four slots, of a queue of two groups and four slots aside: the
     * leased one is aside, as are the dead one, which group 1 has leased, and a ready one. */
    void prepare_aside();
    /* Arguments, without now, with which the script succeeds after prepare. */
    Arguments sample(const std::string &script) const;
    /* A slot as a client packs it. */
    std::string slot(const std::string &payload) const;

    uint64_t leased_id = 0;
    uint32_t token = 0;

private:
    Shape shape_;
    std::unique_ptr<redis::Connection> connection_;
    redis::Scripts scripts_;
    std::string key_;
};

/* Verbs at a time that the test sets; the image is sound after each. */
class SoundQueue : public Queue
{
public:
    using Queue::Queue;
    Reply ask(const std::string &script, const Arguments &after_now);

    uint64_t at_ms = now_ms;
};

/* 8 bytes that name a message. */
std::string keyed(const std::string &name);

/* "" when the whole-image check finds the bytes sound, else what it says. */
std::string check(const std::string &bytes);

/* Little-endian. */
std::string number(uint64_t value, uint32_t bytes);
uint64_t value_of(const std::string &bytes, size_t offset, uint32_t count);

} // namespace on_server
#endif

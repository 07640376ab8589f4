/* test_on_server.cpp: see on_server.hpp; and that every script is there.
 */
#include "on_server.hpp"

#include <algorithm>
#include <stdexcept>

#include "../support/catch.hpp"
#include "../support/image/image.hpp"

namespace on_server
{

const std::vector<std::string> &all_scripts()
{
    static const std::vector<std::string> names = {"cancel",
                                                   "create",
                                                   "dead_list",
                                                   "dead_list_packed",
                                                   "dead_purge",
                                                   "dead_remove",
                                                   "find",
                                                   "finish",
                                                   "hush",
                                                   "kick",
                                                   "later_list",
                                                   "later_list_packed",
                                                   "limit",
                                                   "nudge",
                                                   "pause",
                                                   "peek",
                                                   "peek_packed",
                                                   "purge",
                                                   "push",
                                                   "push_keyed",
                                                   "push_keyed_packed",
                                                   "push_packed",
                                                   "reclaim",
                                                   "redrive",
                                                   "remove",
                                                   "reserve",
                                                   "reserve_packed",
                                                   "resume",
                                                   "schedule",
                                                   "schedule_keyed",
                                                   "schedule_packed",
                                                   "settle",
                                                   "settle_packed",
                                                   "stats",
                                                   "status",
                                                   "unwait"};
    return names;
}

bool only_reads(const std::string &script)
{
    return script.substr(0, 4) == "peek" || script.substr(0, 9) == "dead_list" ||
           script.substr(0, 10) == "later_list" || script == "stats" || script == "status" ||
           script == "find" || script == "finish";
}

bool has_idle_sample(const std::string &script)
{
    return script == "create" || script == "reclaim" || script == "resume" || script == "unwait" ||
           script == "hush" || script == "nudge";
}

Arguments Shape::arguments() const
{
    Arguments texts;
    for (const uint32_t value :
         {ring_slots, payload_bytes, later_slots, dead_slots, groups, flags, max_attempts, tick_ms,
          aside_slots, places, note_bytes, generation, set, shard}) {
        texts.push_back(std::to_string(value));
    }
    return texts;
}

uint32_t Shape::stride() const
{
    return 2 + ((flags & SLOTQ_FLAG_STAMPS) != 0 ? 4 : 0) +
           ((flags & SLOTQ_FLAG_CHECKS) != 0 ? 4 : 0) + payload_bytes;
}

static std::string fresh_key()
{
    static uint32_t count = 0;
    return "q" + std::to_string(++count);
}

Queue::Queue(redis::Server &server, const std::string &variant, const Shape &shape)
    : shape_(shape), connection_(server.connect()), scripts_(*connection_, variant),
      key_(fresh_key())
{
    const Reply reply = run("create", shape.arguments());
    if (!reply.is_status("OK")) {
        throw std::runtime_error("create: " + reply.told());
    }
}

Reply Queue::run_raw(const std::string &script, const Arguments &arguments)
{
    return scripts_.run(script, key_, arguments);
}

Reply Queue::run_at(uint64_t at_ms, const std::string &script, const Arguments &after_now)
{
    Arguments arguments = {std::to_string(at_ms)};
    arguments.insert(arguments.end(), after_now.begin(), after_now.end());
    return run_raw(script, arguments);
}

Reply SoundQueue::ask(const std::string &script, const Arguments &after_now)
{
    const Reply reply = run_at(at_ms, script, after_now);
    CAPTURE(script, reply.told());
    CHECK(check(bytes()) == "");
    return reply;
}

Reply Queue::run(const std::string &script, const Arguments &after_now)
{
    return run_at(now_ms, script, after_now);
}

void Queue::append_on(const std::string &bytes, const std::string &script)
{
    Arguments arguments = sample(script);
    arguments.insert(arguments.begin(), std::to_string(now_ms));
    connection_->append({"SET", key_, bytes});
    connection_->append(scripts_.call(script, key_, arguments));
    connection_->append({"GET", key_});
}

Reply Queue::next_on(std::string &after)
{
    connection_->next();
    const Reply reply = connection_->next();
    after = connection_->next().text;
    return reply;
}

std::string Queue::bytes()
{
    return command({"GET", key_}).text;
}

void Queue::set(const std::string &bytes)
{
    command({"SET", key_, bytes});
}

void Queue::prepare()
{
    const bool keys = (shape_.flags & SLOTQ_FLAG_KEYS) != 0;
    Arguments five = {"5", slot("a") + slot("b") + slot("c") + slot("d") + slot("e")};
    if (keys) {
        five.push_back("once");
        five.push_back(keyed("a") + keyed("b") + keyed("c") + keyed("d") + keyed("e"));
    }
    const Reply pushed = run(keys ? "push_keyed_packed" : "push_packed", five);
    const Reply reserved = run("reserve_packed", {"0", "3", "30000"});
    if (pushed.kind != Reply::Kind::integer || reserved.items.size() < 2) {
        throw std::runtime_error("prepare: " + pushed.told() + " " + reserved.told());
    }
    leased_id = value_of(reserved.items[0].text, 0, 6);
    token = static_cast<uint32_t>(value_of(reserved.items[0].text, 6, 4));
    const Reply killed =
        run("settle_packed",
            {"kill", "0", "0", "7", number(leased_id + 1, 6) + number(token, 4) + number(1, 2)});
    if (killed.text != std::string(1, '\0')) {
        throw std::runtime_error("prepare: " + killed.told());
    }
    if (shape_.later_slots >= 2) {
        schedule("l", due_ms + 1);
        schedule("s", due_ms);
    }
}

uint64_t Queue::schedule(const std::string &payload, uint64_t at_ms)
{
    Arguments one = {std::to_string(at_ms), "1", slot(payload)};
    if ((shape_.flags & SLOTQ_FLAG_KEYS) != 0) {
        one.insert(one.end(), {"", "once", keyed(payload)});
    }
    const Reply reply = run("schedule_packed", one);
    if (reply.kind != Reply::Kind::integer) {
        throw std::runtime_error("schedule: " + reply.told());
    }
    return static_cast<uint64_t>(reply.integer);
}

void Queue::prepare_aside()
{
    const auto run_of = [](uint64_t id, uint32_t token_of) {
        return number(id, 6) + number(token_of, 4) + number(1, 2);
    };
    run("push", {"a", "b", "c", "d"});
    for (const char *group : {"0", "1"}) {
        const Reply reserved = run("reserve_packed", {group, "4", "30000"});
        token = static_cast<uint32_t>(value_of(reserved.items.at(0).text, 6, 4));
    }
    run("push", {"e"}); /* 1 steps aside */
    for (const char *group : {"0", "1"}) {
        run("settle_packed", {"ack", group, "0", "0", run_of(3, token)});
    }
    run("push", {"f"}); /* 2 steps aside */
    run("push", {"g"});
    for (const char *group : {"0", "1"}) {
        run("reserve_packed", {group, "3", "30000"});
    }
    const Reply last = run("push", {"h"}); /* 4 steps aside */
    run("settle_packed", {"kill", "0", "0", "7", run_of(2, token)});
    run("settle_packed", {"release", "0", "0", "0", run_of(4, token)});
    leased_id = 1;
    if (!last.is_integer(8)) {
        throw std::runtime_error("prepare_aside: " + last.told());
    }
}

std::string Queue::slot(const std::string &payload) const
{
    std::string text = number(payload.size(), 2);
    if ((shape_.flags & SLOTQ_FLAG_STAMPS) != 0) {
        text += number(now_ms / shape_.tick_ms & 0xFFFFFFFF, 4);
    }
    if ((shape_.flags & SLOTQ_FLAG_CHECKS) != 0) {
        text += number(
            support::xxh32(reinterpret_cast<const uint8_t *>(payload.data()), payload.size()), 4);
    }
    return text + payload + std::string(shape_.payload_bytes - payload.size(), '\0');
}

Arguments Queue::sample(const std::string &script) const
{
    const std::string id = std::to_string(leased_id);
    const std::string run = number(leased_id, 6) + number(token, 4) + number(1, 2);
    const std::vector<std::pair<std::string, Arguments>> samples = {
        {"cancel", {"1"}},
        {"create", shape_.arguments()},
        {"dead_list", {"0", "10", "1", "0"}},
        {"dead_list_packed", {"0", "10", "1", "0"}},
        {"dead_purge", {}},
        {"dead_remove", {std::to_string(leased_id + 1), "0"}},
        {"find", {keyed("d")}},
        {"finish", {}},
        {"hush", {"0"}},
        {"kick", {"1", "later"}},
        {"later_list", {"0", "10"}},
        {"later_list_packed", {"0", "10"}},
        {"limit", {"0", "1", "5", "0", "0"}},
        {"nudge", {"0", "1", "round"}},
        {"pause", {"1"}},
        {"peek", {"0", "", "10"}},
        {"peek_packed", {"0", "", "10"}},
        {"purge", {}},
        {"push", {"x"}},
        {"push_keyed", {"unique", keyed("push"), "x"}},
        {"push_keyed_packed", {"1", slot("x"), "once", keyed("push"), ""}},
        {"push_packed", {"1", slot("x"), ""}},
        {"reclaim", {"0"}},
        {"redrive",
         {"1", number(leased_id + 1, 6) + number(0, 2), std::to_string(leased_id + 1), "0"}},
        {"remove", {std::to_string(leased_id + 4), "0"}},
        {"reserve", {"0", "1", "30000", ""}},
        {"reserve_packed", {"0", "1", "30000", ""}},
        {"resume", {"3"}},
        {"schedule", {std::to_string(due_ms), "", "x"}},
        {"schedule_keyed", {std::to_string(due_ms), "", "unique", keyed("later"), "x"}},
        {"schedule_packed",
         {std::to_string(due_ms - 1), "1", slot("x"), "1", "once", keyed("later")}},
        {"settle", {"nack", "0", "1000", "1", id, std::to_string(token)}},
        {"settle_packed", {"nack", "0", "1000", "1", run, "why"}},
        {"stats", {"0"}},
        {"unwait", {"0", "0"}},
        {"status", {"0", id}},
    };
    for (const auto &sample : samples) {
        if (sample.first == script) {
            return sample.second;
        }
    }
    throw std::runtime_error("no sample of " + script);
}

std::string keyed(const std::string &name)
{
    std::string key = "\1" + name.substr(0, 7);
    return key + std::string(8 - key.size(), '\0');
}

std::string check(const std::string &bytes)
{
    const support::Bytes copy(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
    slotq_view view;
    slotq_damage damage = {};
    if (slotq_core_open(&view, copy.data(), copy.size(), &damage) != SLOTQ_OK ||
        slotq_core_check(&view, &damage) != SLOTQ_OK) {
        return std::string(damage.what != nullptr ? damage.what : "?") + " at " +
               std::to_string(damage.offset);
    }
    return "";
}

std::string number(uint64_t value, uint32_t bytes)
{
    std::string text(bytes, '\0');
    support::store(reinterpret_cast<uint8_t *>(&text[0]), bytes, value);
    return text;
}

uint64_t value_of(const std::string &bytes, size_t offset, uint32_t count)
{
    return support::load(reinterpret_cast<const uint8_t *>(bytes.data()) + offset, count);
}

} // namespace on_server

TEST_CASE("scripts: all of them are there, in both variants, and no others")
{
    std::vector<std::string> names = on_server::all_scripts();
    for (const char *other : {"change", "delete", "move"}) { /* not about one whole queue */
        names.insert(std::lower_bound(names.begin(), names.end(), other), other);
    }
    CHECK(redis::script_names("plain") == names);
    CHECK(redis::script_names("redis7") == names);
}

TEST_CASE("scripts: each does what its sample asks")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    for (const std::string &script : on_server::all_scripts()) {
        CAPTURE(variant, script);
        on_server::Queue queue(redis::shared_server(), variant);
        queue.prepare();
        const std::string before = queue.bytes();
        const redis::Reply reply = queue.run(script, queue.sample(script));
        CAPTURE(reply.told());
        CHECK_FALSE(reply.is_error());
        CHECK(on_server::check(queue.bytes()) == "");
        const bool idle = on_server::has_idle_sample(script);
        CHECK((queue.bytes() == before) == (idle || on_server::only_reads(script)));
    }
}

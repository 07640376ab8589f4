/* test_arguments.cpp: arguments that no caller should give: every script refuses them with a
 * SLOTQ… error of one line and leaves the value as it was, byte for byte.
 */
#include <set>

#include "../support/catch.hpp"
#include "on_server.hpp"

namespace
{

using on_server::Queue;
using redis::Arguments;
using redis::Reply;

/* Texts that are not a decimal integer of any range. '' means "not given" in some places. */
const std::vector<std::string> &nonsense()
{
    static const std::vector<std::string> values = {"1.5",
                                                    "-1",
                                                    "+1",
                                                    "nan",
                                                    "NaN",
                                                    "-nan",
                                                    "inf",
                                                    "-inf",
                                                    "1e3",
                                                    "0x10",
                                                    " 1",
                                                    "1 ",
                                                    "1\n",
                                                    "9007199254740992",
                                                    "18446744073709551616",
                                                    "99999999999999999999999999",
                                                    std::string(1, '\0'),
                                                    std::string("1\0", 2),
                                                    std::string("1\0002", 3),
                                                    "one",
                                                    std::string(10000, '9'),
                                                    std::string(10000, 'x')};
    return values;
}

/* Arguments that may be any bytes: a payload, packed slots. */
bool is_bytes(const std::string &script, size_t index)
{
    return (script == "push" && index >= 1) || (script == "push_keyed" && index == 3) ||
           ((script == "push_packed" || script == "push_keyed_packed") && index == 2) ||
           (script == "redrive" && index == 2) || (script == "settle_packed" && index == 6) ||
           (script == "schedule_keyed" && index == 5) ||
           (script != "schedule_keyed" && script.substr(0, 8) == "schedule" && index == 3);
}

/* Arguments that are refused only where they are too long, or may be empty. */
bool may_be_empty(const std::string &script, size_t index)
{
    return index == 0 || (script.substr(0, 4) == "peek" && index == 2) ||
           (script.substr(0, 7) == "reserve" && index == 4) ||
           (script == "push_packed" && index >= 3) ||
           (script == "push_keyed" && index == 2) || /* no key */
           (script == "push_keyed_packed" && index >= 5) || (script == "schedule" && index == 2) ||
           (script == "schedule_packed" && index == 4) ||
           (script == "schedule_keyed" && (index == 2 || index == 4)) || is_bytes(script, index);
}

bool refuses(Queue &queue, const std::string &script, const Reply &reply, const std::string &before)
{
    const bool named = reply.kind == Reply::Kind::error && reply.text.substr(0, 5) == "SLOTQ";
    const bool one_line = reply.text.find_first_of("\r\n") == std::string::npos;
    UNSCOPED_INFO(script << ": " << reply.told());
    return named && one_line && reply.text.size() < 400 && queue.bytes() == before;
}

Arguments with_now(const Queue &queue, const std::string &script)
{
    Arguments arguments = queue.sample(script);
    arguments.insert(arguments.begin(), std::to_string(on_server::now_ms));
    return arguments;
}

} // namespace

TEST_CASE("arguments: nonsense in each place of each script")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue queue(redis::shared_server(), variant);
    queue.prepare();
    const std::string before = queue.bytes();
    for (const std::string &script : on_server::all_scripts()) {
        const Arguments good = with_now(queue, script);
        for (size_t index = 0; index < good.size(); index++) {
            for (const std::string &value : nonsense()) {
                if (is_bytes(script, index)) {
                    continue;
                }
                Arguments arguments = good;
                arguments[index] = value;
                CAPTURE(variant, index, value.substr(0, 40), value.size());
                REQUIRE(refuses(queue, script, queue.run_raw(script, arguments), before));
            }
        }
    }
}

TEST_CASE("arguments: the geometry that a caller knows, before now, is held against the queue's")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    const uint32_t groups = GENERATE(1u, 5u); /* of five, the front is read in two parts */
    on_server::Shape shape;
    shape.groups = groups;
    Queue queue(redis::shared_server(), variant, shape);
    queue.prepare();
    const std::string before = queue.bytes();
    const std::string geometry = before.substr(8, 36);
    for (const std::string &script : on_server::all_scripts()) {
        Arguments arguments = with_now(queue, script);
        const std::string now = arguments[0];
        for (const std::string &time : {now, std::string()}) {
            CAPTURE(variant, groups, script, time);
            arguments[0] = now;
            const std::string wanted = queue.run_raw(script, arguments).told();
            const std::string after = queue.bytes();
            queue.set(before);
            arguments[0] = geometry + time;
            const std::string told = queue.run_raw(script, arguments).told();
            CHECK((!time.empty() || told.substr(0, 6) != "-SLOTQ"));
            CHECK((time.empty() || (told == wanted && queue.bytes() == after)));
            queue.set(before);
            for (size_t at = 0; at < geometry.size(); at++) {
                arguments[0] = geometry + time;
                arguments[0][at] = static_cast<char>(arguments[0][at] ^ (at == 0 ? 0x80 : 1));
                const Reply reply = queue.run_raw(script, arguments);
                CAPTURE(at, reply.told());
                CHECK(reply.word() == "SLOTQREMADE");
                CHECK(queue.bytes() == before);
            }
        }
        for (const char *bad : {"-1", "x", "1.5", "9999999999999999", " ", "1 "}) {
            arguments[0] = geometry + bad;
            CAPTURE(variant, script, bad);
            CHECK(queue.run_raw(script, arguments).word() == "SLOTQINVALID");
            CHECK(queue.bytes() == before);
        }
    }
}

TEST_CASE("arguments: empty, missing, too many")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue queue(redis::shared_server(), variant);
    queue.prepare();
    const std::string before = queue.bytes();
    for (const std::string &script : on_server::all_scripts()) {
        const Arguments good = with_now(queue, script);
        CAPTURE(variant);
        for (size_t index = 0; index < good.size(); index++) {
            Arguments arguments = good;
            arguments[index].clear();
            CAPTURE(index);
            if (!may_be_empty(script, index)) {
                CHECK(refuses(queue, script, queue.run_raw(script, arguments), before));
            }
        }
        /* the last of these may be left out, as a caller that wants nothing of it does */
        const size_t needed = script == "push_packed"              ? 3
                              : script == "push_keyed_packed"      ? 5
                              : script == "redrive"                ? 2
                              : script == "create"                 ? 13 /* set, shard */
                              : script == "dead_remove"            ? 2
                              : script == "settle_packed"          ? 6
                              : script.substr(0, 9) == "dead_list" ? 3
                              : script.substr(0, 7) == "reserve"   ? 4
                              : script == "schedule_packed"        ? 4
                                                                   : good.size();
        for (size_t count = 0; count < needed; count++) {
            CAPTURE(count);
            const Arguments few(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(count));
            CHECK(refuses(queue, script, queue.run_raw(script, few), before));
        }
        if (script != "push" && script != "settle" && script != "status" && script != "schedule") {
            Arguments many = good;
            many.push_back("1");
            CHECK(refuses(queue, script, queue.run_raw(script, many), before));
        }
    }
    CHECK(
        refuses(queue, "settle",
                queue.run("settle", {"ack", "0", "0", "0", "1", std::to_string(queue.token), "2"}),
                before));
}

TEST_CASE("arguments: the number of keys")
{
    const std::string variant = GENERATE(as<std::string>(), "plain", "redis7");
    Queue queue(redis::shared_server(), variant);
    queue.prepare();
    const std::string before = queue.bytes();
    for (const std::string &script : on_server::all_scripts()) {
        CAPTURE(variant, script);
        Arguments call = queue.scripts().call(script, queue.key(), with_now(queue, script));
        Arguments none = call;
        none[2] = "0";
        none.erase(none.begin() + 3);
        const Reply without = queue.command(none);
        CHECK(refuses(queue, script, without, before));
        Arguments two = call;
        two[2] = "2";
        two.insert(two.begin() + 4, queue.key());
        CHECK(refuses(queue, script, queue.command(two), before));
    }
}

namespace
{

using Calls = std::vector<std::pair<std::string, Arguments>>;

void check_refused(Queue &queue, const Calls &calls)
{
    const std::string before = queue.bytes();
    for (const auto &call : calls) {
        std::string told = call.first;
        for (const std::string &argument : call.second) {
            told += " " + redis::Reply{Reply::Kind::string, 0, argument, {}}.told();
        }
        CAPTURE(told);
        CHECK(refuses(queue, call.first, queue.run(call.first, call.second), before));
    }
}

on_server::Shape two_groups()
{
    on_server::Shape shape;
    shape.groups = 2;
    return shape;
}

/* A slot of two_groups that ends after its payload. */
std::string cut(const std::string &payload)
{
    return std::string(1, static_cast<char>(payload.size())) + std::string(1, '\0') + payload;
}

const std::string lease_too_long = std::to_string(((1ull << 23) - 1) * 100 + 1);

} // namespace

TEST_CASE("arguments: out of range for push and reserve")
{
    Queue queue(redis::shared_server(), "redis7", two_groups());
    queue.prepare();
    check_refused(queue, {
                             {"reserve", {"2", "1", "30000"}},
                             {"reserve", {"0", "0", "30000"}},
                             {"reserve", {"0", "4097", "30000"}},
                             {"reserve", {"0", "1", "0"}},
                             {"reserve", {"0", "1", lease_too_long}},
                             {"reserve", {"0", "1", "1", "3"}},
                             {"reserve", {"0", "1", "1", "2", "0"}},
                             {"reserve_packed", {"2", "1", "30000"}},
                             {"reserve_packed", {"0", "4097", "30000"}},
                             {"reserve_packed", {"0", "1", lease_too_long}},
                             {"push_packed", {"0", ""}},
                             {"push_packed", {"1", queue.slot("x") + "x"}},
                             {"push_packed", {"1", queue.slot("x").substr(1)}},
                             {"push_packed", {"2", queue.slot("x")}},
                             {"push_packed", {"2", cut("x") + cut("y") + "z"}},
                             {"push_packed", {"2", cut("x") + cut("y").substr(0, 2)}},
                             {"push_packed", {"2", cut("x") + std::string(1, '\1')}},
                             {"push_packed", {"2", cut("x") + cut(std::string(17, 'y'))}},
                             {"push_packed", {"1", cut(std::string(17, 'y'))}},
                             {"push_packed", {"1", cut("x") + "y"}},
                             {"push_packed", {"3", cut("x") + cut("y")}},
                             {"push_packed", {"1", queue.slot("x"), "2"}},
                             {"push_packed", {"1", queue.slot("x"), "none", ""}},
                             {"push_packed", {"9", std::string(9 * 18, '\0')}},
                             {"push", {std::string(17, 'x')}},
                         });
}

TEST_CASE("arguments: out of range for settle")
{
    Queue queue(redis::shared_server(), "redis7", two_groups());
    queue.prepare();
    const std::string id = std::to_string(queue.leased_id);
    const std::string token = std::to_string(queue.token);
    const std::string run = on_server::number(queue.leased_id, 6) +
                            on_server::number(queue.token, 4) + on_server::number(1, 2);
    check_refused(
        queue,
        {
            {"settle", {"ack", "2", "0", "0", id, token}},
            {"settle", {"ack", "0", "0", "256", id, token}},
            {"settle", {"nack", "0", lease_too_long, "0", id, token}},
            {"settle", {"extend", "0", "0", "0", id, token}},
            {"settle", {"burn", "0", "0", "0", id, token}},
            {"settle", {"ack", "0", "0", "0", id, "4294967296"}},
            {"settle", {"ack", "0", "0", "0", "281474976710656", token}},
            {"settle_packed", {"ack", "0", "0", "0", ""}},
            {"settle_packed", {"ack", "0", "0", "0", run.substr(0, 11)}},
            {"settle_packed", {"ack", "0", "0", "0", run + "x"}},
            {"settle_packed", {"ack", "2", "0", "0", run}},
            {"settle_packed", {"nack", "0", "0", "256", run}},
            {"settle_packed", {"ack", "0", "0", "0", run.substr(0, 10) + on_server::number(0, 2)}},
            {"settle_packed",
             {"ack", "0", "0", "0", run.substr(0, 10) + on_server::number(4097, 2)}},
        });
}

TEST_CASE("arguments: out of range for the others")
{
    Queue queue(redis::shared_server(), "redis7", two_groups());
    queue.prepare();
    const std::string id = std::to_string(queue.leased_id);
    check_refused(
        queue,
        {
            {"remove", {id, "2"}},
            {"remove", {id, "All"}},
            {"reclaim", {"2"}},
            {"redrive", {"0"}},
            {"redrive", {"4097"}},
            {"pause", {"0"}},
            {"pause", {"8"}},
            {"resume", {"0"}},
            {"resume", {"8"}},
            {"status", {"2", id}},
            {"stats", {"2"}},
            {"peek", {"2", "", "1"}},
            {"peek", {"0", "", "0"}},
            {"peek", {"0", "", "4097"}},
            {"peek_packed", {"0", "", "4097"}},
            {"dead_list", {"0", "0"}},
            {"dead_list", {"0", "4097"}},
            {"dead_list_packed", {"0", "4097"}},
            {"create", {"1", "16", "0", "3", "1", "0", "0", "100", "0", "0", "0", "1"}},
            {"create", {"65536", "16", "0", "3", "1", "0", "0", "100", "0", "0", "0", "1"}},
            {"create", {"9", "0", "0", "3", "1", "0", "0", "100", "0", "0", "0", "1"}},
            {"create", {"9", "16", "0", "3", "17", "0", "0", "100", "0", "0", "0", "1"}},
            {"create", {"9", "16", "0", "3", "1", "32", "0", "100", "0", "0", "0", "1"}},
            {"create", {"9", "16", "0", "3", "1", "0", "63", "100", "0", "0", "0", "1"}},
            {"create", {"9", "16", "0", "3", "1", "0", "0", "0", "0", "0", "0", "1"}},
            {"create", {"9", "16", "0", "3", "1", "0", "0", "60001", "0", "0", "0", "1"}},
            {"create", {"65535", "65535", "0", "3", "1", "0", "0", "100", "0", "0", "0", "1"}},
            {"create", {"16385", "16", "0", "3", "1", "4", "0", "100", "0", "0", "0", "1"}},
            {"create", {"9", "16", "0", "3", "1", "0", "0", "100"}},
            {"create", {"9", "16", "0", "3", "1", "0", "0", "100", "0", "0", "0", "0"}},
            {"create", {"9", "16", "0", "3", "1", "0", "0", "100", "0", "0", "0", "4294967296"}},
            {"create",
             {"9", "16", "0", "3", "1", "0", "0", "100", "0", "0", "0", "1", "4294967296"}},
            {"create", {"9", "16", "0", "3", "1", "0", "0", "100", "0", "0", "0", "1", "0", "1"}},
            {"create",
             {"9", "16", "0", "3", "1", "0", "0", "100", "0", "0", "0", "1", "1", "65536"}},
        });
}

TEST_CASE("arguments: at most 1 MiB of payload in a push")
{
    on_server::Shape shape;
    shape.ring_slots = 300;
    shape.payload_bytes = 8192;
    Queue queue(redis::shared_server(), "redis7", shape);
    const auto slots = [&](uint32_t count, uint32_t last) {
        std::string text;
        for (uint32_t i = 0; i < count; i++) {
            text += queue.slot(std::string(i + 1 < count ? 8192 : last, 'x'));
        }
        return text;
    };
    const auto payloads = [](uint32_t count, uint32_t last) {
        Arguments texts(count, std::string(8192, 'x'));
        texts.back().resize(last);
        return texts;
    };
    CHECK(queue.run("push_packed", {"128", slots(128, 8192)}).is_integer(1));
    CHECK(queue.run("push", payloads(128, 8192)).is_integer(129));
    queue.run("purge", {});
    CHECK(queue.run("push_packed", {"129", slots(129, 0)}).is_integer(257));
    queue.run("purge", {});
    CHECK(queue.run("push", payloads(129, 0)).is_integer(386));
    queue.run("purge", {});
    const std::string before = queue.bytes();
    CHECK(refuses(queue, "push_packed", queue.run("push_packed", {"129", slots(129, 1)}), before));
    CHECK(refuses(queue, "push", queue.run("push", payloads(129, 1)), before));
}

TEST_CASE("arguments: a checks queue is pushed and reserved packed only")
{
    on_server::Shape shape;
    shape.flags = 2;
    Queue queue(redis::shared_server(), "redis7", shape);
    queue.prepare();
    const std::string before = queue.bytes();
    CHECK(refuses(queue, "push", queue.run("push", {"x"}), before));
    const Reply push = queue.run("push", {"x"});
    CHECK(push.word() == "SLOTQINVALID");
    CHECK(push.text.find("push_packed") != std::string::npos);
    const Reply reserve = queue.run("reserve", {"0", "1", "1000"});
    CHECK(reserve.word() == "SLOTQINVALID");
    CHECK(reserve.text.find("reserve_packed") != std::string::npos);
    CHECK(queue.bytes() == before);
}

TEST_CASE("arguments: an error never repeats the caller's bytes")
{
    Queue queue(redis::shared_server());
    queue.prepare();
    const std::string secret = "s3cret-bytes";
    for (const std::string &script : on_server::all_scripts()) {
        const Arguments good = with_now(queue, script);
        for (size_t index = 0; index < good.size(); index++) {
            if (is_bytes(script, index)) {
                continue;
            }
            Arguments arguments = good;
            arguments[index] = secret;
            const Reply reply = queue.run_raw(script, arguments);
            CAPTURE(script, index, reply.told());
            CHECK(reply.is_error());
            CHECK(reply.text.find(secret) == std::string::npos);
        }
    }
}

TEST_CASE("arguments: keys")
{
    Queue queue(redis::shared_server(), "redis7");
    const std::string one = queue.slot("x");
    const std::string key = on_server::keyed("new");
    const std::string none(8, '\0');
    const std::string low("\0key4567", 8);
    queue.prepare();
    check_refused(queue, {
                             {"push_keyed", {"", key, "x"}},
                             {"push_keyed", {"none", key, "x"}},
                             {"push_keyed", {"Once", key, "x"}},
                             {"push_keyed", {"once", "short", "x"}},
                             {"push_keyed", {"once", key + "9", "x"}},
                             {"push_keyed", {"once", low, "x"}},
                             {"push_keyed", {"once", none, "x"}},
                             {"push_keyed", {"once", key, "x", key}},
                             {"push_keyed", {"once", key, "x", key, "y"}},
                             {"push_keyed", {"resend", "", "x", key, "y"}},
                             {"push_keyed", {"once", key, std::string(17, 'x')}},
                             {"push_keyed_packed", {"1", one, "once", key + key}},
                             {"push_keyed_packed", {"2", one + one, "once", key}},
                             {"push_keyed_packed", {"2", one + one, "once", key + key}},
                             {"push_keyed_packed", {"2", one + one, "resend", none + key}},
                             {"push_keyed_packed", {"1", one, "once", low}},
                             {"push_keyed_packed", {"1", one, "", key}},
                             {"push_keyed_packed", {"1", one, "once", key, "2"}},
                             {"push_keyed_packed", {"1", one, "once", key, "1", "0"}},
                             {"schedule_keyed", {"1", "", "first", key, "x"}},
                             {"schedule_keyed", {"1", "", "once", key, "x", key, "y"}},
                             {"schedule_keyed", {"1", "", "once", key, "x", "y"}},
                             {"schedule_packed", {"1", "1", one, "", "once"}},
                             {"schedule_packed", {"1", "1", one, "", "once", key + key}},
                             {"schedule_packed", {"1", "1", one, "", "", key}},
                             {"find", {none}},
                             {"find", {low}},
                             {"find", {"key"}},
                             {"find", {key + "9"}},
                         });
    on_server::Shape shape;
    shape.flags = 0;
    Queue without(redis::shared_server(), "redis7", shape);
    without.prepare();
    check_refused(without, {{"push_keyed", {"once", key, "x"}},
                            {"push_keyed_packed", {"1", one, "once", key}},
                            {"schedule_keyed", {"1", "", "once", key, "x"}},
                            {"schedule_packed", {"1", "1", one, "", "once", key}},
                            {"find", {key}}});
    CHECK(without.run("push_keyed", {"once", "", "x"}).is_integer(6));
    CHECK(without.run("push_keyed_packed", {"1", one, "once", none}).is_integer(7));
}

TEST_CASE("arguments: 256 messages of a call may have keys, and no more")
{
    on_server::Shape shape;
    shape.ring_slots = 600;
    Queue queue(redis::shared_server(), "redis7", shape);
    std::string slots, keys;
    for (uint32_t i = 0; i < 257; i++) {
        slots += queue.slot("x");
        keys += on_server::number(256 * i + 1, 8);
    }
    CHECK(queue.run("push_keyed_packed", {"257", slots, "once", keys}).word() == "SLOTQINVALID");
    keys.replace(8 * 9, 8, std::string(8, '\0'));
    CHECK(queue.run("push_keyed_packed", {"257", slots, "once", keys}).is_integer(1));
    CHECK(on_server::check(queue.bytes()) == "");
}

/* test_mux.cpp: which handler a payload gets, what is refused, and the order of middleware.
 */
#include "catch.hpp"

#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "../../../engine/worker/mux.h"
}

namespace
{

using namespace std::string_literals;

slotq_result run_nothing(void *, slotq_task *)
{
    return slotq_result_done();
}

void run_many_nothing(void *, slotq_task **, uint32_t, slotq_result *)
{
}

slotq_handler handler(void *context = nullptr)
{
    slotq_handler made = {};
    made.run = run_nothing;
    made.context = context;
    return made;
}

struct Free {
    void operator()(slotq_mux *mux) const
    {
        slotq_mux_free(mux);
    }
};
using Mux = std::unique_ptr<slotq_mux, Free>;

Mux new_mux()
{
    slotq_mux *mux = nullptr;
    REQUIRE(slotq_mux_new(&mux) == SLOTQ_OK);
    return Mux(mux);
}

slotq_outcome exact(const Mux &mux, const std::string &type)
{
    const slotq_handler one = handler();
    return slotq_mux_exact(mux.get(), type.c_str(), &one);
}

slotq_outcome prefix(const Mux &mux, const std::string &type)
{
    const slotq_handler one = handler();
    return slotq_mux_prefix(mux.get(), type.c_str(), &one);
}

/* What has a payload, with a cache that may know it already. */
class Finder
{
public:
    explicit Finder(const Mux &mux) : mux_(mux.get())
    {
    }
    const mux_entry *entry(const std::string &payload, slotq_frame_rule rule = SLOTQ_FRAME_AUTO)
    {
        const std::unique_ptr<char[]> bytes(new char[payload.size()]); /* ends with it */
        payload.copy(bytes.get(), payload.size());
        const mux_entry *found = mux_find(mux_, &cache_, rule, bytes.get(),
                                          static_cast<uint32_t>(payload.size()), &info_);
        type.assign(info_.type, info_.type_bytes);
        body.assign(static_cast<const char *>(info_.body), info_.body_bytes);
        return found;
    }
    /* For a task of this type, first not cached, then cached. */
    std::string label(const std::string &task_type)
    {
        const std::string first = entry(task_type + "\0body"s)->label;
        REQUIRE(type == task_type);
        REQUIRE(body == "body");
        REQUIRE(entry(task_type + "\0more"s)->label == first);
        REQUIRE(type == task_type);
        REQUIRE(body == "more");
        REQUIRE(entry("\1"s + task_type + "\0due=7\0\0marked"s)->label == first);
        REQUIRE(type == task_type);
        REQUIRE(body == "marked");
        REQUIRE(info_.due_ms == 7);
        return first;
    }
    std::string type;
    std::string body;

private:
    const slotq_mux *mux_;
    mux_cache cache_ = {};
    slotq_task_info info_ = {};
};

} // namespace

TEST_CASE("mux: an exact name before the longest prefix, then unknown", "[mux]")
{
    const Mux mux = new_mux();
    REQUIRE(prefix(mux, "email:") == SLOTQ_OK);
    REQUIRE(prefix(mux, "e") == SLOTQ_OK);
    REQUIRE(prefix(mux, "email:de") == SLOTQ_OK);
    REQUIRE(exact(mux, "email:deliver") == SLOTQ_OK);
    REQUIRE(exact(mux, "a:b") == SLOTQ_OK);
    Finder find(mux);
    CHECK(find.label("email:deliver") == "email:deliver");
    CHECK(find.label("email:deliver2") == "email:de*");
    CHECK(find.label("email:delive") == "email:de*");
    CHECK(find.label("email:de") == "email:de*");
    CHECK(find.label("email:d") == "email:*");
    CHECK(find.label("email:") == "email:*");
    CHECK(find.label("email") == "e*");
    CHECK(find.label("a:b") == "a:b");
    CHECK(find.label("a:bc") == MUX_UNKNOWN); /* exact is not a prefix */
    CHECK(find.label("a:") == MUX_UNKNOWN);
    CHECK(find.label("f:") == MUX_UNKNOWN);
}

TEST_CASE("mux: how a queue's payloads are read", "[mux]")
{
    const Mux mux = new_mux();
    REQUIRE(exact(mux, "ab") == SLOTQ_OK);
    Finder find(mux);
    for (int cached = 0; cached < 2; cached++) {
        CHECK(find.entry("ab\0x"s)->label == "ab"s);
        CHECK(find.entry("ab\0"s)->label == "ab"s);
        CHECK(find.body == "");
        CHECK(find.entry("ab\0x"s, SLOTQ_FRAME_TYPED)->label == "ab"s);
        CHECK(find.entry("ab\0x"s, SLOTQ_FRAME_PLAIN)->label == std::string(MUX_PLAIN));
        CHECK(find.type == "");
        CHECK(find.body == "ab\0x"s);
        for (const std::string &plain : {"ab"s, "a"s, ""s, "ab\1"s, "\1ab\0x"s}) {
            CHECK(find.entry(plain)->label == std::string(MUX_PLAIN));
            CHECK(find.body == plain);
            CHECK(find.entry(plain, SLOTQ_FRAME_TYPED) == nullptr);
            CHECK(find.body == plain);
        }
        CHECK(find.entry("ac\0x"s, SLOTQ_FRAME_TYPED)->label == std::string(MUX_UNKNOWN));
    }
    CHECK(!mux_has_handler(find.entry("x")));
    CHECK(!mux_has_handler(find.entry("ac\0x"s)));
    const slotq_handler one = handler();
    REQUIRE(slotq_mux_plain(mux.get(), &one) == SLOTQ_OK);
    REQUIRE(slotq_mux_unknown(mux.get(), &one) == SLOTQ_OK);
    CHECK(slotq_mux_plain(mux.get(), &one) == SLOTQ_EXISTS);
    CHECK(slotq_mux_unknown(mux.get(), &one) == SLOTQ_EXISTS);
    CHECK(mux_has_handler(find.entry("x")));
    CHECK(mux_has_handler(find.entry("ac\0x"s)));
}

TEST_CASE("mux: more types in turn than the cache has room for", "[mux]")
{
    const Mux mux = new_mux();
    Finder find(mux);
    for (char name = 'a'; name <= 'j'; name++) {
        REQUIRE(exact(mux, "t:"s + name) == SLOTQ_OK);
    }
    std::mt19937 random(7);
    for (int round = 0; round < 5000; round++) { /* runs of few types, and jumps */
        const char name = static_cast<char>('a' + (round / 500 * 3 + random() % 6) % 11);
        CHECK(find.entry("t:"s + name + "\0x"s)->label ==
              (name == 'k' ? std::string(MUX_UNKNOWN) : "t:"s + name));
    }
}

TEST_CASE("mux: what is refused", "[mux]")
{
    const Mux mux = new_mux();
    slotq_mux *const raw = mux.get();
    const slotq_handler good = handler();
    CHECK(slotq_mux_new(nullptr) == SLOTQ_INVALID);
    for (const std::string &bad : {""s, "a"s, "a b"s, ":ab"s, "ab*"s, std::string(65, 'a')}) {
        CAPTURE(bad);
        CHECK(exact(mux, bad) == SLOTQ_INVALID);
    }
    for (const std::string &bad : {""s, "a b"s, ":"s, "*"s, std::string(65, 'a')}) {
        CAPTURE(bad);
        CHECK(prefix(mux, bad) == SLOTQ_INVALID);
    }
    CHECK(slotq_mux_exact(nullptr, "ab", &good) == SLOTQ_INVALID);
    CHECK(slotq_mux_exact(raw, nullptr, &good) == SLOTQ_INVALID);
    CHECK(slotq_mux_exact(raw, "ab", nullptr) == SLOTQ_INVALID);
    CHECK(slotq_mux_plain(nullptr, &good) == SLOTQ_INVALID);
    CHECK(slotq_mux_unknown(raw, nullptr) == SLOTQ_INVALID);
    CHECK(slotq_mux_use(raw, nullptr, nullptr) == SLOTQ_INVALID);
    CHECK(mux_count(raw) == 2);
    const auto refused = [&](void (*spoil)(slotq_handler &)) {
        slotq_handler one = handler();
        spoil(one);
        CHECK(slotq_mux_plain(raw, &one) == SLOTQ_INVALID);
        CHECK(slotq_mux_prefix(raw, "ab", &one) == SLOTQ_INVALID);
    };
    refused([](slotq_handler &one) { one.run = nullptr; });
    refused([](slotq_handler &one) { one.run_many = run_many_nothing; });
    refused([](slotq_handler &one) { one.many_most = 1; });
    refused([](slotq_handler &one) { one.many_wait_ms = 1; });
    refused([](slotq_handler &one) { one.backoff_least_ms = 300001; });
    refused([](slotq_handler &one) { one.reserved[3] = 1; });
    refused([](slotq_handler &one) {
        one.run = nullptr;
        one.run_many = run_many_nothing;
        one.many_most = 4097;
    });
    CHECK(exact(mux, "ab") == SLOTQ_OK);
    CHECK(exact(mux, "ab") == SLOTQ_EXISTS);
    CHECK(prefix(mux, "ab") == SLOTQ_OK); /* another thing than the exact name */
    CHECK(prefix(mux, "ab") == SLOTQ_EXISTS);
    CHECK(mux_count(raw) == 4);
    CHECK(mux_at(raw, 2)->label == "ab"s);
    CHECK(mux_at(raw, 3)->label == "ab*"s);
    CHECK(mux_at(raw, 4) == nullptr);
}

TEST_CASE("mux: a refusal says what is wrong with which handler", "[mux]")
{
    const Mux mux = new_mux();
    slotq_mux *const raw = mux.get();
    slotq_error error = {};
    CHECK(slotq_mux_error(nullptr, &error) == SLOTQ_INVALID);
    CHECK(slotq_mux_error(raw, &error) == SLOTQ_OK);
    const auto text = [&](slotq_outcome outcome) {
        CHECK(slotq_mux_error(raw, nullptr) == outcome);
        CHECK(slotq_mux_error(raw, &error) == outcome);
        CHECK(error.outcome == outcome);
        return std::string(error.text);
    };
    const auto refused = [&](void (*spoil)(slotq_handler &)) {
        slotq_handler one = handler();
        spoil(one);
        CHECK(slotq_mux_prefix(raw, "mail:", &one) == SLOTQ_INVALID);
        return text(SLOTQ_INVALID);
    };
    CHECK(exact(mux, "a b") == SLOTQ_INVALID);
    CHECK(text(SLOTQ_INVALID) == "\"a b\" is not a type: it must be 2 to 64 of letters, digits and "
                                 "_ . : / -, the first a letter or a digit");
    CHECK(slotq_mux_prefix(raw, nullptr, nullptr) == SLOTQ_INVALID);
    CHECK(text(SLOTQ_INVALID).substr(0, 43) == "NULL is not a prefix of types: it must be 1");
    CHECK(slotq_mux_plain(raw, nullptr) == SLOTQ_INVALID);
    CHECK(text(SLOTQ_INVALID) == "(plain): handler is NULL");
    CHECK(refused([](slotq_handler &one) { one.run = nullptr; }) ==
          "mail:: set either run or run_many of the handler");
    CHECK(refused([](slotq_handler &one) { one.many_most = 1; }) ==
          "mail:: many_most and many_wait_ms are for run_many only");
    CHECK(refused([](slotq_handler &one) {
              one.run = nullptr;
              one.run_many = run_many_nothing;
              one.many_most = 4097;
          }) == "mail:: many_most is 4097; 4096 is the most");
    CHECK(refused([](slotq_handler &one) { one.backoff_least_ms = 300001; }) ==
          "mail:: backoff_least_ms is 300001, more than backoff_most_ms, 300000");
    CHECK(refused([](slotq_handler &one) { one.reserved[3] = 1; }).find("reserved") !=
          std::string::npos);
    CHECK(slotq_mux_use(raw, nullptr, nullptr) == SLOTQ_INVALID);
    CHECK(text(SLOTQ_INVALID) == "middleware is NULL");
    CHECK(exact(mux, "ab") == SLOTQ_OK);
    CHECK(exact(mux, "ab") == SLOTQ_EXISTS);
    CHECK(text(SLOTQ_EXISTS) == "the mux has a handler for ab");
    mux_hold(raw);
    CHECK(exact(mux, "ac") == SLOTQ_INVALID);
    CHECK(text(SLOTQ_INVALID) == "the mux is in use: fill it before slotq_worker_new");
    mux_let_go(raw);
}

TEST_CASE("mux: a handler's defaults", "[mux]")
{
    const Mux mux = new_mux();
    slotq_handler many = {};
    many.run_many = run_many_nothing;
    REQUIRE(slotq_mux_exact(mux.get(), "t:many", &many) == SLOTQ_OK);
    slotq_handler quick = handler();
    quick.backoff_most_ms = 500;
    quick.limit_ms = SLOTQ_NO_LIMIT;
    REQUIRE(slotq_mux_exact(mux.get(), "t:quick", &quick) == SLOTQ_OK);
    const slotq_handler &first = mux_at(mux.get(), 2)->handler;
    CHECK(first.many_most == 32);
    CHECK(first.many_wait_ms == 200);
    CHECK(first.limit_ms == 1800000);
    CHECK(first.backoff_least_ms == 1000);
    CHECK(first.backoff_most_ms == 300000);
    const slotq_handler &second = mux_at(mux.get(), 3)->handler;
    CHECK(second.backoff_least_ms == 500);
    CHECK(second.backoff_most_ms == 500);
    CHECK(second.limit_ms == SLOTQ_NO_LIMIT);
}

TEST_CASE("mux: frozen from the first hold on, and kept by each", "[mux]")
{
    slotq_mux *mux = nullptr;
    const slotq_handler one = handler();
    REQUIRE(slotq_mux_new(&mux) == SLOTQ_OK);
    REQUIRE(slotq_mux_exact(mux, "ab", &one) == SLOTQ_OK);
    mux_hold(mux);
    const auto check_frozen = [&] {
        CHECK(slotq_mux_exact(mux, "ac", &one) == SLOTQ_INVALID);
        CHECK(slotq_mux_prefix(mux, "ac", &one) == SLOTQ_INVALID);
        CHECK(slotq_mux_plain(mux, &one) == SLOTQ_INVALID);
        CHECK(slotq_mux_unknown(mux, &one) == SLOTQ_INVALID);
        CHECK(slotq_mux_use(
                  mux,
                  [](void *, slotq_task *task, slotq_chain *rest) {
                      return slotq_chain_run(rest, task);
                  },
                  nullptr) == SLOTQ_INVALID);
        CHECK(mux_count(mux) == 3);
    };
    check_frozen();
    mux_let_go(mux);
    check_frozen();
    mux_hold(mux);
    slotq_mux_free(mux);
    slotq_mux_free(nullptr);
    CHECK(mux_at(mux, 2)->label == "ab"s);
    mux_let_go(mux);
}

TEST_CASE("mux: ten thousand names against a map", "[mux]")
{
    const Mux mux = new_mux();
    std::mt19937 random(11);
    std::map<std::string, uint32_t> exacts;
    std::map<std::string, uint32_t> prefixes;
    std::set<std::string> labels = {MUX_PLAIN, MUX_UNKNOWN};
    const auto word = [&] { /* short, of few letters: prefixes of each other */
                            std::string made;
                            for (size_t left = 2 + random() % 9; left > 0; left--) {
                                made += "abc:"[random() % (made.empty() ? 3 : 4)];
                            }
                            return made;
    };
    while (exacts.size() + prefixes.size() < 10000) {
        const std::string name = word();
        const bool is_prefix = random() % 3 == 0;
        std::map<std::string, uint32_t> &known = is_prefix ? prefixes : exacts;
        const uint32_t index = mux_count(mux.get());
        const slotq_outcome outcome = is_prefix ? prefix(mux, name) : exact(mux, name);
        REQUIRE(outcome == (known.count(name) ? SLOTQ_EXISTS : SLOTQ_OK));
        if (outcome == SLOTQ_OK) {
            known[name] = index;
            CHECK(labels.insert(mux_at(mux.get(), index)->label).second);
        }
    }
    CHECK(mux_count(mux.get()) == 10002);
    for (uint32_t i = 0; i < mux_count(mux.get()); i++) {
        REQUIRE(mux_at(mux.get(), i)->index == i);
        REQUIRE(labels.count(mux_at(mux.get(), i)->label) == 1);
    }
    Finder find(mux);
    for (int round = 0; round < 100000; round++) {
        const std::string type = word();
        uint32_t right = 1;
        for (size_t bytes = 1; bytes <= type.size(); bytes++) {
            const auto found = prefixes.find(type.substr(0, bytes));
            right = found != prefixes.end() ? found->second : right;
        }
        right = exacts.count(type) ? exacts[type] : right;
        REQUIRE(find.entry(type + "\0x"s)->index == right);
    }
}

/* ---- middleware ---- */

namespace
{

struct Step {
    std::string *told;
    char name;
    int calls; /* of the rest */
};

slotq_result step(void *context, slotq_task *task, slotq_chain *rest)
{
    const Step *own = static_cast<Step *>(context);
    slotq_result result = slotq_result_dead(9);
    *own->told += own->name;
    for (int i = 0; i < own->calls; i++) {
        result = slotq_chain_run(rest, task);
        *own->told += static_cast<char>('0' + result.how);
    }
    *own->told += static_cast<char>(own->name - 'a' + 'A');
    return result;
}

slotq_result end(void *context, slotq_task *)
{
    *static_cast<std::string *>(context) += '.';
    return slotq_result_done();
}

/* What is told by a mux with these middlewares, and the result. */
std::string run(std::vector<int> calls, slotq_result *result)
{
    std::string told;
    std::vector<Step> steps;
    for (size_t i = 0; i < calls.size(); i++) {
        steps.push_back({&told, static_cast<char>('a' + i), calls[i]});
    }
    const Mux mux = new_mux();
    slotq_handler last = handler(&told);
    last.run = end;
    REQUIRE(slotq_mux_exact(mux.get(), "ab", &last) == SLOTQ_OK);
    for (Step &one : steps) {
        REQUIRE(slotq_mux_use(mux.get(), step, &one) == SLOTQ_OK);
    }
    Finder find(mux);
    *result = mux_run(mux.get(), find.entry("ab\0"s), nullptr);
    return told;
}

} // namespace

TEST_CASE("mux: the first middleware is outermost, the handler is last", "[mux]")
{
    slotq_result result;
    CHECK(run({}, &result) == ".");
    CHECK(result.how == SLOTQ_RESULT_DONE);
    CHECK(run({1, 1, 1}, &result) == "abc.1C1B1A");
    CHECK(result.how == SLOTQ_RESULT_DONE);
    CHECK(run({1, 0, 1}, &result) == "abB2A"); /* the second one ends it */
    CHECK(result.how == SLOTQ_RESULT_DEAD);
    CHECK(result.reason == 9);
}

TEST_CASE("mux: a second call of the rest runs nothing and is a retry", "[mux]")
{
    slotq_result result;
    CHECK(run({2}, &result) == "a.10A");
    CHECK(result.how == SLOTQ_RESULT_RETRY);
    CHECK(run({1, 2, 1}, &result) == "abc.1C10B0A");
    CHECK(run({2, 0, 1}, &result) == "abB20A"); /* also where the first did not reach the handler */
    CHECK(slotq_chain_run(nullptr, nullptr).how == SLOTQ_RESULT_RETRY);
}

TEST_CASE("mux: no more middlewares than there may be", "[mux]")
{
    const Mux mux = new_mux();
    std::string told;
    Step one = {&told, 'a', 1};
    for (int i = 0; i < SLOTQ_MIDDLEWARES_MAX; i++) {
        REQUIRE(slotq_mux_use(mux.get(), step, &one) == SLOTQ_OK);
    }
    CHECK(slotq_mux_use(mux.get(), step, &one) == SLOTQ_INVALID);
    slotq_handler last = handler(&told);
    last.run = end;
    REQUIRE(slotq_mux_unknown(mux.get(), &last) == SLOTQ_OK);
    CHECK(mux_run(mux.get(), mux_at(mux.get(), 1), nullptr).how == SLOTQ_RESULT_DONE);
    CHECK(told.substr(0, 33) == std::string(32, 'a') + ".");
}

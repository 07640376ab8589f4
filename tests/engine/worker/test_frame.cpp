/* test_frame.cpp: frames, as in slotq_frame.h: the bytes of both forms, what is not a frame, and
 * that reading gives back what was written.
 */
#include "catch.hpp"

#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "../../../engine/slotq_frame.h"

namespace
{

using namespace std::string_literals;

struct Header {
    std::string name;
    std::string value;
};

struct Task {
    std::string type;
    std::string body;
    std::vector<Header> headers;
};

/* The frame, in a block that ends with it; empty: not a task. */
std::string write(const Task &task)
{
    std::vector<slotq_header> headers;
    for (const Header &one : task.headers) {
        headers.push_back(
            {one.name.c_str(), one.value.data(), static_cast<uint32_t>(one.value.size())});
    }
    slotq_task_spec spec = {};
    spec.type = task.type.c_str();
    spec.body = task.body.data();
    spec.body_bytes = static_cast<uint32_t>(task.body.size());
    spec.headers = headers.data();
    spec.header_count = static_cast<uint32_t>(headers.size());
    const uint32_t size = slotq_frame_write(&spec, nullptr, 0);
    const std::unique_ptr<char[]> exact(new char[size + 1]);
    exact[size] = '\x55';
    if (size > 0) { /* a byte less: nothing is written */
        std::memset(exact.get(), '\x55', size);
        REQUIRE(slotq_frame_write(&spec, exact.get(), size - 1) == size);
        REQUIRE(std::string(exact.get(), size) == std::string(size, '\x55'));
    }
    REQUIRE(slotq_frame_write(&spec, exact.get(), size) == size);
    REQUIRE(exact[size] == '\x55');
    return std::string(exact.get(), size);
}

struct Read {
    slotq_outcome outcome;
    std::string type;
    std::string body;
    uint64_t due_ms;
};

/* From a block that ends with the payload. */
Read read(const std::string &payload)
{
    const std::unique_ptr<char[]> exact(new char[payload.size()]);
    payload.copy(exact.get(), payload.size());
    const uint32_t size = static_cast<uint32_t>(payload.size());
    slotq_task_info info;
    std::memset(&info, 0x55, sizeof info);
    const slotq_outcome outcome = slotq_frame_read(exact.get(), size, &info);
    REQUIRE(info.payload == exact.get());
    REQUIRE(info.payload_bytes == size);
    REQUIRE(info.id == 0);
    REQUIRE(info.pushed_ms == 0);
    REQUIRE(info.reserved[1] == 0);
    REQUIRE(info.type[info.type_bytes] == '\0');
    return {outcome, std::string(info.type, info.type_bytes),
            std::string(static_cast<const char *>(info.body), info.body_bytes), info.due_ms};
}

void check_plain(const std::string &payload, slotq_outcome outcome = SLOTQ_EMPTY)
{
    CAPTURE(payload);
    const Read found = read(payload);
    CHECK(found.outcome == outcome);
    CHECK(found.type == "");
    CHECK(found.body == payload);
    CHECK(found.due_ms == 0);
}

void check_framed(const std::string &payload, const std::string &type, const std::string &body,
                  uint64_t due_ms = 0)
{
    CAPTURE(payload);
    const Read found = read(payload);
    CHECK(found.outcome == SLOTQ_OK);
    CHECK(found.type == type);
    CHECK(found.body == body);
    CHECK(found.due_ms == due_ms);
}

const char *const absent = "(absent)";

std::string header(const std::string &payload, const char *name)
{
    const void *value = nullptr;
    uint32_t bytes = 0;
    const uint32_t size = static_cast<uint32_t>(payload.size());
    if (!slotq_frame_header(payload.data(), size, name, &value, &bytes)) {
        CHECK(!slotq_frame_header(payload.data(), size, name, nullptr, nullptr));
        return absent;
    }
    CHECK(slotq_frame_header(payload.data(), size, name, nullptr, nullptr));
    return std::string(static_cast<const char *>(value), bytes);
}

/* The rules of slotq_frame.h once more, as a naive reader that splits at NULs. */
slotq_outcome judge_naively(const std::string &payload, Task *task)
{
    const std::string first = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    const std::string name = "abcdefghijklmnopqrstuvwxyz0123456789-";
    const bool is_marked = !payload.empty() && payload[0] == 1;
    const slotq_outcome refused = is_marked ? SLOTQ_INVALID : SLOTQ_EMPTY;
    std::string rest = is_marked ? payload.substr(1) : payload;
    size_t end = rest.find('\0');
    *task = {};
    if (end == std::string::npos || end < 2 || end > 64 ||
        first.find(rest[0]) == std::string::npos ||
        rest.substr(0, end).find_first_not_of(first + "_.:/-") != std::string::npos) {
        return refused;
    }
    task->type = rest.substr(0, end);
    rest = rest.substr(end + 1);
    for (size_t bytes = 0; is_marked; bytes += end + 1) {
        end = rest.find('\0');
        if (end == 0) {
            rest = rest.substr(1);
            break;
        }
        const size_t equals = end == std::string::npos ? end : rest.substr(0, end).find('=');
        if (equals == std::string::npos || equals < 1 || equals > 32 ||
            rest.substr(0, equals).find_first_not_of(name) != std::string::npos ||
            bytes + end + 1 > 1024 || task->headers.size() == 16) {
            return refused;
        }
        task->headers.push_back(
            {rest.substr(0, equals), rest.substr(equals + 1, end - equals - 1)});
        rest = rest.substr(end + 1);
    }
    task->body = rest;
    return SLOTQ_OK;
}

/* Reader and naive reader agree. */
void compare(const std::string &payload)
{
    Task task;
    CAPTURE(payload);
    const slotq_outcome outcome = judge_naively(payload, &task);
    const Read found = read(payload);
    REQUIRE(found.outcome == outcome);
    REQUIRE(found.type == (outcome == SLOTQ_OK ? task.type : ""));
    REQUIRE(found.body == (outcome == SLOTQ_OK ? task.body : payload));
    for (const Header &one : task.headers) {
        REQUIRE((header(payload, one.name.c_str()) != absent) == (outcome == SLOTQ_OK));
    }
}

} // namespace

TEST_CASE("frame: the bytes of both forms", "[frame]")
{
    const Task plain = {"email:deliver", "{\"user\":42}", {}};
    CHECK(write(plain) == "email:deliver\0{\"user\":42}"s);
    CHECK(write(plain).size() == 25);
    check_framed(write(plain), plain.type, plain.body);
    const Task timed = {"email:deliver", "{\"user\":42}", {{"due", "1799000000000"}}};
    CHECK(write(timed) == "\1email:deliver\0due=1799000000000\0\0{\"user\":42}"s);
    CHECK(write(timed).size() == 45);
    check_framed(write(timed), timed.type, timed.body, 1799000000000);
    CHECK(header(write(timed), "due") == "1799000000000");
    /* No headers: form B is as good. */
    check_framed("\1ab\0\0\0x"s, "ab", "\0x"s);
    check_framed("ab\0"s, "ab", "");
    check_framed("\1ab\0\0"s, "ab", "");
    check_framed("ab\0\0"s, "ab", "\0"s);
}

TEST_CASE("frame: what is not a frame is plain", "[frame]")
{
    check_plain("");
    check_plain("\0"s);
    check_plain("ab");
    check_plain("a\0"s);
    check_plain("{\"user\":42}");
    check_plain("email deliver\0x"s);
    check_plain("_email\0x"s);
    check_plain(":a\0x"s);
    check_plain("\2ab\0x"s); /* 02 to 1f are for later forms */
    check_plain("\x1f"
                "ab\0x"s);
    check_plain("a\0b\0c\0"s);      /* UTF-16 */
    check_plain("a\0\0\0b\0\0\0"s); /* UTF-32 */
    check_plain("gr\xc3\xbc\xc3\x9f\x65\0"s);
    CHECK(slotq_frame_header("a\0", 2, "due", nullptr, nullptr) == false);
}

TEST_CASE("frame: a mark without a whole form B is invalid", "[frame]")
{
    const std::string whole = "\1ab\0due=12\0x=\0\0body"s;
    check_framed(whole, "ab", "body", 12);
    for (size_t size = 1; size < whole.size() - 4; size++) {
        check_plain(whole.substr(0, size), SLOTQ_INVALID);
        CHECK(header(whole.substr(0, size), "due") == absent);
    }
    check_plain("\1\1ab\0\0"s, SLOTQ_INVALID);
    check_plain("\1ab\0due\0\0"s, SLOTQ_INVALID);
    check_plain("\1ab\0=12\0\0"s, SLOTQ_INVALID);
    check_plain("\1ab\0Due=12\0\0"s, SLOTQ_INVALID);
    check_plain("\1ab\0a b=12\0\0"s, SLOTQ_INVALID);
    check_plain("\1a\0\0"s, SLOTQ_INVALID);
}

TEST_CASE("frame: sizes at their limits", "[frame]")
{
    const std::string longest(64, 'a');
    check_framed(longest + "\0x"s, longest, "x");
    check_plain(longest + "a\0x"s);
    check_framed("\1"s + longest + "\0\0x"s, longest, "x");
    check_plain("\1"s + longest + "a\0\0x"s, SLOTQ_INVALID);
    CHECK(write({longest, "", {}}).size() == 65);
    CHECK(write({longest + "a", "", {}}).empty());
    CHECK(write({"a", "", {}}).empty());

    const std::string name(32, 'n');
    CHECK(write({"ab", "", {{name, "v"}}}).size() == 1 + 3 + 35 + 1);
    CHECK(write({"ab", "", {{name + "n", "v"}}}).empty());
    check_plain("\1ab\0n"s + name + "=v\0\0"s, SLOTQ_INVALID);

    const std::string value(1021, 'v'); /* n=…00 is 1024 bytes */
    check_framed(write({"ab", "x", {{"n", value}}}), "ab", "x");
    CHECK(header(write({"ab", "x", {{"n", value}}}), "n") == value);
    CHECK(write({"ab", "x", {{"n", value + "v"}}}).empty());
    CHECK(write({"ab", "x", {{"n", value}, {"n", ""}}}).empty());
    check_plain("\1ab\0n="s + value + "v\0\0x"s, SLOTQ_INVALID);

    const std::string half = "n="s + std::string(509, 'v') + '\0'; /* 512 bytes */
    check_framed("\1ab\0"s + half + half + "\0x"s, "ab", "x");
    check_plain("\1ab\0"s + half + half + "n=\0\0x"s, SLOTQ_INVALID);

    Task many = {"ab", "x", std::vector<Header>(16, {"n", "v"})};
    check_framed(write(many), "ab", "x");
    many.headers.push_back({"n", "v"});
    CHECK(write(many).empty());
    std::string bytes = "\1ab\0"s;
    for (int i = 0; i < 17; i++) {
        bytes += "n=v\0"s;
    }
    check_plain(bytes + "\0x"s, SLOTQ_INVALID);
}

TEST_CASE("frame: what is not a task is not written", "[frame]")
{
    CHECK(write({"", "x", {}}).empty());
    CHECK(write({"a b", "x", {}}).empty());
    CHECK(write({".ab", "x", {}}).empty());
    CHECK(write({"ab", "x", {{"", "v"}}}).empty());
    CHECK(write({"ab", "x", {{"N", "v"}}}).empty());
    CHECK(write({"ab", "x", {{"n=", "v"}}}).empty());
    CHECK(write({"ab", "x", {{"n", "v\0"s}}}).empty());
    slotq_task_spec spec = {};
    CHECK(slotq_frame_write(&spec, nullptr, 0) == 0);
    CHECK(slotq_frame_write(nullptr, nullptr, 0) == 0);
    spec.type = "ab";
    CHECK(slotq_frame_write(&spec, nullptr, 0) == 3);
    CHECK(slotq_frame_write(&spec, nullptr, 3) == 0);
    spec.body_bytes = 1;
    CHECK(slotq_frame_write(&spec, nullptr, 0) == 0);
    spec.body = "x";
    spec.header_count = 1;
    CHECK(slotq_frame_write(&spec, nullptr, 0) == 0);
    slotq_header header = {"n", nullptr, 1};
    spec.headers = &header;
    CHECK(slotq_frame_write(&spec, nullptr, 0) == 0);
    header.bytes = UINT32_MAX;
    header.value = "x";
    CHECK(slotq_frame_write(&spec, nullptr, 0) == 0);
    spec.header_count = 0;
    spec.body_bytes = UINT32_MAX - 3;
    CHECK(slotq_frame_write(&spec, nullptr, 0) == UINT32_MAX);
    spec.body_bytes = UINT32_MAX - 2; /* frame and body have no size of 32 bits */
    CHECK(slotq_frame_write(&spec, nullptr, 0) == 0);
    spec.body_bytes = UINT32_MAX;
    CHECK(slotq_frame_write(&spec, nullptr, 0) == 0);
    CHECK(slotq_frame_read("x", 1, nullptr) == SLOTQ_INVALID);
    slotq_task_info info;
    CHECK(slotq_frame_read(nullptr, 1, &info) == SLOTQ_INVALID);
    CHECK(slotq_frame_read(nullptr, 0, &info) == SLOTQ_EMPTY);
    CHECK(!slotq_frame_header("x", 1, nullptr, nullptr, nullptr));
    CHECK(!slotq_frame_header(nullptr, 0, "due", nullptr, nullptr));
}

TEST_CASE("frame: headers by name, unknown ones too, the first of a name", "[frame]")
{
    const Task task = {
        "ab", "x", {{"zz", "1"}, {"due", "7"}, {"due", "8"}, {"empty", ""}, {"eq", "a=b=c"}}};
    const std::string bytes = write(task);
    check_framed(bytes, "ab", "x", 7);
    CHECK(header(bytes, "zz") == "1");
    CHECK(header(bytes, "due") == "7");
    CHECK(header(bytes, "empty") == "");
    CHECK(header(bytes, "eq") == "a=b=c");
    CHECK(header(bytes, "z") == absent);
    CHECK(header(bytes, "zzz") == absent);
    CHECK(header(bytes, "") == absent);
    CHECK(header(bytes, std::string(70, 'z').c_str()) == absent);
    CHECK(header("ab\0due=7\0\0"s, "due") == absent); /* form A: this is its body */
}

TEST_CASE("frame: due is a decimal number of milliseconds, or not known", "[frame]")
{
    const auto due = [](const std::string &value) {
        return read(write({"ab", "x", {{"due", value}}})).due_ms;
    };
    CHECK(due("0") == 0);
    CHECK(due("00012") == 12);
    CHECK(due("140737488355327") == SLOTQ_NOW_MS_MAX);
    CHECK(due("140737488355328") == 0);
    CHECK(due("18446744073709551617") == 0);
    CHECK(due("99999999999999999999999999999999999999") == 0);
    CHECK(due("") == 0);
    CHECK(due("-1") == 0);
    CHECK(due("12x") == 0);
    CHECK(due(" 12") == 0);
    CHECK(read(write({"ab", "x", {{"due", "x"}, {"due", "12"}}})).due_ms == 0);
}

TEST_CASE("frame: every byte with every other value", "[frame]")
{
    for (std::string payload :
         {"ab\0x"s, "\1ab\0\0x"s, "\1a:\0due=12\0n-1=v\0\0x"s, "email:deliver\0{}"s}) {
        for (size_t at = 0; at < payload.size(); at++) {
            const char kept = payload[at];
            for (int value = 0; value < 256; value++) {
                payload[at] = static_cast<char>(value);
                compare(payload);
            }
            payload[at] = kept;
        }
    }
}

TEST_CASE("frame: what was written is read, at random", "[frame]")
{
    std::mt19937 random(20);
    const auto text = [&](size_t least, size_t most, const std::string &from) {
        std::string made;
        for (size_t left = least + random() % (most - least + 1); left > 0; left--) {
            made += from[random() % from.size()];
        }
        return made;
    };
    std::string any;
    for (int byte = 0; byte < 256; byte++) {
        any += static_cast<char>(byte);
    }
    const std::string some = any.substr(1); /* all but 00 */
    for (int round = 0; round < 20000; round++) {
        Task task = {text(1, 1, "aZ09"), text(0, 40, any), {}};
        task.type += text(1, 63, "azAZ09_.:/-");
        for (size_t left = random() % 18 % 17; left > 0; left--) {
            task.headers.push_back({text(1, 32, "az09-"), text(0, 31, some)});
        }
        const std::string bytes = write(task);
        Task back;
        REQUIRE(judge_naively(bytes, &back) == SLOTQ_OK);
        REQUIRE(back.headers.size() == task.headers.size());
        for (size_t i = 0; i < task.headers.size(); i++) {
            REQUIRE(back.headers[i].name == task.headers[i].name);
            REQUIRE(back.headers[i].value == task.headers[i].value);
        }
        REQUIRE(back.type == task.type);
        REQUIRE(back.body == task.body);
        compare(bytes);
        compare(bytes.substr(0, random() % (bytes.size() + 1)));
    }
}

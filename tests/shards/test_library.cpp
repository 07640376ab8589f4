/* test_library.cpp: the library's names, ids, routes and descriptors of sharded queues against
 * those of names.hpp, which was written apart from them; and damaged bytes.
 */
#include <algorithm>
#include <cstring>
#include <random>
#include <set>

#include "../support/catch.hpp"
#include "names.hpp"

extern "C" {
#include "backend/shards/descriptor.h"
#include "backend/shards/ids.h"
#include "backend/shards/names.h"
#include "backend/shards/routing.h"
#include "layout/bytes.h"
#include "layout/checksum.h"
}

namespace
{

enum { HEAD = SHARDS_HEAD_BYTES, ENTRY = SHARDS_ENTRY_BYTES, CHECK_AT = 24 };

using Bytes = std::vector<uint8_t>;

std::string key_by_library(const std::string &name, uint32_t shard, uint32_t k)
{
    shards_key key;
    memset(&key, 'x', sizeof key);
    shards_key_make(&key, name.data(), name.size(), shard, k);
    REQUIRE(strlen(key.text) == key.bytes);
    return key.text;
}

/* What shards_key_read says of a key, "no" or "shard k". */
std::string read_key(const std::string &key, const std::string &name)
{
    const Bytes exact(key.begin(), key.end()); /* no byte behind it may be read */
    uint32_t shard = 7777, k = 7777;
    if (!shards_key_read(reinterpret_cast<const char *>(exact.data()), exact.size(), name.data(),
                         name.size(), &shard, &k)) {
        return shard == 7777 && k == 7777 ? "no" : "refused, but written";
    }
    return std::to_string(shard) + " " + std::to_string(k);
}

std::string fault_of(const std::string &name)
{
    const char *fault = shards_name_fault(name.data(), name.size());
    return fault == nullptr ? "" : fault;
}

Bytes checked(Bytes bytes)
{
    store_u32(&bytes[CHECK_AT], 0);
    store_u32(&bytes[CHECK_AT], checksum_xxh32(bytes.data(), static_cast<uint32_t>(bytes.size())));
    return bytes;
}

/* The rule that the bytes break, with its place, or "". What is read is written as it was. */
std::string refusal(const Bytes &bytes)
{
    const auto read = std::make_unique<shards_descriptor>();
    const Bytes before = bytes;
    slotq_damage damage = {UINT64_MAX, "unset"};
    const slotq_outcome outcome =
        shards_descriptor_read(bytes.data(), bytes.size(), read.get(), &damage);
    REQUIRE(bytes == before);
    if (outcome != SLOTQ_OK) {
        REQUIRE(outcome == SLOTQ_CORRUPT);
        REQUIRE(damage.what != nullptr);
        return std::to_string(damage.offset) + ": " + damage.what;
    }
    REQUIRE(damage.what == nullptr);
    Bytes again(SHARDS_DESCRIPTOR_BYTES_MAX, 0xaa);
    again.resize(shards_descriptor_write(read.get(), again.data()));
    REQUIRE(again == bytes);
    return "";
}

const shards::Descriptor three = {7, 2271560481, 2, 0, {{0, 579, 0}, {1, 346, 0}, {2, 498, 1042}}};

shards::Descriptor drawn(std::mt19937_64 &random)
{
    shards::Descriptor made;
    made.revision = static_cast<uint32_t>(random()) | 1;
    made.set = static_cast<uint32_t>(random()) | 1;
    made.groups = static_cast<uint8_t>(random() % 16 + 1);
    made.flags = static_cast<uint8_t>(random() % 8);
    const bool keyed = (made.flags & SHARDS_FLAG_KEYED) != 0;
    const uint32_t count = random() % 4 == 0 ? random() % 1024 + 1 : random() % 9 + 1;
    for (uint32_t i = 0; i < count; i++) {
        shards::Entry entry;
        entry.state = i == 0 || keyed ? 0 : static_cast<uint8_t>(random() % 4);
        entry.k = static_cast<uint32_t>(random() % (shards::k_max + 1));
        entry.x = entry.state == 0 || entry.state == 2 ? random() >> 17 : 0;
        made.entries.push_back(entry);
    }
    return made;
}

} // namespace

TEST_CASE("library: names and k are those of the other reading", "[library]")
{
    std::mt19937_64 random(1);
    std::vector<std::string> names = {"a", "jobs", std::string(190, 'q'), std::string(1, '\0')};
    for (uint32_t i = 0; i < 40; i++) {
        std::string name;
        for (size_t left = random() % 190 + 1; left > 0; left--) {
            const char byte = static_cast<char>(random());
            name += byte == '{' || byte == '}' || byte == '\0' ? '-' : byte;
        }
        names.push_back(name);
    }
    for (const std::string &name : names) {
        CHECK(fault_of(name) == "");
        for (uint32_t shard = random() % 8; shard < SLOTQ_SHARDS_MAX; shard += 1 + random() % 99) {
            const uint32_t k = shards_find_k(name.data(), name.size(), shard);
            REQUIRE(k == shards::k_of(name, shard));
            const std::string key = shards::key_of(name, shard, k);
            REQUIRE(read_key(key, name) == std::to_string(shard) + " " + std::to_string(k));
            if (name[0] != '\0') {
                REQUIRE(key_by_library(name, shard, k) == key);
            }
        }
    }
}

TEST_CASE("library: every number of a tag is printed and read back", "[library]")
{
    for (uint32_t k = 0; k <= SHARDS_K_MAX; k++) {
        const uint32_t shard = k % SLOTQ_SHARDS_MAX;
        const std::string key = key_by_library("jobs", shard, k);
        REQUIRE(key == shards::key_of("jobs", shard, k));
        REQUIRE(read_key(key, "jobs") == std::to_string(shard) + " " + std::to_string(k));
    }
    CHECK(key_by_library(std::string(190, 'q'), 1023, SHARDS_K_MAX).size() <= SHARDS_KEY_BYTES_MAX);
}

TEST_CASE("library: a name with a brace, none, and one too long are refused", "[library]")
{
    CHECK(fault_of("").find("is empty") == 0);
    CHECK(fault_of(std::string(191, 'q')).find("is too long") == 0);
    CHECK(fault_of("a{b").find("has a brace") == 0);
    CHECK(fault_of("a}").find("has a brace") == 0);
    CHECK(fault_of(std::string("a\0{", 3)).find("has a brace") == 0);
}

TEST_CASE("library: keys that only look like those of a shard are refused", "[library]")
{
    CHECK(read_key("jobs{3.20b}", "jobs") == "3 2603");
    CHECK(read_key("jobs{0.0}", "jobs") == "0 0");
    CHECK(read_key("jobs{1023.6c3}", "jobs") == "1023 8211");
    const char *others[] = {"",
                            "jobs",
                            "jobs{",
                            "jobs{}",
                            "jobs{.}",
                            "jobs{3.}",
                            "jobs{.3}",
                            "jobs{3.20b",
                            "jobs3.20b}",
                            "mail{3.20b}",
                            "xjobs{3.20b}",
                            "jobs{3.20B}",
                            "jobs{03.1}",
                            "jobs{3.01}",
                            "jobs{3.00}",
                            "jobs{1024.1}",
                            "jobs{3.6c4}",
                            "jobs{3.1.1}",
                            "jobs{+3.1}",
                            "jobs{3. 1}",
                            "jobs{a.1}",
                            "jobs{-1.1}",
                            "jobs{3.1}}",
                            "jobs{{3.1}",
                            "jobs{3.1}x",
                            "jobs{3/1}",
                            "jobs{3.zzzzzzzzzzzzzzzzzzzzzzzzzzzzz}",
                            "jobs{18446744073709551619.1}"};
    for (const char *other : others) {
        CAPTURE(other);
        CHECK(read_key(other, "jobs") == "no");
    }
}

TEST_CASE("library: ids as numbers and as text", "[library]")
{
    std::mt19937_64 random(2);
    for (uint32_t shard = 0; shard < SLOTQ_SHARDS_MAX; shard++) {
        for (const uint64_t id :
             {uint64_t{1}, uint64_t{1042}, SLOTQ_ID_MAX, random() % SLOTQ_ID_MAX + 1}) {
            const uint64_t whole = shards_id_of(shard, id);
            REQUIRE(whole == shards::id_of(shard, id));
            uint32_t shard_back = 0;
            uint64_t id_back = 0;
            REQUIRE(shards_id_split(whole, shard + 1, &shard_back, &id_back));
            REQUIRE(shard_back == shard);
            REQUIRE(id_back == id);
            REQUIRE(!shards_id_split(whole, shard, &shard_back, &id_back));
            char text[SHARDS_ID_TEXT_BYTES];
            const size_t length = shards_id_print(text, whole);
            REQUIRE(std::string(text, length) == std::to_string(shard) + "-" + std::to_string(id));
            REQUIRE(text[length] == '\0');
            uint64_t read = 0;
            REQUIRE(shards_id_read(text, length, &read));
            REQUIRE(read == whole);
        }
    }
}

TEST_CASE("library: a wrong id is refused, and nothing is set", "[library]")
{
    const uint64_t one = UINT64_C(1) << 48;
    for (const uint64_t whole : {uint64_t{0}, uint64_t{1042}, SLOTQ_ID_MAX, one, 4 * one,
                                 one | UINT64_C(1) << 47, 5 * one | 1, UINT64_MAX}) {
        uint32_t shard = 7777;
        uint64_t id = 7777;
        CAPTURE(whole);
        CHECK(!shards_id_split(whole, 4, &shard, &id));
        CHECK(shard == 7777);
        CHECK(id == 7777);
    }
    const char *texts[] = {"",
                           "-",
                           "1042",
                           "3-",
                           "-1",
                           "3-0",
                           "03-1",
                           "3-01",
                           "3--1",
                           "3-1 ",
                           " 3-1",
                           "3-1a",
                           "a-1",
                           "1024-1",
                           "3-+1",
                           "3-1-1",
                           "+3-1",
                           "3.1",
                           "3-140737488355328",
                           "3-99999999999999999999999",
                           "99999999999999999999999-1"};
    for (const char *text : texts) {
        const Bytes exact(text, text + strlen(text));
        uint64_t whole = 7777;
        CAPTURE(text);
        CHECK(!shards_id_read(reinterpret_cast<const char *>(exact.data()), exact.size(), &whole));
        CHECK(whole == 7777);
    }
}

TEST_CASE("library: routes are those of the other reading", "[library]")
{
    std::mt19937_64 random(3);
    for (uint32_t i = 0; i < 100000; i++) {
        const uint64_t key = i == 0 ? UINT64_MAX : random();
        const uint32_t count = static_cast<uint32_t>(random() % SLOTQ_SHARDS_MAX) + 1;
        const uint32_t shard = shards_route(key, count);
        REQUIRE(shard == shards::route_of(key, count));
        REQUIRE(shard < count);
    }
}

TEST_CASE("library: descriptors are read, and written to the same bytes", "[library]")
{
    std::mt19937_64 random(4);
    for (uint32_t i = 0; i < 2000; i++) {
        const shards::Descriptor made = drawn(random);
        const Bytes bytes = shards::bytes_of(made);
        REQUIRE(refusal(bytes) == "");
        const auto read = std::make_unique<shards_descriptor>();
        slotq_damage damage;
        REQUIRE(shards_descriptor_read(bytes.data(), bytes.size(), read.get(), &damage) ==
                SLOTQ_OK);
        REQUIRE(read->revision == made.revision);
        REQUIRE(read->set == made.set);
        REQUIRE(read->count == made.entries.size());
        REQUIRE(read->groups == made.groups);
        REQUIRE(read->flags == made.flags);
        for (size_t at = 0; at < made.entries.size(); at++) {
            REQUIRE(read->entries[at].state == made.entries[at].state);
            REQUIRE(read->entries[at].k == made.entries[at].k);
            REQUIRE(read->entries[at].x == made.entries[at].x);
        }
    }
}

TEST_CASE("library: a descriptor with any byte or bit damaged, or cut, is refused", "[library]")
{
    const Bytes sound = shards::bytes_of(three);
    for (size_t at = 0; at < sound.size(); at++) {
        for (uint32_t value = 0; value < 256; value++) {
            Bytes bytes = sound;
            bytes[at] = static_cast<uint8_t>(value);
            REQUIRE((refusal(bytes) == "") == (bytes == sound));
            refusal(checked(bytes)); /* refused, or read and written as it is */
        }
    }
    for (size_t size = 0; size < sound.size() + 30; size++) {
        Bytes bytes = sound;
        bytes.resize(size);
        REQUIRE((refusal(bytes) == "") == (size == sound.size()));
    }
    CHECK(refusal(Bytes(SHARDS_DESCRIPTOR_BYTES_MAX + ENTRY)) != "");
}

TEST_CASE("library: each rule of a descriptor refuses what breaks it alone", "[library]")
{
    const auto broken = [](const shards::Descriptor &descriptor, size_t at, uint8_t value) {
        Bytes bytes = shards::bytes_of(descriptor);
        bytes.at(at) = value;
        return refusal(checked(bytes));
    };
    const shards::Descriptor keyed = {1, 1, 1, 1, {{0, 1, 0}, {0, 2, 0}}};
    const shards::Descriptor keyed_making = {1, 1, 1, 3, {{0, 1, 0}, {3, 2, 0}}};
    CHECK(broken(three, 0, 1) == "8: it is not the descriptor of a sharded queue");
    CHECK(broken(three, 8, 'X') == "8: it is not the descriptor of a sharded queue");
    CHECK(broken(three, 12, 0) == "12: the revision is 0");
    CHECK(broken({1, 1, 1, 0, {{0, 1, 0}}}, 16, 0) == "16: set is 0");
    CHECK(broken(three, 20, 2) == "20: its size is not that of so many shards");
    CHECK(broken(three, 22, 0) == "22: groups is not 1 to 16");
    CHECK(broken(three, 22, 17) == "22: groups is not 1 to 16");
    CHECK(broken(three, 23, 8) == "23: a flag is not known");
    CHECK(broken(three, 31, 1) == "28: a reserved byte is not 0");
    CHECK(broken(three, HEAD, 4) == "32: the state of a shard is not known");
    CHECK(broken(three, HEAD, 255) == "32: the state of a shard is not known");
    CHECK(broken(three, HEAD + ENTRY + 1, 1) == "45: a reserved byte is not 0");
    CHECK(broken(three, HEAD + 3, 0x40) == "34: the number in a shard's tag is above 8211");
    CHECK(broken(three, HEAD + 11, 0x80) == "38: the time of an open shard is out of range");
    CHECK(broken(three, HEAD + 2 * ENTRY + 11, 0x80) ==
          "62: the last id of a shard is out of range");
    CHECK(broken(three, HEAD + ENTRY + 6, 1) ==
          "50: a shard that is made or drained has a time or an id");
    CHECK(broken(three, HEAD, 1) == "32: no shard is open");
    for (const uint8_t state : {1, 2, 3}) {
        CHECK(broken(keyed, HEAD + ENTRY, state) ==
              "44: a shard of a keyed queue is not open after its creation");
    }
    CHECK(refusal(shards::bytes_of(keyed_making)) == "");
    CHECK(broken(keyed_making, HEAD + ENTRY, 1) ==
          "44: a shard of a keyed queue is not open after its creation");
    const shards::Descriptor made = {1, 1, 1, 2, {{3, 1, 0}}}, removed = {1, 1, 1, 4, {{1, 1, 0}}};
    CHECK(refusal(shards::bytes_of(made)) == "");
    CHECK(refusal(shards::bytes_of(removed)) == "");
    CHECK(broken(made, 23, 0) == "32: no shard is open");
    shards::Descriptor largest = {1, 1, 16, 0, std::vector<shards::Entry>(1024)};
    CHECK(refusal(shards::bytes_of(largest)) == "");
    largest.entries.emplace_back();
    CHECK(refusal(shards::bytes_of(largest)) == "20: its size is not that of 1 to 1024 shards");
}

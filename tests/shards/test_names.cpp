/* test_names.cpp: runs the examples of engine/SHARDS.md, line by line, and holds what the page
 * claims of names and routes against figures.
 */
#include <algorithm>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>

#include "../support/catch.hpp"
#include "names.hpp"

#ifndef SLOTQ_SOURCE_DIR
#define SLOTQ_SOURCE_DIR "."
#endif

namespace
{

std::string in_hex(const std::vector<uint8_t> &bytes)
{
    std::ostringstream text;
    for (const uint8_t byte : bytes) {
        const char *digits = "0123456789ABCDEF";
        text << (text.tellp() > 0 ? " " : "") << digits[byte >> 4] << digits[byte & 15];
    }
    return text.str();
}

/* "descriptor revision=… set=… groups=… flags=…", then "state:k:x" of each entry. */
shards::Descriptor read_descriptor(std::istringstream &words)
{
    shards::Descriptor descriptor;
    uint32_t groups = 0, flags = 0, state = 0, k = 0;
    char sign = 0;
    words >> descriptor.revision >> descriptor.set >> groups >> flags;
    descriptor.groups = static_cast<uint8_t>(groups);
    descriptor.flags = static_cast<uint8_t>(flags);
    for (uint64_t x = 0; words >> state >> sign >> k >> sign >> x;) {
        descriptor.entries.push_back({static_cast<uint8_t>(state), k, x});
    }
    return descriptor;
}

std::string answer(const std::string &call)
{
    std::istringstream words(call);
    std::string verb, name;
    uint32_t shard = 0;
    uint64_t number = 0;
    words >> verb;
    std::ostringstream text;
    if (verb == "slot") {
        words >> name;
        text << shards::slot_of(name);
    } else if (verb == "shard") {
        words >> name >> shard;
        const std::string key = shards::key_of(name, shard, shards::k_of(name, shard));
        text << key << " target " << shards::target_of(name, shard) << " slot "
             << shards::slot_of(key);
    } else if (verb == "id") {
        words >> shard >> number;
        text << shards::id_of(shard, number) << " " << shard << "-" << number;
    } else if (verb == "route") {
        words >> std::hex >> number >> std::dec >> shard;
        text << shards::route_of(number, shard);
    } else if (verb == "descriptor") {
        text << in_hex(shards::bytes_of(read_descriptor(words)));
    }
    return text.str();
}

/* The fullest of so many nodes with equal ranges of slots, over the mean. */
double fullest(const std::vector<uint32_t> &slots, uint32_t nodes)
{
    std::vector<uint32_t> shards(nodes);
    for (const uint32_t slot : slots) {
        shards[slot * nodes / shards::slots]++;
    }
    return *std::max_element(shards.begin(), shards.end()) * nodes /
           static_cast<double>(slots.size());
}

} // namespace

TEST_CASE("the examples of SHARDS.md hold")
{
    std::ifstream page(SLOTQ_SOURCE_DIR "/engine/SHARDS.md");
    REQUIRE(page.is_open());
    uint32_t examples = 0;
    bool inside = false;
    std::string line, call, expected;
    while (std::getline(page, line)) {
        if (line == "```slotq-shards" || line == "```") {
            inside = line != "```";
        } else if (inside && line.compare(0, 3, "   ") != 0) {
            const size_t arrow = line.find(" ->");
            REQUIRE(arrow != std::string::npos);
            call = line.substr(0, arrow);
            expected = line.size() > arrow + 4 ? line.substr(arrow + 4) : "";
        } else if (inside) { /* bytes go on */
            expected += (expected.empty() ? "" : " ") + line.substr(4);
        }
        if (inside && !call.empty() && page.peek() != ' ') {
            CAPTURE(call);
            CHECK(answer(call) == expected);
            examples++;
            call.clear();
        }
    }
    CHECK(examples >= 12);
}

TEST_CASE("shards: every name has a k for each of 1024 shards, the largest is 8211")
{
    uint32_t largest = 0;
    uint64_t sum = 0;
    for (uint32_t shard = 0; shard < shards::shards_max; shard++) {
        std::vector<bool> reached(shards::slots);
        uint32_t left = shards::slots, k = 0;
        for (; left > 0 && k <= shards::k_max; k++) {
            const uint32_t slot = shards::slot_of(shards::key_of("", shard, k));
            for (uint32_t off = 0; off <= 16; off++) {
                const uint32_t target = (slot + shards::slots - 8 + off) % shards::slots;
                sum += reached[target] ? 0 : k;
                left -= !reached[target];
                reached[target] = true;
            }
        }
        REQUIRE(left == 0);
        largest = std::max(largest, k - 1);
    }
    CHECK(largest == shards::k_max);
    CHECK(sum / shards::shards_max / shards::slots < 900);
}

TEST_CASE("shards: the fullest node has few shards more than the mean")
{
    std::mt19937 random(1);
    double worst = 0, sum = 0, by_chance = 0;
    const uint32_t names = 200;
    for (uint32_t i = 0; i < names; i++) {
        const std::string name = "queue-" + std::to_string(i);
        std::vector<uint32_t> placed, drawn;
        for (uint32_t shard = 0; shard < 16; shard++) {
            placed.push_back(
                shards::slot_of(shards::key_of(name, shard, shards::k_of(name, shard))));
            drawn.push_back(static_cast<uint32_t>(random() % shards::slots));
        }
        sum += fullest(placed, 3) / names;
        worst = std::max(worst, fullest(placed, 3));
        by_chance += fullest(drawn, 3) / names;
    }
    std::cout << "shards: 16 on 3 nodes, fullest / mean " << sum << ", worst " << worst
              << ", by chance " << by_chance << "\n";
    CHECK(worst < 1.2);
    CHECK(by_chance > 1.3);
}

TEST_CASE("shards: the route of a key leaves all buckets of its shard in use")
{
    std::mt19937_64 random(1);
    const uint32_t entries = 16, buckets = 1024;
    std::vector<uint64_t> high(buckets), low(buckets);
    std::vector<uint32_t> routed(entries);
    for (uint32_t i = 0; i < 400000; i++) {
        uint64_t key = random();
        key |= (key & 0xff) == 0;
        routed[shards::route_of(key, entries)]++;
        const uint32_t bucket = static_cast<uint32_t>(key) % buckets;
        high[bucket] += shards::route_of(key, entries) == 3;
        low[bucket] += key % entries == 3;
    }
    const auto used = [](const std::vector<uint64_t> &counts) {
        return std::count_if(counts.begin(), counts.end(), [](uint64_t n) { return n > 0; });
    };
    CHECK(used(high) == buckets - buckets / 256); /* a key's low byte is never 0 */
    CHECK(used(low) == buckets / entries);        /* which is why it is not the key mod n */
    CHECK(*std::max_element(routed.begin(), routed.end()) < 400000 / entries * 1.02);
}

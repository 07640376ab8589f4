// test_records.cpp: the record splitter: lines, NULs, wholes, in any pieces, up to any limit.
// Holds it against a plain split of the whole input.
#include "catch.hpp"

#include <random>
#include <string>
#include <vector>

extern "C" {
#include "tools/slotq/say/records.h"
}

namespace
{

struct cut {
    std::string bytes; // empty for one that is too long
    size_t size;
    bool too_long;
    bool operator==(const cut &other) const
    {
        return bytes == other.bytes && size == other.size && too_long == other.too_long;
    }
};

std::vector<cut> plain_split(const std::string &input, record_mode mode, size_t limit)
{
    std::vector<std::string> parts;
    if (mode == RECORD_WHOLE) {
        parts.push_back(input);
    } else {
        const char ender = mode == RECORD_LINES ? '\n' : '\0';
        size_t from = 0;
        for (size_t at; (at = input.find(ender, from)) != std::string::npos; from = at + 1) {
            parts.push_back(input.substr(from, at - from));
        }
        if (from < input.size()) {
            parts.push_back(input.substr(from));
        }
    }
    std::vector<cut> cuts;
    for (const auto &part : parts) {
        const bool too_long = part.size() > limit;
        cuts.push_back({too_long ? "" : part, part.size(), too_long});
    }
    return cuts;
}

std::vector<cut> read_in_pieces(const std::string &input, record_mode mode, size_t limit,
                                const std::vector<size_t> &pieces)
{
    std::vector<uint8_t> part(limit);
    std::vector<cut> cuts;
    record_reader reader;
    record_reader_start(&reader, mode, limit, limit != 0 ? part.data() : nullptr);
    size_t fed = 0;
    size_t piece = 0;
    std::string held; // a piece's bytes live no longer than they must
    for (;;) {
        record next;
        const record_answer answer = record_reader_next(&reader, &next);
        if (answer == RECORD_END) {
            return cuts;
        }
        if (answer == RECORD_NEED_MORE) {
            if (fed == input.size()) {
                record_reader_finish(&reader);
                continue;
            }
            size_t size = piece < pieces.size() ? pieces[piece++] : input.size();
            size = size < input.size() - fed ? size : input.size() - fed;
            held = input.substr(fed, size);
            record_reader_feed(&reader, held.data(), held.size());
            fed += size;
            continue;
        }
        const bool too_long = answer == RECORD_TOO_LONG;
        REQUIRE(next.number == cuts.size() + 1);
        REQUIRE((next.bytes == nullptr || !too_long));
        const std::string bytes =
            next.bytes == nullptr
                ? ""
                : std::string(reinterpret_cast<const char *>(next.bytes), next.size);
        cuts.push_back({bytes, next.size, too_long});
    }
}

} // namespace

TEST_CASE("a line a record, the last one without an end")
{
    const auto cuts = read_in_pieces("one\n\ntwo", RECORD_LINES, 10, {});
    REQUIRE(cuts.size() == 3);
    CHECK(cuts[0].bytes == "one");
    CHECK(cuts[1].bytes.empty());
    CHECK(cuts[2].bytes == "two");
}

TEST_CASE("nothing has no record, but as a whole it is one")
{
    CHECK(read_in_pieces("", RECORD_LINES, 10, {}).empty());
    CHECK(read_in_pieces("", RECORD_NULS, 10, {}).empty());
    CHECK(read_in_pieces("", RECORD_WHOLE, 10, {}).size() == 1);
}

TEST_CASE("a record over the limit is counted, and the next one is found")
{
    const auto cuts = read_in_pieces("ab\nabcdef\ncd\n", RECORD_LINES, 3, {2, 3, 1, 1});
    REQUIRE(cuts.size() == 3);
    CHECK(cuts[1].too_long);
    CHECK(cuts[1].size == 6);
    CHECK(cuts[2].bytes == "cd");
}

TEST_CASE("what has begun and not ended is known")
{
    uint8_t part[2];
    record next;
    record_reader reader;
    record_reader_start(&reader, RECORD_LINES, sizeof part, part);
    record_reader_feed(&reader, "abcde", 5);
    CHECK(record_reader_next(&reader, &next) == RECORD_NEED_MORE);
    CHECK(record_reader_pending(&reader) == 5);
}

TEST_CASE("any input in any pieces is what a plain split gives")
{
    std::mt19937 chance(20240229);
    for (int round = 0; round < 20000; round++) {
        const auto mode = static_cast<record_mode>(chance() % 3);
        const size_t limit = chance() % 12;
        std::string input(chance() % 60, '\0');
        for (auto &byte : input) {
            byte = "ab\n\0"[chance() % 4];
        }
        std::vector<size_t> pieces;
        for (int i = 0; i < 60; i++) {
            pieces.push_back(chance() % 9);
        }
        REQUIRE(read_in_pieces(input, mode, limit, pieces) == plain_split(input, mode, limit));
    }
}

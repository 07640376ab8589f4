/* test_ids.cpp: ids as text (slotq_shards.h): both forms there and back, and what is neither.
 */
#include <cstring>
#include <string>

#include "catch.hpp"
#include "slotq.h"

namespace
{

std::string printed(uint64_t id)
{
    char text[SLOTQ_ID_TEXT_BYTES];
    const size_t length = slotq_id_print(text, id);
    CHECK(length == strlen(text));
    return text;
}

uint64_t in_shard(uint64_t shard, uint64_t id)
{
    return ((shard + 1) << 48) | id;
}

} // namespace

TEST_CASE("ids are printed and read back, those of shards too", "[ids]")
{
    const struct {
        uint64_t id;
        const char *text;
    } pairs[] = {
        {1, "1"},
        {1042, "1042"},
        {SLOTQ_ID_MAX, "140737488355327"},
        {in_shard(0, 1), "0-1"},
        {in_shard(3, 1042), "3-1042"},
        {in_shard(SLOTQ_SHARDS_MAX - 1, SLOTQ_ID_MAX), "1023-140737488355327"},
    };
    for (const auto &pair : pairs) {
        uint64_t id = 7;
        CHECK(printed(pair.id) == pair.text);
        CHECK(slotq_id_read(pair.text, strlen(pair.text), &id));
        CHECK(id == pair.id);
    }
    CHECK(printed(0) == "0"); /* of a queue that had no message yet */
}

TEST_CASE("text that is not an id is not read, and nothing is set", "[ids]")
{
    for (const char *text :
         {"", "0", "01", "-", "1-", "-1", "1-0", "01-1", "1-01", "1024-1", "0-140737488355328",
          "140737488355328", "99999999999999999999", "1 ", " 1", "1-2-3", "+1", "1.0", "x"}) {
        uint64_t id = 7;
        INFO(text);
        CHECK_FALSE(slotq_id_read(text, strlen(text), &id));
        CHECK(id == 7);
    }
    uint64_t id = 7;
    CHECK(slotq_id_read("12:34", 2, &id));
    CHECK(id == 12);
}

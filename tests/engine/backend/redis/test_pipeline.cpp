/* test_pipeline.cpp: pipelines at their edges: verbs that are refused before anything is sent,
 * results asked for late, servers that refuse a script. Knows the public headers and a private
 * server.
 */
#include "catch.hpp"

#include "served.hpp"

namespace
{

const slotq_data hello = {"hello", 5};
const slotq_data too_big = {"seventeen bytes!!", 17};

struct World : Opened {
    slotq_pipeline *pipeline = nullptr;

    World()
    {
        REQUIRE(slotq_pipeline_new(queue, &pipeline, nullptr) == SLOTQ_OK);
    }
    ~World()
    {
        slotq_pipeline_free(pipeline);
    }

    uint32_t put(const slotq_data &data)
    {
        uint32_t index = 99;
        REQUIRE(slotq_pipeline_push(pipeline, &data, 1, &index) == SLOTQ_OK);
        return index;
    }
    slotq_pipeline_result result(uint32_t index) const
    {
        slotq_pipeline_result result = {};
        REQUIRE(slotq_pipeline_get(pipeline, index, &result) == SLOTQ_OK);
        return result;
    }
};

} // namespace

TEST_CASE("verbs of which none needs to be sent have their outcomes with the bytes")
{
    World world;
    const void *bytes = nullptr;
    size_t size = 99;
    uint32_t replies = 99;
    CHECK(world.put(too_big) == 0);
    REQUIRE(slotq_pipeline_build(world.pipeline, false, &bytes, &size, &replies) == SLOTQ_OK);
    CHECK((size == 0 && replies == 0));
    CHECK(world.result(0).outcome == SLOTQ_TOOBIG);
    CHECK(world.put(hello) == 0); /* begun anew */
    REQUIRE(slotq_pipeline_build(world.pipeline, true, &bytes, &size, &replies) == SLOTQ_OK);
    CHECK(replies == 5);
}

TEST_CASE("a reserve's count is told after its batch was settled or freed")
{
    World world;
    slotq_batch *batch = slotq_batch_new();
    world.put(hello);
    world.put(hello);
    REQUIRE(slotq_pipeline_reserve(world.pipeline, 0, 5, 30000, batch, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_pipeline_run(world.pipeline) == SLOTQ_OK);
    CHECK(world.result(2).count == 2);
    REQUIRE(slotq_ack_batch(world.queue, batch) == SLOTQ_OK);
    CHECK(world.result(2).count == 2);
    slotq_batch_free(batch);
    CHECK(world.result(2).count == 2);
}

TEST_CASE("a script that could not be loaded is not taken for known")
{
    World world;
    slotq_batch *batch = slotq_batch_new();
    slotq *other = nullptr;
    /* the server knows reserve, and not push */
    REQUIRE(world.server.command({"SCRIPT", "FLUSH"}).is_status("OK"));
    REQUIRE(slotq_clone(world.queue, &other, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_reserve(other, 0, 1, 1000, 0, batch) == SLOTQ_EMPTY);
    world.server.command({"ACL", "SETUSER", "default", "-script|load", "-evalsha",
                          "-fcall"});
    const uint32_t push = world.put(hello);
    REQUIRE(slotq_pipeline_reserve(world.pipeline, 0, 1, 30000, batch, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_pipeline_run(world.pipeline) == SLOTQ_IO);
    CHECK(world.result(push).outcome == SLOTQ_IO);
    world.server.command({"ACL", "SETUSER", "default", "+@all"});
    world.put(hello);
    REQUIRE(slotq_pipeline_reserve(world.pipeline, 0, 1, 30000, batch, nullptr) == SLOTQ_OK);
    REQUIRE(slotq_pipeline_run(world.pipeline) == SLOTQ_OK);
    CHECK(slotq_batch_count(batch) == 1); /* the push came first */
    slotq_close(other);
    slotq_batch_free(batch);
}

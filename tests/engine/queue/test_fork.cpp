/* test_fork.cpp: handles in a child that got them by fork: an exclusive one refuses everything
 * there and changes nothing, a shared one goes on.
 */
#include "catch.hpp"

#include <cerrno>
#include <cstring>

#include "any_queue.hpp"
#include "child.hpp"

using namespace any_queue;

namespace
{

int pretended_madvise; /* its errno; 0: the truth */

bool is_refused(slotq *queue, slotq_outcome outcome)
{
    const slotq_error *error = slotq_error_of(queue);
    return outcome == SLOTQ_UNSUPPORTED && error->outcome == SLOTQ_UNSUPPORTED &&
           strstr(error->text, "opened exclusively before the process forked") != nullptr &&
           strstr(error->text, "open the queue again in the child") != nullptr;
}

/* 0, or the line of a verb that did not refuse. */
int try_to_change(slotq *queue, const Message &leased, slotq_batch *given)
{
    const slotq_data data = {"child", 5};
    const uint64_t id = leased.id;
    const uint32_t token = leased.token;
    uint32_t new_token = 0;
    NEED(is_refused(queue, slotq_push(queue, &data, 1, nullptr)));
    NEED(is_refused(queue, slotq_push_wait(queue, &data, 1, 60000, nullptr)));
    NEED(is_refused(queue, slotq_reserve(queue, 0, 1, 30000, 60000, given)));
    NEED(slotq_batch_count(given) == 0);
    NEED(is_refused(queue, slotq_ack(queue, 0, id, token)));
    NEED(is_refused(queue, slotq_nack(queue, 0, id, token, 0, 1)));
    NEED(is_refused(queue, slotq_release(queue, 0, id, token, 0)));
    NEED(is_refused(queue, slotq_extend(queue, 0, id, token, 30000, &new_token)));
    NEED(is_refused(queue, slotq_kill(queue, 0, id, token, 1)));
    NEED(is_refused(queue, slotq_remove(queue, 0, 2)));
    NEED(is_refused(queue, slotq_reclaim(queue, 0, nullptr, nullptr)));
    NEED(is_refused(queue, slotq_dead_redrive(queue, 0, nullptr, nullptr, nullptr)));
    NEED(is_refused(queue, slotq_dead_purge(queue, nullptr)));
    NEED(is_refused(queue, slotq_pause(queue, SLOTQ_PAUSE_BOTH)));
    NEED(is_refused(queue, slotq_resume(queue, SLOTQ_PAUSE_BOTH)));
    NEED(is_refused(queue, slotq_purge(queue)));
    return 0;
}

int try_to_look(slotq *queue, slotq_batch *given)
{
    slotq_status status = {};
    slotq_stats stats = {};
    slotq_error error = {};
    uint32_t position = 0;
    slotq *other = queue;
    std::vector<uint8_t> bytes(slotq_image_bytes(queue));
    NEED(is_refused(queue, slotq_get_status(queue, 0, 1, &status)));
    NEED(is_refused(queue, slotq_position(queue, 0, 2, &position)));
    NEED(is_refused(queue, slotq_get_stats(queue, 0, &stats)));
    NEED(is_refused(queue, slotq_peek(queue, 0, 0, 9, given)));
    NEED(is_refused(queue, slotq_dead_list(queue, 0, 9, given)));
    NEED(is_refused(queue, slotq_check(queue)));
    NEED(is_refused(queue, slotq_export(queue, bytes.data(), bytes.size())));
    NEED(slotq_clone(queue, &other, &error) == SLOTQ_UNSUPPORTED);
    NEED(strstr(error.text, "before the process forked") != nullptr);
    NEED(other == nullptr);
    return 0;
}

/* All verbs, then close, in a child. */
int try_all(slotq *queue, const Message &leased)
{
    return in_child([&] {
        const Batch given = batch();
        const int changed = try_to_change(queue, leased, given.get());
        const int looked = changed != 0 ? changed : try_to_look(queue, given.get());
        NEED(slotq_geometry_of(queue)->ring_slots == 9);
        slotq_close(queue);
        return looked;
    });
}

} // namespace

extern "C" int __real_madvise(void *address, size_t length, int advice);
extern "C" int __wrap_madvise(void *address, size_t length, int advice)
{
    if (pretended_madvise != 0) {
        errno = pretended_madvise;
        return -1;
    }
    return __real_madvise(address, length, advice);
}

TEST_CASE("an exclusive handle refuses every verb in a forked child", "[fork]")
{
    pretended_madvise = GENERATE(0, EINVAL); /* with the page, and with the process's number */
    Queue queue(Kind::file_exclusive);
    pretended_madvise = 0;
    queue.fill(3);
    const Message leased = queue.reserve_one();
    const std::string path = queue.folder().file("q.slotq");
    const std::vector<uint8_t> image = read_file(path);
    const std::vector<uint8_t> journal = read_file(path + "-journal");
    CHECK(try_all(queue, leased) == 0);
    CHECK(in_child([&] { return try_all(queue, leased); }) == 0); /* and in a child's child */
    CHECK(read_file(path) == image);
    CHECK(read_file(path + "-journal") == journal);
    slotq *other = nullptr;
    CHECK(slotq_open(queue.folder().path(), "q", nullptr, &other, nullptr) == SLOTQ_LOCKED);
    CHECK(slotq_ack(queue, 0, leased.id, leased.token) == SLOTQ_OK);
    CHECK(queue.push("parent") == SLOTQ_OK);
    CHECK(slotq_check(queue) == SLOTQ_OK);
    queue.reopen();
    CHECK(queue.stats().ready == 3);
}

TEST_CASE("a child that closes an exclusive handle leaves the step of its parent", "[fork]")
{
    Queue queue(Kind::file);
    queue.fill(2);
    queue.close();
    slotq *mine = nullptr;
    slotq_options options = queue.options();
    options.exclusive = true;
    options.sync = SLOTQ_SYNC_ALWAYS; /* the step stays in the journal until the next one */
    REQUIRE(slotq_open(queue.folder().path(), "q", &options, &mine, nullptr) == SLOTQ_OK);
    const Batch given = batch();
    REQUIRE(slotq_reserve(mine, 0, 1, 30000, 0, given.get()) == SLOTQ_OK);
    const Message leased = messages(given.get())[0];
    const std::string path = queue.folder().file("q.slotq");
    const std::vector<uint8_t> image = read_file(path);
    const std::vector<uint8_t> journal = read_file(path + "-journal");
    REQUIRE((journal[192] | journal[193] | journal[194] | journal[195]) != 0); /* live */
    CHECK(try_all(mine, leased) == 0);
    CHECK(read_file(path) == image);
    CHECK(read_file(path + "-journal") == journal);
    CHECK(slotq_ack(mine, 0, leased.id, leased.token) == SLOTQ_OK);
    slotq_close(mine);
    queue.reopen();
    CHECK(slotq_check(queue) == SLOTQ_OK);
    CHECK(queue.stats().acked == 1);
}

TEST_CASE("a shared handle goes on in a forked child", "[fork]")
{
    Queue queue(Kind::file);
    queue.fill(1);
    CHECK(in_child([&] {
              NEED(queue.push("child") == SLOTQ_OK);
              NEED(slotq_check(queue) == SLOTQ_OK);
              slotq_close(queue);
              return 0;
          }) == 0);
    CHECK(queue.reserve(9).size() == 2);
    CHECK(slotq_check(queue) == SLOTQ_OK);
}

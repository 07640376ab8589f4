/* test_note.cpp: what a handler says of a message that dies is kept with it.
 */
#include "catch.hpp"

#include <map>

#include "looping.hpp"

using namespace any_queue;
using namespace working;

namespace
{

Geometry noted_geometry()
{
    Geometry made = real_geometry();
    made.raw.note_bytes = 12;
    return made;
}

/* The notes of the dead section, by id. */
std::map<uint64_t, std::string> notes(slotq *queue)
{
    std::map<uint64_t, std::string> all;
    const Batch got = batch();
    slotq_message message;
    REQUIRE(slotq_dead_list(queue, 0, 100, got.get()) == SLOTQ_OK);
    while (slotq_batch_next(got.get(), &message)) {
        const auto *text = static_cast<const char *>(message.note);
        all[message.id] = text != nullptr ? std::string(text, message.note_bytes) : "";
    }
    return all;
}

slotq_outcome note(slotq_task *task, const std::string &text)
{
    return slotq_task_note(task, text.data(), static_cast<uint32_t>(text.size()));
}

} // namespace

TEST_CASE("a note dies with its message, and with no other", "[note]")
{
    const Kind kind = each_shared_kind();
    CAPTURE(kind);
    Live queue(kind, noted_geometry());
    Working work;
    work.options.threads = 1;
    work.handle("a:dead", [](slotq_task *task) {
        CHECK(note(task, "another") == SLOTQ_OK);
        CHECK(note(task, "no space left on disk") == SLOTQ_OK);
        return slotq_result_dead(9);
    });
    work.handle("a:silent", [](slotq_task *) { return slotq_result_dead(9); });
    slotq_handler once = {};
    once.attempts_most = 1;
    work.handle(
        "a:last",
        [](slotq_task *task) {
            CHECK(note(task, "last") == SLOTQ_OK);
            return slotq_result_retry(7);
        },
        once);
    work.handle("a:done", [](slotq_task *task) {
        CHECK(note(task, "not kept") == SLOTQ_OK);
        CHECK(note(task, std::string(SLOTQ_NOTE_BYTES_MAX + 1, 'x')) == SLOTQ_INVALID);
        CHECK(slotq_task_note(task, nullptr, 1) == SLOTQ_INVALID);
        CHECK(slotq_task_note(nullptr, "x", 1) == SLOTQ_INVALID);
        return slotq_result_done();
    });
    std::map<uint64_t, std::string> wanted;
    for (int i = 0; i < 4; i++) {
        push_task(queue, "a:done");
        wanted[push_task(queue, "a:dead")] = "no space lef";
        wanted[push_task(queue, "a:silent")] = "";
        wanted[push_task(queue, "a:last")] = "last";
    }
    work.add(queue);
    work.start();
    CHECK(eventually([&] { return work.stats().died == 12 && work.stats().done == 4; }));
    work.stop_and_join();
    CHECK(notes(queue) == wanted);
}

TEST_CASE("a note of a task that is finished later", "[note]")
{
    const Kind kind = each_shared_kind();
    CAPTURE(kind);
    Live queue(kind, noted_geometry());
    Looping loop;
    std::vector<slotq_task *> tasks;
    loop.handle("a:b", [&](slotq_task *task) {
        tasks.push_back(task);
        return slotq_result_later();
    });
    std::map<uint64_t, std::string> wanted;
    for (int i = 0; i < 6; i++) {
        wanted[push_task(queue, "a:b")] = i % 2 == 0 ? std::to_string(i) : "";
    }
    loop.add(queue);
    loop.start();
    CHECK(loop.drive([&] { return tasks.size() == 6; }));
    for (slotq_task *task : tasks) { /* all in one pass of the keeper */
        CHECK(note(task, wanted[slotq_task_info_of(task)->id]) == SLOTQ_OK);
        CHECK(slotq_task_finish(task, slotq_result_dead(9)) == SLOTQ_OK);
    }
    CHECK(loop.drive([&] { return loop.stats().died == 6; }));
    CHECK(notes(queue) == wanted);
}

/* test_crash_trace.cpp: see test_crash_trace.hpp. */
#include "test_crash_trace.hpp"

#include <algorithm>
#include <cstring>

#include "../../../support/skip.hpp"

namespace crash
{

watched::watched(const queue_file &file) : image(file.image_path()), journal(file.journal_path())
{
    if (valid()) {
        seen = {image.copy(), journal.copy()};
    }
}

bool watched::changed()
{
    const bool image_same = memcmp(seen.image.data(), image.begin(), image.size()) == 0;
    const bool journal_same = memcmp(seen.journal.data(), journal.begin(), journal.size()) == 0;
    if (!image_same) {
        seen.image = image.copy();
    }
    if (!journal_same) {
        seen.journal = journal.copy();
    }
    return !image_same || !journal_same;
}

namespace
{

/* The child: opens the queue, does the verb between two marks. */
int verb_in_child(queue_file &file, prepared &call, const slotq_options &how)
{
    const batch_handle batch(slotq_batch_new());
    const handle queue = file.open(how);
    if (queue == nullptr || batch == nullptr) {
        return 3;
    }
    stepper::mark();
    const slotq_outcome outcome = fire(queue.get(), call, batch.get());
    stepper::mark();
    return outcome == call.outcome ? 0 : 4;
}

void record(stepper::child &child, watched &files, trace &result)
{
    result.states.push_back(files.last());
    while (child.step() == stepper::stop::stepped) {
        if (files.changed()) {
            result.states.push_back(files.last());
        }
    }
    if (files.changed()) {
        result.states.push_back(files.last());
    }
    result.steps = child.steps();
}

/* From the child's first mark to its end. */
trace record_all(queue_file &file, const std::function<int()> &body)
{
    trace result;
    stepper::child child(body);
    if (child.run_to_mark()) {
        watched files(file);
        if (files.valid()) {
            record(child, files, result);
        }
    }
    result.exit_code = child.finish();
    return result;
}

} // namespace

trace step_through(queue_file &file, prepared &call, const slotq_options &how)
{
    file.now_ms = call.now_ms;
    return record_all(file, [&] { return verb_in_child(file, call, how); });
}

bool kill_at_change(queue_file &file, prepared &call, const slotq_options &how, uint64_t changes)
{
    file.now_ms = call.now_ms;
    stepper::child child([&] { return verb_in_child(file, call, how); });
    if (!child.run_to_mark()) {
        return false;
    }
    watched files(file);
    uint64_t seen = 0;
    while (seen < changes) {
        if (!files.valid() || child.step() != stepper::stop::stepped) {
            child.kill();
            return false;
        }
        seen += files.changed() ? 1 : 0;
    }
    child.kill();
    return true;
}

trace step_open(queue_file &file, const slotq_options &how)
{
    return record_all(file, [&] {
        stepper::mark();
        const handle queue = file.open(how);
        stepper::mark();
        return queue == nullptr ? 3 : 0;
    });
}

half_done::half_done(const crash_case &one)
    : world(set_up(one)), file(world.image, one.shape), call(world.run(one.verb))
{
}

std::unique_ptr<half_done> cut_short(slotq_sync sync)
{
    for (const crash_case &one : all_cases()) {
        if (one.name != "1 group, kill one") {
            continue;
        }
        auto cut = std::make_unique<half_done>(one);
        const trace seen = step_through(cut->file, cut->call, cut->file.options(sync));
        for (const crash_state &state : seen.states) {
            if (state.image != seen.states.front().image &&
                canonical(state.image) != cut->call.legal.back()) {
                cut->state = state;
                cut->before = seen.states.front();
                return cut;
            }
        }
    }
    return nullptr;
}

std::string judge(const recovered &got, const prepared &call, size_t *place)
{
    if (got.outcome != SLOTQ_OK) {
        return std::string(slotq_outcome_name(got.outcome)) + ": " + got.text;
    }
    const auto found = std::find(call.legal.begin(), call.legal.end(), got.state);
    if (found == call.legal.end()) {
        return "no legal state; from the one before: " + difference(got.state, call.legal[0]) +
               " from the one after: " + difference(got.state, call.legal.back());
    }
    const size_t at = static_cast<size_t>(found - call.legal.begin());
    if (at < *place) {
        return "goes back to step " + std::to_string(at);
    }
    *place = at;
    return "";
}

void need_stepping()
{
    if (stepper::obstacle() != nullptr) {
        support::skip(stepper::obstacle());
    }
}

} // namespace crash

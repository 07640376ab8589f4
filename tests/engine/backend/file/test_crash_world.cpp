/* test_crash_world.cpp: what test_crash_world.hpp says, by slotq.h, and messages with keys by the
 * handle's store.
 */
#include "test_crash_world.hpp"

#include <cstdio>
#include <cstdlib>
#include <random>

extern "C" {
#define export export_ /* a word of C++; the contract of stores has a member of that name */
#include "../../../../engine/queue/handle.h"
#undef export
}

namespace crash
{

namespace
{

uint64_t standing_clock(void *context)
{
    return *static_cast<uint64_t *>(context);
}

slotq_outcome fire_settle(slotq *queue, prepared &call)
{
    const action &wanted = call.wanted;
    const slotq_run *run = call.runs.data();
    /* those take no note */
    const bool alone = slotq_geometry_of(queue)->note_bytes == 0;
    if (alone && call.runs.size() == 1 && run->count == 1) {
        switch (wanted.verb) {
        case SLOTQ_ACK:
            return slotq_ack(queue, wanted.group, run->id, run->token);
        case SLOTQ_NACK:
            return slotq_nack(queue, wanted.group, run->id, run->token, wanted.ms, wanted.reason);
        case SLOTQ_RELEASE:
            return slotq_release(queue, wanted.group, run->id, run->token, wanted.ms);
        case SLOTQ_EXTEND:
            return slotq_extend(queue, wanted.group, run->id, run->token, wanted.ms,
                                call.tokens.data());
        default:
            return slotq_kill(queue, wanted.group, run->id, run->token, wanted.reason);
        }
    }
    const auto how = static_cast<slotq_settle_how>(wanted.verb - SLOTQ_ACK);
    return slotq_settle_noted(queue, how, wanted.group, run,
                              static_cast<uint32_t>(call.runs.size()), wanted.ms, wanted.reason,
                              &last_words, call.outcomes.data(),
                              how == SLOTQ_SETTLE_EXTEND ? call.tokens.data() : nullptr);
}

/* A push or schedule with keys. */
slotq_outcome fire_keyed(slotq *queue, prepared &prepared_call)
{
    const action &wanted = prepared_call.wanted;
    slotq_call call = {};
    store_fault fault = {};
    slotq_core_begin(&call, wanted.verb, prepared_call.now_ms);
    if (wanted.verb == SLOTQ_PUSH) {
        call.push.messages = prepared_call.messages.data();
        call.push.count = wanted.count;
        call.push.keys = prepared_call.keys.data();
        call.push.key_mode = prepared_call.key_mode;
    } else {
        call.schedule.messages = prepared_call.messages.data();
        call.schedule.count = wanted.count;
        call.schedule.keys = prepared_call.keys.data();
        call.schedule.key_mode = prepared_call.key_mode;
        call.schedule.due_ms = prepared_call.now_ms + wanted.ms;
    }
    return queue->store->ops->call(queue->store, &call, nullptr, &fault);
}

} // namespace

recovered look(slotq *queue)
{
    recovered result;
    result.outcome = slotq_check(queue);
    if (result.outcome != SLOTQ_OK) {
        result.text = slotq_error_of(queue)->text;
        return result;
    }
    bytes image(slotq_image_bytes(queue));
    result.outcome = slotq_export(queue, image.data(), image.size());
    result.state = canonical(image);
    return result;
}

queue_file::queue_file(const bytes &image, const slotq_geometry &shape)
{
    slotq_create(where.path().c_str(), "q", &shape, nullptr, nullptr);
    write_file(image_path(), image);
}

slotq_options queue_file::options(slotq_sync sync)
{
    slotq_options how = {};
    how.sync = sync;
    how.clock_ms = standing_clock;
    how.clock_context = &now_ms;
    return how;
}

handle queue_file::open(const slotq_options &how, slotq_error *error)
{
    slotq *queue = nullptr;
    slotq_open(where.path().c_str(), "q", &how, &queue, error);
    return handle(queue);
}

crash_state queue_file::now() const
{
    return {read_file(image_path()), read_file(journal_path())};
}

void queue_file::put(const crash_state &state)
{
    write_file(image_path(), state.image);
    write_file(journal_path(), state.journal);
}

recovered queue_file::recover()
{
    recovered result;
    slotq_error error = {};
    slotq *queue = nullptr;
    const slotq_options how = options();
    result.outcome = slotq_open(where.path().c_str(), "q", &how, &queue, &error);
    const handle owner(queue);
    if (result.outcome != SLOTQ_OK) {
        result.text = error.text;
        return result;
    }
    return look(queue);
}

slotq_outcome fire(slotq *queue, prepared &call, slotq_batch *batch)
{
    const action &wanted = call.wanted;
    uint32_t ready = 0;
    uint32_t count = 0;
    uint64_t first_id = 0;
    slotq_stats stats;
    if (!call.keys.empty()) {
        return fire_keyed(queue, call);
    }
    switch (wanted.verb) {
    case SLOTQ_PUSH:
        return slotq_push(queue, call.messages.data(), wanted.count, &first_id);
    case SLOTQ_RESERVE:
        return slotq_reserve(queue, wanted.group, wanted.count, wanted.ms, 0, batch);
    case SLOTQ_REMOVE:
        return slotq_remove(queue, wanted.group, wanted.id);
    case SLOTQ_RECLAIM:
        return slotq_reclaim(queue, wanted.group, &ready, &count);
    case SLOTQ_DEAD_REMOVE:
        return slotq_dead_remove(queue, SLOTQ_ALL_GROUPS, wanted.id, &count);
    case SLOTQ_REDRIVE:
        if (wanted.id != 0) {
            return slotq_dead_redrive_id(queue, SLOTQ_ALL_GROUPS, wanted.id, nullptr, &count,
                                         nullptr);
        }
        return slotq_dead_redrive(queue, wanted.count, nullptr, &count, nullptr);
    case SLOTQ_DEAD_PURGE:
        return slotq_dead_purge(queue, &count);
    case SLOTQ_PAUSE:
        return slotq_pause(queue, wanted.what);
    case SLOTQ_RESUME:
        return slotq_resume(queue, wanted.what);
    case SLOTQ_LIMIT:
        return slotq_limit(queue, wanted.group, wanted.what, &wanted.limits);
    case SLOTQ_SCHEDULE:
        return slotq_schedule(queue, call.messages.data(), wanted.count, call.now_ms + wanted.ms, 0,
                              nullptr);
    case SLOTQ_CANCEL:
        return slotq_cancel(queue, wanted.id);
    case SLOTQ_KICK:
        return wanted.is_later ? slotq_kick_later(queue, static_cast<uint32_t>(wanted.id))
                               : slotq_kick(queue, wanted.group, wanted.id);
    case SLOTQ_PURGE:
        return slotq_purge(queue);
    case SLOTQ_STATS:
        return slotq_get_stats(queue, wanted.group, &stats);
    default:
        return fire_settle(queue, call);
    }
}

uint64_t how_many(const char *variable, uint64_t plain, uint64_t prove)
{
    const char *told = getenv(variable);
    if (told != nullptr && *told != 0) {
        return strtoull(told, nullptr, 10);
    }
    told = getenv("SLOTQ_PROVE");
    return told != nullptr && *told == '1' ? prove : plain;
}

#if defined(__SANITIZE_ADDRESS__)
constexpr uint64_t SLOWER = 4;
#elif defined(__has_feature)
constexpr uint64_t SLOWER = __has_feature(address_sanitizer) ? 4 : 1;
#else
constexpr uint64_t SLOWER = 1;
#endif

uint64_t each_of(uint64_t plain, uint64_t prove)
{
    return how_many("SLOTQ_CRASH_EVERY", plain * SLOWER, prove * SLOWER);
}

uint64_t seed_for(const char *test)
{
    const uint64_t seed = how_many("SLOTQ_SEED", std::random_device{}(), std::random_device{}());
    fprintf(stderr, "%s: SLOTQ_SEED=%llu\n", test, static_cast<unsigned long long>(seed));
    return seed;
}

uint64_t first_of(const char *test, uint64_t every)
{
    return every > 1 ? std::mt19937_64(seed_for(test))() % every : 0;
}

uint64_t torture_seconds()
{
    return how_many("SLOTQ_TORTURE_SECONDS", 0, 0);
}

} // namespace crash

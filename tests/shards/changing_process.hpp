/* changing_process.hpp: changes of a sharded queue by processes that are killed at a chosen step,
 * in a folder or on a server: a place that counts what it is asked for.
 */
#ifndef TESTS_SHARDS_CHANGING_PROCESS_HPP
#define TESTS_SHARDS_CHANGING_PROCESS_HPP

#include <csignal>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include "any_queue.hpp"
#include "catch.hpp"
#include "server/redis_server.hpp"

extern "C" {
/* words of C that C++ has too, and one of C++ that a member of the contract of stores is named */
#define _Alignas alignas
#define _Static_assert static_assert
#define export export_
#include "backend/shards/changing.h"
#include "queue/handle.h"
#include "queue/schemes.h"
#undef export
#undef _Static_assert
#undef _Alignas
}
#include "slotq_pause.h"
#include "slotq_shards.h"

namespace changing_process
{

/* Where queues are: a folder, or a server. */
class Home
{
public:
    explicit Home(bool on_server)
    {
        if (on_server) {
            server_ = std::make_unique<redis::Server>();
            url = server_->url();
        } else {
            folder_ = std::make_unique<any_queue::Folder>();
            url = folder_->path();
        }
    }
    std::string url;

    /* Every queue and descriptor that is there. */
    std::vector<std::string> names() const
    {
        std::vector<std::string> found;
        slotq_error error = {};
        const auto visit = [](void *context, const char *name) {
            static_cast<std::vector<std::string> *>(context)->push_back(name);
            return true;
        };
        const slotq_outcome outcome = slotq_list(url.c_str(), visit, &found, &error);
        INFO(error.text);
        CHECK(outcome == SLOTQ_OK);
        return found;
    }
    bool has(const std::string &name) const
    {
        slotq_error error = {};
        slotq *queue = nullptr;
        const slotq_outcome outcome =
            slotq_open(url.c_str(), name.c_str(), nullptr, &queue, &error);
        slotq_close(queue);
        return outcome != SLOTQ_NOQUEUE;
    }

private:
    std::unique_ptr<any_queue::Folder> folder_;
    std::unique_ptr<redis::Server> server_;
};

/* A place that ends its process by SIGKILL before it does what it is asked for the n-th time. */
struct Counting {
    shards_place base;
    shards_place *inner;
    uint32_t left;
};

inline Counting *counted(shards_place *base)
{
    Counting *self = reinterpret_cast<Counting *>(base);
    if (self->left-- == 0) {
        kill(getpid(), SIGKILL);
        pause();
    }
    return self;
}

inline const shards_place_ops *counting_ops()
{
    static shards_place_ops ops = {};
    ops.read = [](shards_place *base, const char *name, uint8_t *bytes, uint32_t room,
                  uint64_t *size, store_fault *fault) {
        shards_place *inner = counted(base)->inner;
        return inner->ops->read(inner, name, bytes, room, size, fault);
    };
    ops.change = [](shards_place *base, const char *name, shards_value old, shards_value next,
                    store_fault *fault) {
        shards_place *inner = counted(base)->inner;
        return inner->ops->change(inner, name, old, next, fault);
    };
    ops.create = [](shards_place *base, const char *key, const slotq_geometry *geometry,
                    store_fault *fault) {
        shards_place *inner = counted(base)->inner;
        return inner->ops->create(inner, key, geometry, fault);
    };
    ops.open = [](shards_place *base, const char *key, store **opened, store_fault *fault) {
        shards_place *inner = counted(base)->inner;
        return inner->ops->open(inner, key, opened, fault);
    };
    ops.remove = [](shards_place *base, const char *key, uint32_t set, uint16_t shard,
                    bool if_finished, store_fault *fault) {
        shards_place *inner = counted(base)->inner;
        return inner->ops->remove(inner, key, set, shard, if_finished, fault);
    };
    ops.list = [](shards_place *base, bool (*visit)(void *, const char *), void *context,
                  store_fault *fault) {
        shards_place *inner = counted(base)->inner;
        return inner->ops->list(inner, visit, context, fault);
    };
    return &ops;
}

/* A change of the queue "q". */
using Change = std::function<slotq_outcome(const shards_target &, store_fault *)>;

/* In this process, with `steps` before it dies. */
inline slotq_outcome change_here(const std::string &url, uint32_t steps, const Change &change)
{
    store_fault fault = {};
    const slotq_options options = {};
    slotq *handle = queue_handle_new(&options, 1000);
    Counting counting = {};
    counting.base.ops = counting_ops();
    counting.left = steps;
    const scheme *kind = scheme_table[slotq_url_kind(url.c_str())];
    slotq_outcome outcome = kind->place(url.c_str(), &options, &counting.inner, &fault);
    if (outcome != SLOTQ_OK) {
        return outcome;
    }
    const shards_target target = {&counting.base, "q", &queue_owner, handle};
    outcome = change(target, &fault);
    counting.inner->ops->close(counting.inner);
    free(handle);
    return outcome;
}

/* In another process. true: it died at its step; false: it did all, and *outcome is set. */
inline bool dies_at(const std::string &url, uint32_t steps, const Change &change,
                    slotq_outcome *outcome)
{
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        _exit(static_cast<int>(change_here(url, steps, change)));
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    if (WIFSIGNALED(status)) {
        REQUIRE(WTERMSIG(status) == SIGKILL);
        return true;
    }
    REQUIRE(WIFEXITED(status));
    *outcome = static_cast<slotq_outcome>(WEXITSTATUS(status));
    return false;
}

inline slotq_outcome run(const std::string &url, const Change &change)
{
    return change_here(url, UINT32_MAX, change);
}

/* What slotq_shards_visit shows. */
struct Shown {
    slotq_outcome outcome = SLOTQ_OK;
    slotq_shards whole = {};
    std::vector<slotq_shard> shards; /* without pointers but these: */
    std::vector<std::string> keys;
    std::vector<slotq_stats> stats;
    std::string errors;
};

inline Shown shown(const std::string &url)
{
    Shown all;
    slotq_error error = {};
    const auto visit = [](void *context, const slotq_shard *shard) {
        Shown *to = static_cast<Shown *>(context);
        to->shards.push_back(*shard);
        to->keys.emplace_back(shard->key);
        to->stats.push_back(shard->stats != nullptr ? *shard->stats : slotq_stats{});
        to->errors += shard->error != nullptr ? shard->error->text : "";
        return true;
    };
    all.outcome = slotq_shards_visit(url.c_str(), "q", nullptr, &all.whole, visit, &all, &error);
    return all;
}

inline slotq_geometry geometry_of(uint16_t ring_slots = 9)
{
    slotq_geometry geometry = SLOTQ_GEOMETRY_DEFAULT;
    geometry.ring_slots = ring_slots;
    geometry.payload_bytes = 32;
    geometry.dead_slots = 4;
    return geometry;
}

} // namespace changing_process
#endif

/* looping.hpp: a worker in loop mode that a test drives by its descriptor and its due time, as a
 * program's loop does, and counts how often it wakes.
 */
#ifndef TESTS_ENGINE_WORKER_LOOPING_HPP
#define TESTS_ENGINE_WORKER_LOOPING_HPP

#include <chrono>

#include <dirent.h>
#include <poll.h>

#include "catch.hpp"
#include "live.hpp"

namespace working
{

class Looping : public Working
{
public:
    explicit Looping(bool no_bridge = false)
    {
        options.loop = true;
        options.no_bridge = no_bridge;
    }

    /* Poll as long as due_ms says, at most `most_ms`. True: the descriptor is readable. */
    bool poll_once(uint64_t most_ms)
    {
        const uint64_t due_ms = slotq_worker_due_ms(worker());
        struct pollfd input = {slotq_worker_fd(worker()), POLLIN, 0};
        const bool readable =
            poll(&input, 1, static_cast<int>(due_ms < most_ms ? due_ms : most_ms)) > 0;
        polls++;
        return readable;
    }
    slotq_outcome step(uint32_t most = UINT32_MAX)
    {
        return slotq_worker_step(worker(), most, nullptr);
    }
    /* Drive it until it is so, at most ten seconds: false. */
    bool drive(const std::function<bool()> &is_so)
    {
        const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (!is_so() && std::chrono::steady_clock::now() < until) {
            poll_once(100);
            step();
        }
        return is_so();
    }
    /* Until step has nothing to do, and says that it need not be called. */
    void settle_down()
    {
        while (poll_once(0) || slotq_worker_due_ms(worker()) == 0) {
            step();
        }
    }
    /* The program does not poll for so long; only the descriptor ends it. */
    bool wakes_by_fd(int most_ms = 10000)
    {
        struct pollfd input = {slotq_worker_fd(worker()), POLLIN, 0};
        return poll(&input, 1, most_ms) > 0;
    }

    uint32_t polls = 0;
};

/* Threads of this process. */
inline size_t threads()
{
    size_t count = 0;
    DIR *folder = opendir("/proc/self/task");
    REQUIRE(folder != nullptr);
    while (const struct dirent *entry = readdir(folder)) {
        count += entry->d_name[0] != '.' ? 1 : 0;
    }
    closedir(folder);
    return count;
}

} // namespace working
#endif

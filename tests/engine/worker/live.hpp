/* live.hpp: a queue by the clock of the machine (in Redis by the server's), in which leases and
 * delays end by themselves. Any_queue's clock is the test's.
 */
#ifndef TESTS_ENGINE_WORKER_LIVE_HPP
#define TESTS_ENGINE_WORKER_LIVE_HPP

#include "working.hpp"

namespace working
{

struct CloseQueue {
    void operator()(slotq *queue) const
    {
        slotq_close(queue);
    }
};
using Handle = std::unique_ptr<slotq, CloseQueue>;

/* A handle for one thread. */
class Live
{
public:
    explicit Live(any_queue::Kind kind, const any_queue::Geometry &geometry = real_geometry(),
                  const slotq_options *options = nullptr);
    /* In a server, or a folder, of the test. */
    Live(const std::string &url, const any_queue::Geometry &geometry = real_geometry());
    /* Another handle to the same queue. */
    Live(const Live &other);
    ~Live();
    Live &operator=(const Live &) = delete;

    operator slotq *() const
    {
        return queue_;
    }
    slotq_stats stats();
    slotq_status status(uint64_t id);
    /* A message; id 0: none is ready. */
    any_queue::Message take(uint64_t lease_ms = 30000);
    /* A handle that leads there in another way: through a proxy. */
    Handle open_at(const std::string &url) const;
    const std::string &name() const
    {
        return name_;
    }
    const std::string &url() const
    {
        return url_;
    }

private:
    void open(const any_queue::Geometry &geometry, const slotq_options *options);
    std::shared_ptr<any_queue::Folder> folder_;
    std::string url_;
    std::string name_ = "q";
    bool is_shared_server_ = false;
    slotq *queue_ = nullptr;
};

/* The kinds that several handles may have open, one for each section of a test. */
any_queue::Kind each_shared_kind();

} // namespace working
#endif

/* any_queue.hpp: a queue of any kind of store for tests, through slotq.h alone: made, opened again,
 * its clock driven, its bytes compared. Add a store by adding a kind.
 */
#ifndef TESTS_SUPPORT_ANY_QUEUE_HPP
#define TESTS_SUPPORT_ANY_QUEUE_HPP

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "../../engine/slotq.h"

namespace any_queue
{

enum class Kind { memory, buffer, file, file_exclusive, file_synced, redis };
std::ostream &operator<<(std::ostream &out, Kind kind);

/* All of them, and those whose bytes are in a file. Redis is last: a Queue of it skips the test
 * case when no server can be started, and all others have been tried by then. */
std::vector<Kind> all_kinds();
std::vector<Kind> file_kinds();

struct Geometry {
    slotq_geometry raw;
    explicit Geometry(uint16_t ring_slots = 9, uint16_t payload_bytes = 16);
    Geometry &groups(uint8_t count);
    Geometry &flags(uint8_t bits);
    Geometry &dead(uint16_t slots);
    Geometry &attempts(uint8_t most);
    Geometry &tick(uint16_t ms);
    operator const slotq_geometry *() const
    {
        return &raw;
    }
};

/* A separate folder, gone with it. */
class Folder
{
public:
    Folder();
    ~Folder();
    Folder(const Folder &) = delete;
    Folder &operator=(const Folder &) = delete;
    const char *path() const
    {
        return path_.c_str();
    }
    std::string file(const std::string &name) const
    {
        return path_ + "/" + name;
    }

private:
    std::string path_;
};

/* Bytes of a file, whole; and written back in place. */
std::vector<uint8_t> read_file(const std::string &path);
void write_file(const std::string &path, const std::vector<uint8_t> &bytes);

struct BatchFree {
    void operator()(slotq_batch *batch) const
    {
        slotq_batch_free(batch);
    }
};
using Batch = std::unique_ptr<slotq_batch, BatchFree>;
Batch batch();

/* A message as a value. */
struct Message {
    uint64_t id;
    uint32_t token;
    std::string payload;
    uint8_t attempts;
    slotq_message raw;
};

class Queue
{
public:
    explicit Queue(Kind kind, const Geometry &geometry = Geometry());
    ~Queue();
    Queue(const Queue &) = delete;
    Queue &operator=(const Queue &) = delete;

    operator slotq *() const
    {
        return queue_;
    }
    Kind kind() const
    {
        return kind_;
    }
    Folder &folder()
    {
        return folder_;
    }
    /* Where it is: what slotq_open takes. Not of memory and buffer. */
    const std::string &url() const
    {
        return url_;
    }
    const std::string &name() const
    {
        return name_;
    }
    uint64_t now_ms = 1700000000000; /* what its clock says */

    slotq_options options() const;
    void close();
    void reopen(); /* memory: nothing, its bytes are in the handle */

    slotq_outcome push(const std::string &payload, uint64_t *id = nullptr);
    void fill(uint32_t count); /* pushes "1", "2", … */
    /* Reserve and copy out. */
    std::vector<Message> reserve(uint32_t limit, uint64_t lease_ms = 30000, uint8_t group = 0);
    Message reserve_one(uint64_t lease_ms = 30000, uint8_t group = 0);
    slotq_stats stats(uint8_t group = 0);
    slotq_status status(uint64_t id, uint8_t group = 0);
    /* The image without the word `wake`. */
    std::vector<uint8_t> image();
    /* Make it another image, which must be sound. Not of memory. */
    void replace(const std::vector<uint8_t> &image);
    /* The text of the last refusal. */
    std::string error() const;

private:
    Kind kind_;
    Folder folder_;
    std::string url_;
    std::string name_;
    slotq_geometry geometry_;
    std::vector<uint64_t> buffer_;
    slotq *queue_ = nullptr;
};

std::vector<Message> messages(slotq_batch *batch);

} // namespace any_queue
#endif

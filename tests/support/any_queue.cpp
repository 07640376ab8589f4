/* any_queue.cpp: see any_queue.hpp.
 */
#include "any_queue.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <dirent.h>
#include <unistd.h>

#include "image/fields.hpp"
#include "server/redis_server.hpp"

namespace any_queue
{

std::ostream &operator<<(std::ostream &out, Kind kind)
{
    static const char *const names[] = {
        "memory", "buffer", "file", "file, exclusive", "file, sync=always", "redis"};
    return out << names[static_cast<int>(kind)];
}

std::vector<Kind> all_kinds()
{
    return {Kind::memory,         Kind::buffer,      Kind::file,
            Kind::file_exclusive, Kind::file_synced, Kind::redis};
}

std::vector<Kind> file_kinds()
{
    return {Kind::file, Kind::file_exclusive, Kind::file_synced};
}

/* ---- geometry ---- */

Geometry::Geometry(uint16_t ring_slots, uint16_t payload_bytes) : raw{}
{
    raw.ring_slots = ring_slots;
    raw.payload_bytes = payload_bytes;
    raw.tick_ms = 100;
    raw.groups = 1;
}

Geometry &Geometry::groups(uint8_t count)
{
    raw.groups = count;
    return *this;
}

Geometry &Geometry::flags(uint8_t bits)
{
    raw.flags = bits;
    return *this;
}

Geometry &Geometry::dead(uint16_t slots)
{
    raw.dead_slots = slots;
    return *this;
}

Geometry &Geometry::attempts(uint8_t most)
{
    raw.max_attempts = most;
    return *this;
}

Geometry &Geometry::tick(uint16_t ms)
{
    raw.tick_ms = ms;
    return *this;
}

/* ---- files ---- */

Folder::Folder()
{
    const char *where = std::getenv("TMPDIR");
    std::string path = std::string(where != nullptr ? where : "/tmp") + "/slotq-queue-XXXXXX";
    if (mkdtemp(&path[0]) == nullptr) {
        throw std::runtime_error("no folder for a test");
    }
    path_ = path;
}

Folder::~Folder()
{
    if (DIR *folder = opendir(path_.c_str())) {
        while (const dirent *entry = readdir(folder)) {
            unlink(file(entry->d_name).c_str());
        }
        closedir(folder);
    }
    rmdir(path_.c_str());
}

std::vector<uint8_t> read_file(const std::string &path)
{
    std::ifstream in(path, std::ios::binary);
    return std::vector<uint8_t>(std::istreambuf_iterator<char>(in),
                                std::istreambuf_iterator<char>());
}

void write_file(const std::string &path, const std::vector<uint8_t> &bytes)
{
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char *>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    if (!out.flush()) {
        throw std::runtime_error("cannot write " + path);
    }
}

/* ---- batches ---- */

Batch batch()
{
    return Batch(slotq_batch_new());
}

std::vector<Message> messages(slotq_batch *batch)
{
    std::vector<Message> found;
    slotq_message raw;
    while (slotq_batch_next(batch, &raw)) {
        const char *payload = static_cast<const char *>(raw.payload);
        found.push_back({raw.id, raw.token,
                         payload != nullptr ? std::string(payload, raw.payload_bytes) : "",
                         raw.attempts, raw});
    }
    return found;
}

/* ---- the queue ---- */

static uint64_t read_clock(void *context)
{
    return static_cast<Queue *>(context)->now_ms;
}

/* A folder has one queue; the one server has many. */
static std::string fresh_name(Kind kind)
{
    static uint32_t count = 0;
    return kind == Kind::redis ? "q" + std::to_string(++count) : "q";
}

Queue::Queue(Kind kind, const Geometry &geometry)
    : kind_(kind), url_(kind == Kind::redis ? redis::shared_server().url() : folder_.path()),
      name_(fresh_name(kind)), geometry_(geometry.raw)
{
    slotq_error error = {};
    const slotq_options wanted = options();
    slotq_outcome outcome = SLOTQ_OK;
    switch (kind) {
    case Kind::memory:
        outcome = slotq_create_memory(&geometry_, &wanted, &queue_, &error);
        break;
    case Kind::buffer: {
        const uint64_t bytes = slotq_geometry_bytes(&geometry_, &error);
        buffer_.resize((bytes + 7) / 8);
        outcome = slotq_open_memory(buffer_.data(), bytes, &geometry_, &wanted, &queue_, &error);
        break;
    }
    default:
        outcome = slotq_create(url_.c_str(), name_.c_str(), &geometry_, &wanted, &error);
        if (outcome == SLOTQ_OK) {
            outcome = slotq_open(url_.c_str(), name_.c_str(), &wanted, &queue_, &error);
        }
        break;
    }
    if (outcome != SLOTQ_OK) {
        throw std::runtime_error(error.text);
    }
}

Queue::~Queue()
{
    close();
    if (kind_ == Kind::redis) {
        slotq_remove_queue(url_.c_str(), name_.c_str(), nullptr);
    }
}

slotq_options Queue::options() const
{
    slotq_options options = {};
    options.sync = kind_ == Kind::file_synced ? SLOTQ_SYNC_ALWAYS : SLOTQ_SYNC_OS;
    options.exclusive = kind_ == Kind::file_exclusive;
    options.clock_ms = read_clock;
    options.clock_context = const_cast<Queue *>(this);
    return options;
}

void Queue::close()
{
    slotq_close(queue_);
    queue_ = nullptr;
}

void Queue::replace(const std::vector<uint8_t> &image)
{
    if (kind_ == Kind::buffer && image.size() <= buffer_.size() * sizeof buffer_[0]) {
        std::copy(image.begin(), image.end(), reinterpret_cast<uint8_t *>(buffer_.data()));
        return;
    }
    slotq_error error = {};
    close();
    if (kind_ == Kind::memory ||
        slotq_remove_queue(url_.c_str(), name_.c_str(), &error) != SLOTQ_OK ||
        slotq_import(url_.c_str(), name_.c_str(), image.data(), image.size(), &error) != SLOTQ_OK) {
        throw std::runtime_error(std::string("the image cannot be replaced: ") + error.text);
    }
    reopen();
}

void Queue::reopen()
{
    if (kind_ == Kind::memory) {
        return;
    }
    slotq_error error = {};
    const slotq_options wanted = options();
    const uint64_t bytes = slotq_geometry_bytes(&geometry_, nullptr);
    close();
    const slotq_outcome outcome =
        kind_ == Kind::buffer
            ? slotq_open_memory(buffer_.data(), bytes, nullptr, &wanted, &queue_, &error)
            : slotq_open(url_.c_str(), name_.c_str(), &wanted, &queue_, &error);
    if (outcome != SLOTQ_OK) {
        throw std::runtime_error(error.text);
    }
}

slotq_outcome Queue::push(const std::string &payload, uint64_t *id)
{
    const slotq_data data = {payload.data(), static_cast<uint32_t>(payload.size())};
    return slotq_push(queue_, &data, 1, id);
}

void Queue::fill(uint32_t count)
{
    for (uint32_t i = 1; i <= count; i++) {
        if (push(std::to_string(i)) != SLOTQ_OK) {
            throw std::runtime_error(error());
        }
    }
}

std::vector<Message> Queue::reserve(uint32_t limit, uint64_t lease_ms, uint8_t group)
{
    const Batch given = batch();
    const slotq_outcome outcome = slotq_reserve(queue_, group, limit, lease_ms, 0, given.get());
    if (outcome != SLOTQ_OK && outcome != SLOTQ_EMPTY) {
        throw std::runtime_error(error());
    }
    return messages(given.get());
}

Message Queue::reserve_one(uint64_t lease_ms, uint8_t group)
{
    const std::vector<Message> found = reserve(1, lease_ms, group);
    if (found.size() != 1) {
        throw std::runtime_error("nothing to reserve");
    }
    return found[0];
}

slotq_stats Queue::stats(uint8_t group)
{
    slotq_stats stats = {};
    if (slotq_get_stats(queue_, group, &stats) != SLOTQ_OK) {
        throw std::runtime_error(error());
    }
    return stats;
}

slotq_status Queue::status(uint64_t id, uint8_t group)
{
    slotq_status status = {};
    if (slotq_get_status(queue_, group, id, &status) != SLOTQ_OK) {
        throw std::runtime_error(error());
    }
    return status;
}

std::vector<uint8_t> Queue::image()
{
    std::vector<uint8_t> bytes(slotq_image_bytes(queue_));
    if (slotq_export(queue_, bytes.data(), bytes.size()) != SLOTQ_OK) {
        throw std::runtime_error(error());
    }
    const support::Field wake = support::field::shared_wake;
    std::fill_n(&bytes[wake.offset], wake.bytes, uint8_t{0});
    return bytes;
}

std::string Queue::error() const
{
    return slotq_error_of(queue_)->text;
}

} // namespace any_queue

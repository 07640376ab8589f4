/* test_reading.cpp: a handle for reading only runs each verb that reads and refuses each that
 * writes, whatever holds the bytes. The list of verbs is that of the core, so a new verb is held
 * too.
 */
#include "catch.hpp"

#include <string>
#include <vector>

#include "any_queue.hpp"
#include "each_verb.hpp"

using namespace any_queue;

namespace
{

/* The same queue for reading only: opened again, or the bytes of it as a buffer. */
class Reader
{
public:
    explicit Reader(Queue &queue)
    {
        slotq_error error = {};
        slotq_options options = queue.options();
        slotq_outcome outcome;
        options.read_only = true;
        options.exclusive = false;
        if (queue.kind() == Kind::memory || queue.kind() == Kind::buffer) {
            bytes_.resize((slotq_image_bytes(queue) + 7) / 8);
            REQUIRE(slotq_export(queue, bytes_.data(), bytes_.size() * 8) == SLOTQ_OK);
            outcome = slotq_open_memory(bytes_.data(), slotq_image_bytes(queue), nullptr, &options,
                                        &handle_, &error);
        } else {
            queue.close();
            outcome =
                slotq_open(queue.url().c_str(), queue.name().c_str(), &options, &handle_, &error);
        }
        INFO(error.text);
        REQUIRE(outcome == SLOTQ_OK);
    }
    ~Reader()
    {
        slotq_close(handle_);
    }
    Reader(const Reader &) = delete;
    Reader &operator=(const Reader &) = delete;
    operator slotq *() const
    {
        return handle_;
    }
    std::vector<uint8_t> image()
    {
        std::vector<uint8_t> bytes(slotq_image_bytes(handle_));
        REQUIRE(slotq_export(handle_, bytes.data(), bytes.size()) == SLOTQ_OK);
        return bytes;
    }

private:
    std::vector<uint64_t> bytes_;
    slotq *handle_ = nullptr;
};

} // namespace

TEST_CASE("a handle for reading only refuses each verb that writes, by its name", "[reading]")
{
    const Kind kind = GENERATE(from_range(all_kinds()));
    INFO(kind);
    Queue queue(kind, Geometry().dead(2).attempts(1));
    queue.fill(3);
    REQUIRE(slotq_kill(queue, 0, 1, queue.reserve_one().token, 7) == SLOTQ_OK);
    Reader reader(queue);
    const std::vector<uint8_t> before = reader.image();
    for (uint32_t i = 0; i < SLOTQ_VERB_COUNT; i++) {
        const auto verb = static_cast<slotq_verb>(i);
        const std::string name = slotq_core_verb_name(verb);
        store_fault fault = {};
        const slotq_outcome outcome = each_verb::run(reader, verb, &fault);
        INFO(name << ": " << fault.text);
        if (slotq_core_verb_only_reads(verb)) {
            CHECK(outcome < SLOTQ_FAILURES);
        } else {
            CHECK(outcome == SLOTQ_UNSUPPORTED);
            CHECK(std::string(fault.text).find(name) != std::string::npos);
        }
    }
    CHECK(reader.image() == before);
}

TEST_CASE("a clone of a handle for reading only reads only", "[reading]")
{
    Queue queue(GENERATE(from_range(all_kinds())));
    queue.fill(1);
    Reader reader(queue);
    slotq *clone = nullptr;
    const slotq_data data = {"x", 1};
    REQUIRE(slotq_clone(reader, &clone, nullptr) == SLOTQ_OK);
    CHECK(slotq_push(clone, &data, 1, nullptr) == SLOTQ_UNSUPPORTED);
    slotq_close(clone);
}

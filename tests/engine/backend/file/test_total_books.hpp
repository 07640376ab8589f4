/* test_total_books.hpp: the books that the processes of the total queue test keep, and whether
 * they balance. Knows what a queue promises; knows no queue.
 */
#ifndef SLOTQ_TESTS_TOTAL_BOOKS_HPP
#define SLOTQ_TESTS_TOTAL_BOOKS_HPP

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace total
{

enum class event : uint32_t { pushing, pushed, delivered, settling, settled };

/* A line in a book: fixed size, so that one write() puts it down whole. */
struct line {
    uint64_t at_ms;
    event what;
    uint32_t verb;   /* settling, settled */
    uint64_t serial; /* of the first message */
    uint64_t count;  /* pushing, pushed: messages */
    uint64_t id;
    uint64_t delivery; /* one number a delivery: what belongs to it carries it too */
    uint64_t asked_ms; /* delivered: when the reserve began */
    uint64_t hold_ms;  /* delivered, settling: lease, new lease or delay */
    uint32_t outcome;
    uint32_t reserved;
};

/* A message in one consumer's hands, from its reserve to at least hold_until_ms. */
struct delivery {
    uint64_t asked_ms = 0;
    uint64_t logged_ms = 0;
    uint64_t hold_until_ms = 0;
    uint64_t acked_ms = UINT64_MAX; /* its ack was answered OK */
};

/* All that the books say of one message. */
struct story {
    bool pushed = false;
    bool maybe_pushed = false;
    bool maybe_acked = false;
    uint64_t acks = 0;
    uint64_t id = 0;
    bool two_ids = false;
    std::map<uint64_t, delivery> deliveries;
};

struct push_call {
    uint64_t serial;
    uint64_t count;
};

struct story_book {
    std::map<uint64_t, story> stories; /* by serial */
    std::vector<push_call> pushes;
};

story_book read_books(const std::vector<std::string> &books);

struct balance {
    uint64_t lost = 0;
    uint64_t unexpected = 0;
    uint64_t halves = 0; /* pushes of which only a part is there */
    uint64_t odd = 0;
    uint64_t acked = 0;
    uint64_t repeats = 0;
    std::string first_odd;
};

/* dead: by serial, the id of what lies in the dead section. */
balance settle_books(const story_book &all, const std::map<uint64_t, uint64_t> &dead);

} // namespace total

#endif

/* test_alignment.cpp: an image may lie at any address: a server's string is not aligned. The same
 * verbs leave the same bytes everywhere; a sanitizer sees a load or store that is not aligned.
 */
#include "queue.hpp"

#include "../../support/model/game.hpp"

namespace
{

/* An image that begins `shift` bytes behind an aligned address. */
class Shifted
{
public:
    Shifted(const slotq_geometry &geometry, uint32_t shift)
        : size_(slotq_core_image_bytes(&geometry, nullptr)), room_(size_ + 16), shift_(shift)
    {
        REQUIRE(slotq_core_create(bytes(), size_, &geometry) == SLOTQ_OK);
        slotq_damage damage;
        REQUIRE(slotq_core_open(&view_, bytes(), size_, &damage) == SLOTQ_OK);
    }
    slotq_outcome run(slotq_call &call)
    {
        static slotq_step step;
        return slotq_core_run(bytes(), &view_, &call, &step);
    }
    std::string text() const
    {
        return std::string(reinterpret_cast<const char *>(room_.data()) + start(), size_);
    }
    bool is_sound() const
    {
        slotq_damage damage;
        return slotq_core_check(&view_, &damage) == SLOTQ_OK;
    }

private:
    size_t start() const
    {
        const size_t odd = reinterpret_cast<uintptr_t>(room_.data()) % 8;
        return (8 - odd) % 8 + shift_;
    }
    uint8_t *bytes()
    {
        return room_.data() + start();
    }

    uint32_t size_;
    std::vector<uint8_t> room_;
    uint32_t shift_;
    slotq_view view_ = {};
};

/* Verbs of all kinds, chosen by a seed; what is leased is settled in some way or other. */
void play(Shifted &image, uint64_t seed)
{
    support::RandomChoices choices(seed);
    uint64_t now_ms = 1700000000000;
    std::vector<slotq_run> leased;
    for (uint32_t i = 0; i < 400; i++) {
        const slotq_data messages[] = {{"abcdefghij", choices.small(11)}, {"0123", 4}};
        const uint64_t keys[] = {0x100 * choices.small(5) + 1 + choices.small(3), 0};
        slotq_run runs[8];
        slotq_call call = {};
        now_ms += choices.small(400);
        switch (choices.small(8)) {
        case 0:
        case 1:
            slotq_core_begin(&call, SLOTQ_PUSH, now_ms);
            call.push.messages = messages;
            call.push.count = 2;
            call.push.keys = keys;
            call.push.key_mode = SLOTQ_KEY_UNIQUE;
            break;
        case 2:
        case 3:
            slotq_core_begin(&call, SLOTQ_RESERVE, now_ms);
            call.reserve.lease_ms = 1000;
            call.reserve.runs = runs;
            call.reserve.run_capacity = 8;
            call.reserve.limit = 3;
            break;
        case 4:
            slotq_core_begin(&call, SLOTQ_SCHEDULE, now_ms);
            call.schedule.messages = messages;
            call.schedule.count = 2;
            call.schedule.due_ms = now_ms + choices.small(2000);
            break;
        case 5:
            slotq_core_begin(&call, SLOTQ_REDRIVE, now_ms);
            call.dead.limit = 2;
            call.dead.group = SLOTQ_ALL_GROUPS;
            break;
        default: {
            const uint32_t verb = SLOTQ_ACK + choices.small(5);
            if (leased.empty()) {
                continue;
            }
            slotq_core_begin(&call, static_cast<slotq_verb>(verb), now_ms);
            call.settle.runs = leased.data();
            call.settle.run_count = 1;
            call.settle.ms = verb == SLOTQ_EXTEND ? 2000 : 0;
        }
        }
        const slotq_outcome outcome = image.run(call);
        REQUIRE(outcome < SLOTQ_FAILURES);
        if (call.verb == SLOTQ_RESERVE && outcome == SLOTQ_OK) {
            leased.insert(leased.end(), runs, runs + call.reserve.run_count);
        } else if (call.verb >= SLOTQ_ACK && call.verb <= SLOTQ_KILL) {
            leased.erase(leased.begin());
        }
    }
}

} // namespace

TEST_CASE("alignment: an image is worked at any address")
{
    slotq_geometry geometry =
        support::geometry(9, 13, 1, SLOTQ_FLAG_KEYS | SLOTQ_FLAG_CHECKS | SLOTQ_FLAG_STAMPS, 3, 5);
    geometry.later_slots = 7;
    geometry.aside_slots = 3;
    geometry.note_bytes = 5;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        Shifted aligned(geometry, 0);
        play(aligned, seed);
        REQUIRE(aligned.is_sound());
        for (uint32_t shift = 1; shift < 8; shift++) {
            CAPTURE(seed, shift);
            Shifted image(geometry, shift);
            play(image, seed);
            REQUIRE((image.text() == aligned.text()));
        }
    }
}

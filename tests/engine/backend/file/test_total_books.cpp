/* test_total_books.cpp: see test_total_books.hpp. */
#include "test_total_books.hpp"

#include <algorithm>
#include <cstring>

#include "../../../../engine/slotq_core.h"
#include "../../../support/crash/folder.hpp"

namespace total
{

namespace
{

void read_push(story_book &all, const line &entry)
{
    const bool begun = entry.what == event::pushing;
    if (begun) {
        all.pushes.push_back({entry.serial, entry.count});
    }
    for (uint64_t i = 0; i < entry.count; i++) {
        story &one = all.stories[entry.serial + i];
        one.maybe_pushed = begun;
        one.pushed = !begun && entry.outcome == SLOTQ_OK;
    }
}

void read_settlement(story &one, const line &entry)
{
    delivery &held = one.deliveries[entry.delivery];
    const bool ok = entry.what == event::settled && entry.outcome == SLOTQ_OK;
    if (entry.verb == SLOTQ_ACK) {
        one.maybe_acked = true;
        one.acks += ok ? 1 : 0;
        held.acked_ms = ok ? entry.at_ms : held.acked_ms;
    } else if (entry.verb == SLOTQ_EXTEND) {
        held.hold_until_ms =
            ok ? std::max(held.hold_until_ms, entry.asked_ms + entry.hold_ms) : held.hold_until_ms;
    } else if (entry.what == event::settling) {
        held.hold_until_ms = std::min(held.hold_until_ms, entry.at_ms);
    } else if (ok && entry.verb == SLOTQ_NACK) {
        held.hold_until_ms = entry.asked_ms + entry.hold_ms;
    }
}

void read_line(story_book &all, const line &entry)
{
    if (entry.what == event::pushing || entry.what == event::pushed) {
        read_push(all, entry);
        return;
    }
    story &one = all.stories[entry.serial];
    one.two_ids |= one.id != 0 && one.id != entry.id;
    one.id = entry.id;
    if (entry.what == event::delivered) {
        one.deliveries[entry.delivery] = {entry.asked_ms, entry.at_ms,
                                          entry.asked_ms + entry.hold_ms, UINT64_MAX};
    } else {
        read_settlement(one, entry);
    }
}

/* Two consumers may have held a message only one after the other, and none after an ack. When
 * a reserve took effect is known from its beginning up to the line about it. */
std::string judge_deliveries(const story &one)
{
    for (const auto &first : one.deliveries) {
        for (const auto &second : one.deliveries) {
            const delivery &a = first.second;
            const delivery &b = second.second;
            if (first.first < second.first && b.logged_ms < a.hold_until_ms &&
                a.logged_ms < b.hold_until_ms) {
                return "was held by two at a time";
            }
            if (b.asked_ms > a.acked_ms) {
                return "came back after its ack was answered";
            }
        }
    }
    return one.acks > 1 ? "was acked twice" : one.two_ids ? "has two ids" : "";
}

} // namespace

story_book read_books(const std::vector<std::string> &books)
{
    story_book all;
    for (const std::string &path : books) {
        const crash::bytes content = crash::read_file(path);
        for (size_t at = 0; at + sizeof(line) <= content.size(); at += sizeof(line)) {
            line entry;
            memcpy(&entry, content.data() + at, sizeof entry);
            read_line(all, entry);
        }
    }
    return all;
}

balance settle_books(const story_book &all, const std::map<uint64_t, uint64_t> &dead)
{
    balance sum;
    for (const auto &entry : all.stories) {
        const story &one = entry.second;
        const bool is_dead = dead.count(entry.first) != 0;
        const uint64_t times = one.deliveries.size();
        sum.acked += one.acks;
        sum.repeats += times > 1 ? times - 1 : 0;
        sum.lost += one.pushed && one.acks == 0 && !one.maybe_acked && !is_dead ? 1 : 0;
        sum.unexpected += times > 0 && !one.pushed && !one.maybe_pushed ? 1 : 0;
        sum.unexpected += one.acks > 0 && is_dead ? 1 : 0;
        const std::string odd = judge_deliveries(one);
        if (!odd.empty()) {
            sum.odd++;
            sum.first_odd = "message " + std::to_string(entry.first) + " " + odd;
        }
    }
    for (const push_call &call : all.pushes) {
        uint64_t there = 0;
        for (uint64_t i = 0; i < call.count; i++) {
            there += all.stories.at(call.serial + i).deliveries.empty() ? 0 : 1;
        }
        sum.halves += there != 0 && there != call.count ? 1 : 0;
    }
    return sum;
}

} // namespace total

/* mirror_keys.hpp: pushes with keys of several shards, against pushes of each part into a queue
 * that is alone; and find.
 */
#ifndef TESTS_SHARDS_MIRROR_KEYS_HPP
#define TESTS_SHARDS_MIRROR_KEYS_HPP

#include "mirror.hpp"

namespace sharded_store
{

class KeyedMirror : public Mirror
{
public:
    using Mirror::Mirror;

protected:
    void find()
    {
        if (!keyed_) {
            slotq_key_holder holder;
            REQUIRE(slotq_find(whole_, keys_[0], &holder) == SLOTQ_INVALID);
            return;
        }
        const uint64_t key = keys_[below(KEYS)];
        const uint32_t shard = shards_route(key, SHARDS);
        slotq_key_holder one, other;
        const slotq_outcome outcome = slotq_find(whole_, key, &one);
        REQUIRE(outcome == slotq_find(alone_[shard].get(), key, &other));
        if (outcome == SLOTQ_OK) {
            REQUIRE(one.id == shards_id_of(shard, other.id));
            REQUIRE(one.place == other.place);
            REQUIRE(one.is_unfinished == other.is_unfinished);
        }
    }

    /* A call of several keys, some messages without one. */
    struct Call {
        std::vector<Text> texts;
        std::vector<slotq_data> data;
        std::vector<uint64_t> keys, ids, expected_ids;
        std::vector<uint8_t> outcomes, expected;
        slotq_push_options options = {};
    };
    /* What is expected of the messages of one shard, all or none but for those whose key is taken,
     * and of those that a whole puts anywhere. Returns how many calls that takes. */
    int expect_part(uint32_t shard, std::vector<uint32_t> numbers, Call &call)
    {
        for (int calls = 1; !numbers.empty(); calls++) {
            std::vector<slotq_data> some;
            std::vector<uint64_t> keys;
            for (const uint32_t number : numbers) {
                some.push_back(call.data[number]);
                keys.push_back(call.keys[number]);
            }
            slotq_push_options options = {};
            options.keys = keys.data();
            options.key_mode = call.options.key_mode;
            options.due_ms = call.options.due_ms;
            slotq_pushed pushed;
            const slotq_outcome outcome =
                slotq_push_with(alone_[shard].get(), some.data(),
                                static_cast<uint32_t>(some.size()), &options, &pushed);
            if (outcome == SLOTQ_DUPLICATE && call.options.key_mode != SLOTQ_KEY_RESEND) {
                call.expected[numbers[pushed.holder.message]] = SLOTQ_DUPLICATE;
                numbers.erase(numbers.begin() + pushed.holder.message);
                if (numbers.empty()) {
                    return calls;
                }
                continue;
            }
            for (uint32_t i = 0; i < numbers.size(); i++) {
                call.expected[numbers[i]] = static_cast<uint8_t>(outcome);
                call.expected_ids[numbers[i]] =
                    outcome == SLOTQ_OK ? shards_id_of(shard, pushed.first_id + i) : 0;
            }
            return calls;
        }
        return 0;
    }

    Call any_call()
    {
        Call call;
        call.texts = texts(6);
        call.data = data_of(call.texts);
        const size_t count = call.data.size();
        call.options.key_mode = static_cast<slotq_key_mode>(1 + below(3));
        const bool may_be_later = count == 1 || call.options.key_mode != SLOTQ_KEY_RESEND;
        if (may_be_later && below(4) == 0) {
            call.options.due_ms = made_.now_ms + below(3000) + 1;
        }
        std::set<uint64_t> chosen;
        while (call.keys.size() < count) {
            const uint64_t key = keys_[below(KEYS)];
            const bool without = !call.keys.empty() && below(5) == 0;
            if (without || chosen.insert(key).second) {
                call.keys.push_back(without ? 0 : key);
            }
        }
        call.outcomes.assign(count, 99);
        call.expected.assign(count, 99);
        call.ids.assign(count, 99);
        call.expected_ids.assign(count, 0);
        return call;
    }

    /* The shard of a message; SHARDS: any. */
    uint32_t route(const Call &call, size_t number) const
    {
        const bool stays = call.options.key_mode == SLOTQ_KEY_RESEND && call.keys[number] == 0;
        const uint64_t key = call.keys[stays ? 0 : number];
        return key == 0 ? uint32_t{SHARDS} : shards_route(key, SHARDS);
    }

    /* The parts, in the order of their first messages. */
    std::vector<std::vector<uint32_t>> parts_of(const Call &call) const
    {
        std::map<uint32_t, size_t> part_of;
        std::vector<std::vector<uint32_t>> parts;
        for (uint32_t i = 0; i < call.data.size(); i++) {
            const auto at = part_of.emplace(route(call, i), parts.size());
            if (at.second) {
                parts.emplace_back();
            }
            parts[at.first->second].push_back(i);
        }
        return parts;
    }

    void expect_call(Call &call)
    {
        auto next = asked.begin();
        for (const auto &part : parts_of(call)) {
            const uint32_t shard = route(call, part[0]);
            if (shard < SHARDS) {
                const int calls = expect_part(shard, part, call);
                REQUIRE(asked.end() - next >= calls);
                next += calls;
                continue;
            }
            uint8_t &outcome = call.expected[part[0]];
            bool was_full = false;
            for (uint32_t k = 0; k < SHARDS && outcome != SLOTQ_OK; k++, ++next) {
                REQUIRE(next != asked.end()); /* without a key: until one takes them */
                expect_part(next->shard, part, call);
                REQUIRE(outcome == next->outcome);
                was_full = was_full || outcome == SLOTQ_FULL;
            }
            for (const uint32_t number : part) { /* FULL tells more than TOOBIG */
                uint8_t &one = call.expected[number];
                one = one != SLOTQ_OK && was_full ? uint8_t{SLOTQ_FULL} : one;
            }
        }
        REQUIRE(next == asked.end());
        REQUIRE(call.outcomes == call.expected);
        REQUIRE(call.ids == call.expected_ids);
    }

    void push_keys()
    {
        if (!keyed_) {
            return;
        }
        Call call = any_call();
        const uint32_t count = static_cast<uint32_t>(call.data.size());
        call.options.keys = call.keys.data();
        call.options.outcomes = call.outcomes.data();
        call.options.ids = call.ids.data();
        slotq_pushed pushed;
        asked.clear();
        const slotq_outcome outcome =
            slotq_push_with(whole_, call.data.data(), count, &call.options, &pushed);
        if (asked.empty()) { /* more than any shard can schedule */
            REQUIRE(outcome == SLOTQ_TOOBIG);
            REQUIRE(call.options.due_ms > 0);
            REQUIRE(count > uneven(SHARDS - 1, true).later_slots);
            REQUIRE(call.outcomes == std::vector<uint8_t>(count, SLOTQ_TOOBIG));
            return;
        }
        expect_call(call);
        const auto refused = std::find_if(call.expected.begin(), call.expected.end(),
                                          [](uint8_t one) { return one != SLOTQ_OK; });
        const bool all = refused == call.expected.end();
        REQUIRE(outcome == (all ? uint8_t{SLOTQ_OK} : *refused));
        if (outcome == SLOTQ_DUPLICATE) {
            REQUIRE(pushed.holder.message == refused - call.expected.begin());
        }
        for (const uint64_t id : call.ids) {
            if (id != 0) {
                (call.options.due_ms > 0 ? later_ids_ : ids_).push_back(id);
            }
        }
    }
};

} // namespace sharded_store
#endif

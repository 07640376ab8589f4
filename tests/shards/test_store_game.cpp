/* test_store_game.cpp: every verb of a sharded queue at random, against queues that are alone, one
 * for each shard: what the whole answers is what they answer, put together.
 */
#include "mirror_keys.hpp"

using namespace sharded_store;

namespace
{

class Game : public KeyedMirror
{
public:
    using KeyedMirror::KeyedMirror;

    void step()
    {
        static void (Game::*const steps[])() = {
            &Game::push,      &Game::push,          &Game::reserve,    &Game::reserve,
            &Game::settle,    &Game::settle,        &Game::settle,     &Game::schedule,
            &Game::schedule,  &Game::cancel,        &Game::kick,       &Game::kick_later,
            &Game::status,    &Game::peek,          &Game::dead_list,  &Game::later_list,
            &Game::dead_find, &Game::redrive,       &Game::redrive_id, &Game::dead_remove,
            &Game::remove,    &Game::compare_stats, &Game::pass_time,  &Game::find,
            &Game::push_keys, &Game::push_keys,     &Game::rarely,
        };
        (this->*steps[below(sizeof steps / sizeof steps[0])])();
    }

private:
    /* Each shard that was asked is asked alone; the last one took the messages, or all refused. */
    template <class Add>
    void expect(slotq_outcome outcome, uint64_t id, const Add &add)
    {
        REQUIRE(!asked.empty());
        std::set<uint32_t> shards;
        for (const Asked &one : asked) {
            uint64_t expected = 0;
            REQUIRE(add(alone_[one.shard].get(), &expected) == one.outcome);
            if (one.outcome == SLOTQ_OK) {
                REQUIRE(id == shards_id_of(one.shard, expected));
            }
            shards.insert(one.shard);
        }
        REQUIRE(shards.size() == asked.size());
        REQUIRE((asked.back().outcome == SLOTQ_OK) == (outcome == SLOTQ_OK));
        if (outcome != SLOTQ_OK) {
            REQUIRE((outcome == SLOTQ_FULL || outcome == SLOTQ_PAUSED));
            REQUIRE(shards.size() == SHARDS);
        }
    }

    void push()
    {
        const auto made = texts(4);
        const auto data = data_of(made);
        const uint32_t count = static_cast<uint32_t>(data.size());
        uint64_t id = 0;
        asked.clear();
        const slotq_outcome outcome = slotq_push(whole_, data.data(), count, &id);
        expect(outcome, id, [&](slotq *alone, uint64_t *expected) {
            return slotq_push(alone, data.data(), count, expected);
        });
        for (uint32_t i = 0; i < count && outcome == SLOTQ_OK; i++) {
            ids_.push_back(id + i);
        }
    }

    void schedule()
    {
        const auto made = texts(2);
        const auto data = data_of(made);
        const uint32_t count = static_cast<uint32_t>(data.size());
        const uint64_t due_ms = made_.now_ms + below(5000);
        uint64_t id = 0;
        asked.clear();
        const slotq_outcome outcome = slotq_schedule(whole_, data.data(), count, due_ms, 0, &id);
        expect(outcome, id, [&](slotq *alone, uint64_t *expected) {
            return slotq_schedule(alone, data.data(), count, due_ms, 0, expected);
        });
        if (outcome == SLOTQ_OK) {
            later_ids_.push_back(id);
        }
    }

    void reserve()
    {
        const any_queue::Batch batch = any_queue::batch(), other = any_queue::batch();
        const uint8_t group = static_cast<uint8_t>(below(GROUPS));
        const uint32_t limit = 1 + below(5);
        asked.clear();
        const slotq_outcome outcome = slotq_reserve(whole_, group, limit, 2000, 0, batch.get());
        const auto seen = read(batch.get());
        std::set<uint32_t> shards;
        for (const Asked &one : asked) {
            REQUIRE(slotq_reserve(alone_[one.shard].get(), group, limit, 2000, 0, other.get()) ==
                    one.outcome);
            shards.insert(one.shard);
        }
        REQUIRE(asked.back().outcome == outcome);
        REQUIRE((outcome == SLOTQ_OK || shards.size() == SHARDS));
        REQUIRE(seen.empty() == (outcome != SLOTQ_OK));
        REQUIRE(seen == whole_of(read(other.get()), asked.back().shard));
        for (const Seen &one : seen) {
            held_[group].push_back({one.id, one.token, 1});
            ids_.push_back(one.id); /* promoted ones are met here first */
        }
    }
    std::vector<Seen> whole_of(std::vector<Seen> all, uint32_t shard) const
    {
        for (Seen &one : all) {
            one.id = shards_id_of(shard, one.id);
        }
        return all;
    }

    void settle()
    {
        const uint8_t group = static_cast<uint8_t>(below(GROUPS));
        auto &held = held_[group];
        std::vector<slotq_run> runs;
        for (uint32_t i = 1 + below(5); i > 0 && !held.empty(); i--) {
            const size_t at = below(held.size());
            runs.push_back(held[at]);
            if (below(8) > 0) {
                held.erase(held.begin() + static_cast<long>(at));
            }
        }
        const auto how = static_cast<slotq_settle_how>(below(5));
        const uint64_t ms = how == SLOTQ_SETTLE_EXTEND ? 1500 : below(2) * 800;
        const Text note(below(NOTES), 'n');
        const slotq_data note_data = {note.data(), static_cast<uint32_t>(note.size())};
        std::vector<uint8_t> outcomes(runs.size(), 99);
        std::vector<uint32_t> tokens(runs.size(), 99);
        if (runs.empty()) {
            return;
        }
        const slotq_outcome outcome = slotq_settle_noted(
            whole_, how, group, runs.data(), static_cast<uint32_t>(runs.size()), ms, 7, &note_data,
            outcomes.data(), how == SLOTQ_SETTLE_EXTEND ? tokens.data() : nullptr);
        slotq_outcome first = SLOTQ_OK;
        for (size_t i = 0; i < runs.size(); i++) {
            slotq_run run = runs[i];
            uint8_t expected = 99;
            uint32_t token = 99;
            run.id = low(run.id);
            (void)slotq_settle_noted(of(runs[i].id), how, group, &run, 1, ms, 7, &note_data,
                                     &expected, how == SLOTQ_SETTLE_EXTEND ? &token : nullptr);
            REQUIRE(outcomes[i] == expected);
            REQUIRE(tokens[i] == token);
            first = first == SLOTQ_OK ? static_cast<slotq_outcome>(expected) : first;
            if (how == SLOTQ_SETTLE_EXTEND && expected == SLOTQ_OK) {
                held.push_back({runs[i].id, token, 1});
            }
        }
        REQUIRE(outcome == first);
    }

    void cancel()
    {
        const uint64_t id = any_later_id();
        REQUIRE(slotq_cancel(whole_, id) == slotq_cancel(of(id), low(id)));
    }
    void kick_later()
    {
        const uint64_t id = any_later_id();
        REQUIRE(slotq_kick_later(whole_, id) == slotq_kick_later(of(id), low(id)));
    }
    void kick()
    {
        const uint64_t id = any_id();
        const uint8_t group = static_cast<uint8_t>(below(GROUPS));
        REQUIRE(slotq_kick(whole_, group, id) == slotq_kick(of(id), group, low(id)));
    }
    void remove()
    {
        const uint64_t id = any_id();
        REQUIRE(slotq_remove(whole_, 0, id) == slotq_remove(of(id), 0, low(id)));
    }
    void status()
    {
        const uint64_t id = any_id();
        slotq_status one, other;
        const slotq_outcome outcome = slotq_get_status(whole_, 1, id, &one);
        REQUIRE(outcome == slotq_get_status(of(id), 1, low(id), &other));
        if (outcome == SLOTQ_OK) {
            REQUIRE(std::tie(one.state, one.why, one.attempts, one.deadline_ms, one.position,
                             one.reason, one.is_dead, one.died_at_ms) ==
                    std::tie(other.state, other.why, other.attempts, other.deadline_ms,
                             other.position, other.reason, other.is_dead, other.died_at_ms));
        }
    }

    /* Everything that a list gives of the queues that are alone. */
    template <class List>
    std::vector<Seen> all_of(const List &list)
    {
        std::vector<Seen> all;
        for (uint32_t i = 0; i < SHARDS; i++) {
            const any_queue::Batch batch = any_queue::batch();
            if (list(alone_[i].get(), batch.get()) == SLOTQ_OK) {
                const auto some = whole_of(read(batch.get()), i);
                all.insert(all.end(), some.begin(), some.end());
            }
        }
        return all;
    }
    /* Pages of the whole from a place on. */
    template <class Page>
    void compare_pages(const std::vector<Seen> &all, size_t from, const Page &page)
    {
        const any_queue::Batch batch = any_queue::batch();
        uint32_t pages = 1 + below(6);
        while (pages-- > 0) {
            const uint32_t limit = 1 + below(9);
            const slotq_outcome outcome = page(from, limit, batch.get());
            const auto seen = read(batch.get());
            REQUIRE(outcome == (from < all.size() ? SLOTQ_OK : SLOTQ_EMPTY));
            REQUIRE(seen.size() <= limit);
            REQUIRE(
                (seen.size() == std::min<size_t>(limit, all.size() - std::min(from, all.size())) ||
                 seen.size() > 1)); /* a page has room for so many of one shard at least */
            for (const Seen &one : seen) {
                REQUIRE(one == all[from++]);
            }
        }
    }
    void peek()
    {
        const uint8_t group = static_cast<uint8_t>(below(GROUPS));
        const auto all = all_of([group](slotq *queue, slotq_batch *batch) {
            return slotq_peek(queue, group, 0, 100, batch);
        });
        compare_pages(all, 0, [&](size_t from, uint32_t limit, slotq_batch *batch) {
            const uint64_t id = from > 0 ? all[from - 1].id + 1 : 0;
            return slotq_peek(whole_, group, id, limit, batch);
        });
    }
    void dead_list()
    {
        const auto all = all_of(
            [](slotq *queue, slotq_batch *batch) { return slotq_dead_list(queue, 0, 100, batch); });
        compare_pages(all, below(all.size() + 2),
                      [&](size_t from, uint32_t limit, slotq_batch *to) {
                          return slotq_dead_list(whole_, static_cast<uint32_t>(from), limit, to);
                      });
    }
    void later_list()
    {
        const auto all = all_of([](slotq *queue, slotq_batch *batch) {
            return slotq_later_list(queue, 0, 100, batch);
        });
        compare_pages(all, below(all.size() + 2),
                      [&](size_t from, uint32_t limit, slotq_batch *to) {
                          return slotq_later_list(whole_, static_cast<uint32_t>(from), limit, to);
                      });
    }
    std::vector<Seen> dead()
    {
        return all_of(
            [](slotq *queue, slotq_batch *batch) { return slotq_dead_list(queue, 0, 100, batch); });
    }
    uint64_t any_dead_id()
    {
        const auto all = dead();
        return all.empty() || below(5) == 0 ? any_id() : all[below(all.size())].id;
    }
    void dead_find()
    {
        const any_queue::Batch one = any_queue::batch(), other = any_queue::batch();
        const uint64_t id = any_dead_id();
        REQUIRE(slotq_dead_find(whole_, SLOTQ_ALL_GROUPS, id, one.get()) ==
                slotq_dead_find(of(id), SLOTQ_ALL_GROUPS, low(id), other.get()));
        REQUIRE(read(one.get()) == whole_of(read(other.get()), shard_of(id)));
    }
    void redrive()
    {
        const uint32_t there = static_cast<uint32_t>(dead().size());
        const uint32_t limit = below(3) == 0 ? 0 : 1 + below(8);
        std::vector<uint64_t> ids(100), expected;
        uint32_t count = 99, damaged = 99;
        uint32_t left = limit == 0 ? there : limit;
        slotq_outcome wanted = SLOTQ_OK;
        const slotq_outcome outcome =
            slotq_dead_redrive(whole_, limit, ids.data(), &count, &damaged);
        for (uint32_t i = 0; i < SHARDS && left > 0; i++) {
            std::vector<uint64_t> some(100);
            uint32_t done = 0;
            const slotq_outcome one =
                slotq_dead_redrive(alone_[i].get(), left, some.data(), &done, nullptr);
            wanted = wanted == SLOTQ_OK ? one : wanted;
            left -= done;
            for (uint32_t k = 0; k < done; k++) {
                expected.push_back(shards_id_of(i, some[k]));
            }
        }
        REQUIRE((outcome == wanted || there == 0));
        REQUIRE(count == expected.size());
        REQUIRE(damaged == 0);
        ids.resize(count);
        REQUIRE(ids == expected);
    }
    void redrive_id()
    {
        const uint64_t id = any_dead_id();
        uint64_t one[SLOTQ_GROUPS_MAX], other[SLOTQ_GROUPS_MAX];
        uint32_t count = 99, done = 99;
        REQUIRE(slotq_dead_redrive_id(whole_, SLOTQ_ALL_GROUPS, id, one, &count, nullptr) ==
                slotq_dead_redrive_id(of(id), SLOTQ_ALL_GROUPS, low(id), other, &done, nullptr));
        REQUIRE(count == done);
        for (uint32_t i = 0; i < count; i++) {
            REQUIRE(one[i] == shards_id_of(shard_of(id), other[i]));
        }
    }
    void dead_remove()
    {
        const uint64_t id = any_dead_id();
        uint32_t count = 0, done = 0;
        REQUIRE(slotq_dead_remove(whole_, SLOTQ_ALL_GROUPS, id, &count) ==
                slotq_dead_remove(of(id), SLOTQ_ALL_GROUPS, low(id), &done));
        REQUIRE(count == done);
    }
    void compare_stats()
    {
        const uint8_t group = static_cast<uint8_t>(below(GROUPS));
        slotq_stats stats;
        REQUIRE(slotq_get_stats(whole_, group, &stats) == SLOTQ_OK);
        uint32_t used = 0, ready = 0, leased = 0, acked = 0, later = 0, dead = 0, aside = 0;
        for (const Handle &alone : alone_) {
            slotq_stats one;
            REQUIRE(slotq_get_stats(alone.get(), group, &one) == SLOTQ_OK);
            used += one.used;
            ready += one.ready;
            leased += one.leased;
            acked += one.acked;
            later += one.later;
            dead += one.dead;
            aside += one.aside;
        }
        REQUIRE(stats.used == used);
        REQUIRE(stats.ready == ready);
        REQUIRE(stats.leased == leased);
        REQUIRE(stats.acked == acked);
        REQUIRE(stats.later == later);
        REQUIRE(stats.dead == dead);
        REQUIRE(stats.aside == aside);
    }
    void pass_time()
    {
        made_.now_ms += below(900);
        if (below(4) == 0) {
            REQUIRE(slotq_reclaim(whole_, 1, nullptr, nullptr) == SLOTQ_OK);
            for (const Handle &alone : alone_) {
                REQUIRE(slotq_reclaim(alone.get(), 1, nullptr, nullptr) == SLOTQ_OK);
            }
        }
    }
    void rarely()
    {
        const uint32_t which = below(60);
        const auto all = [this](slotq_outcome (*verb)(slotq * queue)) {
            REQUIRE(verb(whole_) == SLOTQ_OK);
            for (const Handle &alone : alone_) {
                REQUIRE(verb(alone.get()) == SLOTQ_OK);
            }
        };
        if (which == 0) {
            all(slotq_purge);
        } else if (which == 1) {
            all([](slotq *queue) { return slotq_dead_purge(queue, nullptr); });
        } else if (which < 8) {
            all([](slotq *queue) { return slotq_pause(queue, SLOTQ_PAUSE_BOTH); });
        } else if (which < 50) {
            all([](slotq *queue) { return slotq_resume(queue, SLOTQ_PAUSE_BOTH); });
        } else {
            REQUIRE(slotq_check(whole_) == SLOTQ_OK);
        }
    }
};

void play(uint32_t seed, bool keyed, bool files, uint32_t steps)
{
    CAPTURE(seed, keyed, files);
    Game game(seed, keyed, files);
    for (uint32_t i = 0; i < steps; i++) {
        INFO("step " << i);
        game.step();
    }
}

} // namespace

TEST_CASE("sharded store: verbs at random answer what the shards answer alone", "[sharded]")
{
    for (uint32_t seed = 1; seed <= 4; seed++) {
        play(seed, false, false, 5000);
        play(seed, true, false, 5000);
    }
    play(9, false, true, 1000);
    play(9, true, true, 1000);
}

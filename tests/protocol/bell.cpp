/* bell.cpp: see bell.hpp. Every transition is one thing that happens alone: a script on a server, a
 * client that reads its socket, a clock, a connection that ends.
 */
#include "bell.hpp"

#include "bell_consumers.hpp"

namespace protocol::bell
{

namespace
{

class Machine : private Consumers
{
public:
    explicit Machine(const Setting &setting) : Consumers(setting)
    {
    }

    Found run()
    {
        State first;
        for (uint32_t i = 0; i < actors_; i++) {
            first.actors[i].group = static_cast<uint8_t>(setting_.groups[i]);
        }
        search_.begin(standard(first, setting_));
        return search_.run(
            setting_.without != Rule::none, [this](const State &state) { judge(state); },
            [this](const State &state) { expand(state); });
    }

private:
    /* ---- producers, nudges, clocks ---- */

    void push(const State &before)
    {
        if (before.pushed == setting_.pushes.size()) {
            return;
        }
        const uint32_t count = setting_.pushes[before.pushed];
        for (uint32_t shard = 0; shard < setting_.shards; shard++) {
            const bool rings = shard == 0 && (before.bits & BELL) != 0;
            each_cursor(before, rings, [&](State &state, uint32_t from) {
                state.pushed++;
                for (uint32_t group = 0; group < groups_; group++) {
                    state.ready[group][shard] =
                        static_cast<uint8_t>(state.ready[group][shard] + count);
                    if (rings) {
                        ring(state, group, count, BELL, from);
                    }
                }
                if (rings) {
                    clear_bit(state);
                }
                nudge_later(state, groups_max, shard, count);
                go(state, shard == 0 ? "push to the bell" : "push to a shard");
            });
        }
    }

    void give_back(const State &before, uint32_t group)
    {
        if (before.held[group] == 0 || before.returned == setting_.returns) {
            return;
        }
        for (uint32_t shard = 0; shard < setting_.shards; shard++) {
            const bool rings = shard == 0 && (before.bits & BELL) != 0;
            each_cursor(before, rings, [&](State &state, uint32_t from) {
                state.returned++;
                state.held[group]--;
                state.ready[group][shard]++;
                if (rings) {
                    ring(state, group, 1, BELL, from);
                    clear_bit(state);
                }
                nudge_later(state, group, shard, 1);
                go(state, "nack");
            });
        }
    }

    /* The due times of the bell itself are those of one queue. */
    void give_back_later(const State &before, uint32_t group)
    {
        if (before.held[group] == 0 || before.delays == setting_.delays) {
            return;
        }
        for (uint32_t shard = 1; shard < setting_.shards; shard++) {
            State state = before;
            state.delays++;
            state.held[group]--;
            state.delayed[group][shard]++;
            if (has(Rule::due_is_nudged)) {
                nudge_later(state, group, shard, 1);
            }
            go(state, "nack with a delay");
        }
    }

    void clocks(const State &before, uint32_t group)
    {
        for (uint32_t shard = 1; shard < setting_.shards; shard++) {
            if (before.delayed[group][shard] > 0) {
                State state = before;
                state.delayed[group][shard]--;
                state.ready[group][shard]++;
                for (uint32_t i = 0; i < actors_; i++) {
                    Actor &client = state.actors[i];
                    if (client.group == group && (client.knows & bit(shard)) != 0) {
                        put(client.timer, bit(shard));
                        take_out(client.knows, bit(shard));
                    }
                }
                go(state, "a due time comes");
            }
        }
    }

    void nudge(const State &before, uint32_t row, uint32_t shard, uint32_t moved, uint32_t need)
    {
        if (before.nudges[row][shard][moved][need - 1] == 0) {
            return;
        }
        each_cursor(before, (before.bits & BELL) != 0, [&](State &state, uint32_t from) {
            state.nudges[row][shard][moved][need - 1]--;
            uint32_t told = 0;
            for (uint32_t group = 0; group < groups_; group++) {
                told += row == group || row == groups_max
                            ? ring(state, group, need, bit(shard), from)
                            : 0;
            }
            clear_bit(state);
            const bool empty = (state.bits & BELL) == 0 || !has(Rule::hush_if_all_rows);
            if (told == 0 && empty && (moved == 0 || !has(Rule::hush_compares))) {
                put(state.hushes, bit(shard));
            }
            go(state, "nudge");
        });
    }

    void requests(const State &before)
    {
        for (uint32_t shard = 1; shard < setting_.shards; shard++) {
            for (uint32_t row = 0; row < rows_max; row++) {
                for (uint32_t kind = 0; kind < 4; kind++) {
                    nudge(before, row, shard, kind / 2, kind % 2 + 1);
                }
            }
            if ((before.hushes & bit(shard)) != 0) {
                State state = before;
                take_out(state.hushes, bit(shard));
                take_out(state.bits, bit(shard));
                go(state, "hush");
            }
        }
        for (uint32_t group = 0; group < groups_; group++) {
            if (before.rounds[group] != 0) {
                each_cursor(before, (before.bits & BELL) != 0, [&](State &state, uint32_t from) {
                    state.rounds[group] = 0;
                    ring(state, group, 1, WHOLE_ROUND, from);
                    clear_bit(state);
                    go(state, "nudge for a round");
                });
            }
        }
    }

    void crash(const State &before)
    {
        if (!setting_.crash || before.crashed || before.polled) {
            return;
        }
        for (uint32_t i = 0; i < actors_; i++) {
            State state = before;
            Actor &died = state.actors[i];
            const Actor was = died;
            died = Actor();
            died.phase = DEAD;
            died.group = was.group;
            died.flags = static_cast<uint8_t>(was.flags & SET);
            state.crashed = 1;
            go(state, "crashes");
        }
        State state = before;
        memset(state.nudges, 0, sizeof state.nudges);
        memset(state.rounds, 0, sizeof state.rounds);
        state.hushes = 0;
        state.crashed = 1;
        go(state, "all that was under way is forgotten");
    }

    void expand(const State &state)
    {
        push(state);
        for (uint32_t group = 0; group < groups_; group++) {
            give_back(state, group);
            give_back_later(state, group);
            clocks(state, group);
        }
        requests(state);
        for (uint32_t i = 0; i < actors_; i++) {
            step(state, i);
        }
        crash(state);
    }

    /* ---- what must not be ---- */

    bool is_under_way(const State &state, uint32_t group) const
    {
        for (uint32_t i = 0; i < actors_; i++) {
            const Actor &self = state.actors[i];
            const bool wakes = self.phase == SLEEPS && (self.told != 0 || self.timer != 0);
            if (self.group == group && (self.phase >= SUBSCRIBES || wakes)) {
                return true;
            }
        }
        for (const uint32_t row : {group, groups_max}) {
            for (uint32_t shard = 1; shard < setting_.shards; shard++) {
                for (uint32_t kind = 0; kind < 4; kind++) {
                    if (state.nudges[row][shard][kind / 2][kind % 2] != 0) {
                        return true;
                    }
                }
            }
        }
        return state.rounds[group] != 0;
    }

    bool is_ready(const State &state, uint32_t group) const
    {
        for (uint32_t shard = 0; shard < setting_.shards; shard++) {
            if (state.ready[group][shard] > 0) {
                return true;
            }
        }
        return false;
    }

    void judge(const State &state)
    {
        for (uint32_t i = 0; i < actors_; i++) {
            const uint32_t group = state.actors[i].group;
            if (state.actors[i].phase == SLEEPS && is_ready(state, group) &&
                !is_under_way(state, group)) {
                const bool polled = (state.polled & 1u << group) != 0;
                search_.lose(!setting_.crash || !state.crashed || polled);
                if (setting_.crash && !polled) {
                    State next = state;
                    put(next.polled, 1u << group);
                    next.actors[i].phase = REGISTERS;
                    put(next.actors[i].hints, WHOLE_ROUND);
                    go(next, "polls with a round");
                }
            }
        }
    }
};

} // namespace

Found search(const Setting &setting)
{
    return Machine(setting).run();
}

} // namespace protocol::bell

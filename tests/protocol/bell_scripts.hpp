/* bell_scripts.hpp: what single scripts do to a state of the protocol of the bell: places, rings,
 * what a reserve takes, what is handed over. Must not know when a client calls them.
 */
#ifndef TESTS_PROTOCOL_BELL_SCRIPTS_HPP
#define TESTS_PROTOCOL_BELL_SCRIPTS_HPP

#include "bell_states.hpp"

namespace protocol::bell
{

inline uint8_t bit(uint32_t shard)
{
    return static_cast<uint8_t>(1u << shard);
}

inline void put(uint8_t &mask, uint32_t bits)
{
    mask = static_cast<uint8_t>(mask | bits);
}

inline void take_out(uint8_t &mask, uint32_t bits)
{
    mask = static_cast<uint8_t>(mask & ~bits);
}

class Scripts
{
protected:
    explicit Scripts(const Setting &setting)
        : setting_(setting), actors_(static_cast<uint32_t>(setting.groups.size())),
          all_(static_cast<uint8_t>((1u << setting.shards) - 1))
    {
        for (const uint32_t group : setting.groups) {
            groups_ = group + 1 > groups_ ? group + 1 : groups_;
        }
    }

    bool has(Rule rule) const
    {
        return setting_.without != rule;
    }

    /* ---- places: of each row and place the first of its clients keeps whether it is set ---- */

    uint32_t place(uint32_t i) const
    {
        return setting_.places.empty() ? i : setting_.places[i];
    }

    Actor &keeper(State &state, uint32_t i) const
    {
        if (!setting_.places.empty()) {
            for (uint32_t j = 0; j < i; j++) {
                if (place(j) == place(i) && state.actors[j].group == state.actors[i].group) {
                    return state.actors[j];
                }
            }
        }
        return state.actors[i];
    }

    bool is_set(State &state, uint32_t i) const
    {
        return (keeper(state, i).flags & SET) != 0;
    }

    /* The place of consumer i becomes clear, and its channel says so. Returns how many clients hear
     * it. */
    uint32_t publish(State &state, uint32_t i, uint8_t what, int except = -1) const
    {
        uint32_t heard = 0;
        for (uint32_t j = 0; j < actors_; j++) {
            Actor &client = state.actors[j];
            if (place(j) != place(i) || client.phase == DEAD || client.phase == SUBSCRIBES) {
                continue;
            }
            heard++;
            const bool meant = client.group == state.actors[i].group;
            if (static_cast<int>(j) != except && (meant || !has(Rule::message_names_row))) {
                put(client.told, what);
            }
        }
        return heard;
    }

    /* What it says is for clients that share the place. */
    void clear_own(State &state, uint32_t i, uint8_t what) const
    {
        if (is_set(state, i)) {
            take_out(keeper(state, i).flags, SET);
            publish(state, i, what, static_cast<int>(i));
        }
    }

    /* Returns how many were told. The row's cursor may be anywhere: from is one of its places. */
    uint32_t ring(State &state, uint32_t group, uint32_t need, uint8_t what, uint32_t from) const
    {
        uint32_t rung = 0;
        for (uint32_t k = 0; k < actors_ && rung < need; k++) {
            const uint32_t i = (from + k) % actors_;
            if (state.actors[i].group == group && is_set(state, i)) {
                take_out(keeper(state, i).flags, SET);
                rung += publish(state, i, what) > 0;
            }
        }
        return rung;
    }

    void clear_bit(State &state) const
    {
        for (uint32_t i = 0; i < actors_; i++) {
            if (is_set(state, i)) {
                return;
            }
        }
        take_out(state.bits, BELL);
    }

    /* Where the ring of a row may begin: nowhere, if nothing is rung. */
    template <typename With>
    void each_cursor(const State &before, bool rings, With with)
    {
        for (uint32_t from = 0; from < (rings ? actors_ : 1); from++) {
            State state = before;
            with(state, from);
        }
    }

    void nudge_later(State &state, uint32_t row, uint32_t shard, uint32_t need) const
    {
        if (shard != 0 && (state.bits & bit(shard)) != 0) {
            state.nudges[row][shard][0][need - 1]++;
        }
    }

    /* A hand-over knows no counter, so no hush can follow. */
    void hand_over(State &state, uint32_t group, uint8_t shards) const
    {
        for (uint32_t shard = 1; shard < setting_.shards; shard++) {
            state.nudges[group][shard][1][0] = static_cast<uint8_t>(
                state.nudges[group][shard][1][0] + ((shards & bit(shard)) != 0));
        }
        if ((shards & WHOLE_ROUND) != 0) {
            state.rounds[group] = 1;
        }
    }

    /* What a consumer has when it stops waiting goes to another one. */
    void stop(State &state, uint32_t i) const
    {
        Actor &self = state.actors[i];
        if (has(Rule::all_told)) {
            hand_over(state, self.group, self.hints);
        }
        if (has(Rule::due_is_handed_over)) {
            hand_over(state, self.group, static_cast<uint8_t>(self.knows | self.timer));
        }
        self.hints = self.left = self.has = self.knows = self.timer = 0;
        take_out(self.flags, BELIEVES | TOOK);
        self.phase = IDLE;
    }

    /* ---- looks ---- */

    bool take(State &state, uint32_t i, uint32_t shard) const
    {
        uint8_t &ready = state.ready[state.actors[i].group][shard];
        if (ready == 0) {
            return false;
        }
        ready--;
        state.held[state.actors[i].group]++;
        const bool rest = ready > 0 && has(Rule::hand_over_rest);
        const bool due = state.delayed[state.actors[i].group][shard] > 0;
        if (rest || (due && has(Rule::due_of_rest))) {
            nudge_later(state, state.actors[i].group, shard, 1);
        }
        return true;
    }

    void see_due(State &state, uint32_t i, uint32_t shard) const
    {
        if (state.delayed[state.actors[i].group][shard] > 0) {
            put(state.actors[i].knows, bit(shard));
        }
    }

    const Setting setting_;
    const uint32_t actors_;
    uint32_t groups_ = 0;
    const uint8_t all_;
};

} // namespace protocol::bell
#endif

/* bell_consumers.hpp: what a consumer of a sharded queue may do next: looks, registering, rounds,
 * sleeping, leaving. Must not know producers, nor what is a fault.
 */
#ifndef TESTS_PROTOCOL_BELL_CONSUMERS_HPP
#define TESTS_PROTOCOL_BELL_CONSUMERS_HPP

#include "bell_scripts.hpp"

namespace protocol::bell
{

class Consumers : protected Scripts
{
protected:
    using Scripts::Scripts;

    void go(const State &state, const char *what)
    {
        search_.go(standard(state, setting_), what);
    }

    /* A consumer that does not wait. */
    void looks_around(const State &before, uint32_t i)
    {
        for (uint32_t shard = 0; shard < setting_.shards; shard++) {
            const uint32_t group = before.actors[i].group;
            const bool rings = shard == 0 && (before.bits & BELL) != 0;
            if (before.ready[group][shard] > 0) {
                each_cursor(before, rings, [&](State &state, uint32_t from) {
                    take(state, i, shard);
                    if (rings && state.ready[group][0] > 0) {
                        ring(state, group, 1, BELL, from);
                    }
                    go(state, shard == 0 ? "takes at the bell" : "takes at a shard");
                });
            }
        }
    }

    /* A reserve at the bell, with its place. */
    void registers(const State &before, uint32_t i)
    {
        const uint32_t group = before.actors[i].group;
        const bool rings = before.ready[group][0] > 1 && (before.bits & BELL) != 0;
        each_cursor(before, rings, [&](State &state, uint32_t from) {
            Actor &self = state.actors[i];
            if (take(state, i, 0)) {
                clear_own(state, i, BELL);
                if (state.ready[group][0] > 0 && (state.bits & BELL) != 0) {
                    ring(state, group, 1, BELL, from);
                }
                take_out(self.hints, BELL);
                if ((self.flags & BELIEVES) != 0 && has(Rule::rung_at_the_bell)) {
                    put(self.hints, WHOLE_ROUND);
                }
                stop(state, i);
                go(state, "takes at the bell, with its place");
                return;
            }
            is_registered(state, i);
        });
    }

    void is_registered(State &state, uint32_t i)
    {
        Actor &self = state.actors[i];
        if (has(Rule::read_when_registered)) { /* what is older than its place as it is set now */
            put(self.hints, (self.flags & BELIEVES) != 0 ? self.told : 0);
            self.told = 0;
        }
        put(keeper(state, i).flags, SET);
        put(self.flags, BELIEVES);
        put(state.bits, BELL);
        take_out(self.hints, BELL);
        const bool must = (self.hints & WHOLE_ROUND) != 0;
        const bool trusts =
            has_others(state, i) || !has(Rule::round_if_alone) || !has(Rule::register_first);
        if (!must && trusts) {
            State asleep = state;
            asleep.actors[i].phase = self.hints != 0 ? HINTS : SLEEPS;
            go(asleep, "is registered");
        }
        if (must || has(Rule::round_if_alone)) { /* if it trusts: its last round was long ago */
            self.hints = 0;                      /* a round covers what it was told of */
            self.phase = ROUND;
            self.left = static_cast<uint8_t>(all_ & ~BELL);
            go(state, "is registered, begins a round");
        }
    }

    bool has_others(State &state, uint32_t i) const
    {
        for (uint32_t j = 0; j < actors_; j++) {
            const bool counts =
                state.actors[j].group == state.actors[i].group || !has(Rule::others_of_row);
            if (j != i && place(j) != place(i) && counts && is_set(state, j)) {
                return true;
            }
        }
        return false;
    }

    /* One look of a round at one shard. */
    void round_looks(State &state, uint32_t i, uint32_t shard)
    {
        Actor &self = state.actors[i];
        const bool moved = has(Rule::counter_moves) || (state.bits & bit(shard)) == 0;
        if (has(Rule::round_sets_bit)) {
            put(state.bits, bit(shard));
            for (uint32_t row = 0; moved && row < rows_max; row++) {
                for (uint32_t need = 0; need < 2; need++) {
                    uint8_t *nudges = &state.nudges[row][shard][0][need];
                    nudges[2] = static_cast<uint8_t>(nudges[2] + nudges[0]);
                    nudges[0] = 0;
                }
            }
            if (moved && has(Rule::hush_compares)) {
                take_out(state.hushes, bit(shard));
            }
        }
        take_out(self.left, bit(shard));
        const bool surplus = (self.flags & TOOK) != 0;
        if (take(state, i, shard)) {
            put(self.flags, TOOK);
            put(self.has, surplus ? bit(shard) : 0);
            if (setting_.rounds == Rounds::one_by_one) {
                const uint8_t rest =
                    has(Rule::broken_off_is_round) ? uint8_t{WHOLE_ROUND} : bit(shard);
                put(self.hints, self.left != 0 ? rest : 0);
                self.left = 0;
            }
        } else {
            see_due(state, i, shard);
        }
        ends_round(state, i);
        go(state, "looks at a shard of its round");
    }

    void ends_round(State &state, uint32_t i) const
    {
        Actor &self = state.actors[i];
        if (self.left == 0) {
            const bool took = (self.flags & TOOK) != 0;
            self.phase = self.has != 0 ? RELEASES : took ? LEAVES : SLEEPS;
            if (self.phase == SLEEPS && !has(Rule::register_first) &&
                (self.flags & BELIEVES) == 0) {
                self.phase = REGISTERS;
            }
            if (self.phase == LEAVES && !has(Rule::leave_the_bell)) {
                stop(state, i);
            }
        }
    }

    void round(const State &before, uint32_t i)
    {
        for (uint32_t shard = 1; shard < setting_.shards; shard++) {
            if ((before.actors[i].left & bit(shard)) != 0) {
                State state = before;
                round_looks(state, i, shard);
            }
        }
    }

    void releases(const State &before, uint32_t i)
    {
        for (uint32_t shard = 1; shard < setting_.shards; shard++) {
            if ((before.actors[i].has & bit(shard)) != 0) {
                State state = before;
                const uint32_t group = before.actors[i].group;
                take_out(state.actors[i].has, bit(shard));
                state.held[group]--;
                state.ready[group][shard]++;
                if (has(Rule::release_is_nudged)) {
                    nudge_later(state, group, shard, 1);
                }
                ends_round(state, i);
                go(state, "releases what its round found besides");
            }
        }
    }

    /* Looks at one of the shards that it was told of. */
    void hints(const State &before, uint32_t i)
    {
        for (uint32_t shard = 1; shard < setting_.shards; shard++) {
            if ((before.actors[i].hints & bit(shard)) == 0) {
                continue;
            }
            State state = before;
            Actor &self = state.actors[i];
            take_out(self.hints, bit(shard));
            if (take(state, i, shard)) {
                self.phase = LEAVES;
                if (((self.flags & BELIEVES) == 0 && (self.hints & BELL) == 0) ||
                    !has(Rule::leave_the_bell)) {
                    stop(state, i);
                }
                go(state, "takes where it was told");
                continue;
            }
            see_due(state, i, shard);
            if ((self.hints & SHARDS & ~BELL) == 0 || !has(Rule::all_told)) {
                self.phase = REGISTERS;
            }
            go(state, "finds nothing where it was told");
        }
    }

    /* unwait */
    void leaves(const State &before, uint32_t i)
    {
        const uint32_t group = before.actors[i].group;
        const bool rings = before.ready[group][0] > 0 && (before.bits & BELL) != 0;
        each_cursor(before, rings, [&](State &state, uint32_t from) {
            Actor &self = state.actors[i];
            const bool was = is_set(state, i);
            clear_own(state, i, has(Rule::sharers_round) ? WHOLE_ROUND : BELL);
            if (rings) {
                ring(state, group, 1, BELL, from);
            }
            if (!was && (self.flags & BELIEVES) != 0 && has(Rule::pass_on_if_rung)) {
                put(self.hints, WHOLE_ROUND);
            }
            stop(state, i);
            go(state, "leaves the bell");
        });
    }

    /* ---- consumers ---- */

    void begin(const State &before, uint32_t i)
    {
        looks_around(before, i);
        State state = before;
        Actor &self = state.actors[i];
        self.told = 0;
        self.phase = REGISTERS;
        if (!has(Rule::register_first)) {
            self.phase = ROUND;
            self.left = static_cast<uint8_t>(all_ & ~BELL);
        }
        go(state, "waits");
    }

    void sleep(const State &before, uint32_t i)
    {
        State state = before;
        Actor &self = state.actors[i];
        if (self.told != 0 || self.timer != 0) {
            const bool told = self.told != 0;
            put(self.hints, self.told | self.timer);
            self.told = self.timer = 0;
            self.phase = (self.hints & SHARDS & ~BELL) != 0 ? HINTS : REGISTERS;
            go(state, "wakes, and cannot know whether that is older than its place");
            if (told) {
                take_out(self.flags, BELIEVES);
                go(state, "wakes");
            }
        }
        state = before;
        state.actors[i].phase = REGISTERS;
        go(state, "polls");
        if (before.leaves < setting_.leaves) {
            state = before;
            state.leaves++;
            state.actors[i].told = 0;
            state.actors[i].phase = SUBSCRIBES;
            go(state, "loses its connection");
        }
    }

    /* At any moment: it has waited long enough, or may take nothing more. */
    void goes_away(const State &before, uint32_t i)
    {
        const Actor &self = before.actors[i];
        if (before.leaves == setting_.leaves || self.phase == IDLE || self.phase == DEAD ||
            self.phase == RELEASES || self.phase == LEAVES || (self.flags & TOOK) != 0) {
            return;
        }
        State state = before;
        state.leaves++;
        if (self.phase == ROUND && self.left != 0) {
            put(state.actors[i].hints, WHOLE_ROUND);
        }
        state.actors[i].phase = LEAVES;
        go(state, "stops waiting");
    }

    void step(const State &before, uint32_t i)
    {
        State state = before;
        switch (before.actors[i].phase) {
        case IDLE:
            begin(before, i);
            break;
        case SLEEPS:
            sleep(before, i);
            break;
        case SUBSCRIBES:
            state.actors[i].phase = REGISTERS;
            put(state.actors[i].hints, has(Rule::round_after_loss) ? WHOLE_ROUND : 0);
            go(state, "is subscribed again");
            break;
        case REGISTERS:
            registers(before, i);
            break;
        case HINTS:
            hints(before, i);
            break;
        case ROUND:
            round(before, i);
            break;
        case RELEASES:
            releases(before, i);
            break;
        case LEAVES:
            leaves(before, i);
            break;
        default:
            break;
        }
        goes_away(before, i);
    }

    Search<State> search_;
};

} // namespace protocol::bell
#endif

/* futex.cpp: see futex.hpp. Every transition is one thing that happens alone: a call under the
 * lock, with the wake-ups that it makes before it leaves it; the begin of a sleep; the end of a
 * time.
 */
#include "futex.hpp"

namespace protocol::futex
{

namespace
{

constexpr uint32_t WOKEN_MOST = 1; /* the format's 4 would need more actors to matter */

/* From LOOKS on it takes its next step unasked. */
enum Phase : uint8_t { IDLE, SLEEPS, REGISTERED, DEAD, LOOKS, LOOKS_LAST };

struct Actor {
    uint8_t phase = IDLE;
    uint8_t stale = 0; /* the word is another than the one that it will sleep on */
    uint8_t turn = 0;  /* in the system's list of sleepers, from 1 on */
};

struct State {
    Actor actors[actors_max];
    uint8_t there[2] = {}; /* messages of each group; free slots, in [0] */
    uint8_t aside = 0;     /* messages that may step aside, one slot each */
    uint8_t mark[2] = {};  /* bits 0 and 1 of the word: for messages, for room */
    uint8_t may_sleep = 0; /* a bit for each kind */
    uint8_t pushed = 0, returned = 0, asides = 0, crashed = 0, polled = 0;
};
static_assert(sizeof(State) == sizeof(Actor) * actors_max + 11, "no padding");

bool is_room(uint32_t kind)
{
    return kind >= SLOT;
}

class Machine
{
public:
    explicit Machine(const Setting &setting)
        : setting_(setting), actors_(static_cast<uint32_t>(setting.kinds.size())),
          room_(is_room(setting.kinds[0]))
    {
    }

    Found run()
    {
        search_.begin(State());
        return search_.run(
            setting_.without != Rule::none, [this](const State &state) { judge(state); },
            [this](const State &state) { expand(state); });
    }

private:
    bool has(Rule rule) const
    {
        return setting_.without != rule;
    }

    void go(const State &state, const char *what)
    {
        search_.go(state, what);
    }

    /* ---- the word and the system's list ---- */

    void change_word(State &state) const
    {
        for (uint32_t i = 0; i < actors_; i++) {
            state.actors[i].stale |= state.actors[i].phase == REGISTERED ? 1 : 0;
        }
    }

    static void leave_list(State &state, Actor &actor)
    {
        for (Actor &other : state.actors) {
            other.turn = static_cast<uint8_t>(other.turn - (other.turn > actor.turn ? 1 : 0));
        }
        actor.turn = 0;
    }

    void fall_asleep(State &state, uint32_t i) const
    {
        uint8_t last = 0;
        for (const Actor &other : state.actors) {
            last = other.turn > last ? other.turn : last;
        }
        state.actors[i].turn = static_cast<uint8_t>(last + 1);
        state.actors[i].phase = SLEEPS;
    }

    /* One futex call. */
    uint32_t wake_kind(State &state, uint32_t kind, uint32_t most) const
    {
        uint32_t woken = 0;
        for (uint8_t turn = 1; turn <= actors_ && woken < most;) {
            uint32_t found = actors_;
            for (uint32_t i = 0; i < actors_; i++) {
                const bool fits = setting_.kinds[i] == kind || !has(Rule::own_kind);
                found = state.actors[i].turn == turn && fits ? i : found;
            }
            if (found == actors_) {
                turn++;
                continue;
            }
            leave_list(state, state.actors[found]);
            state.actors[found].phase = LOOKS;
            woken++;
        }
        return woken;
    }

    void wake(State &state, uint32_t kind, uint32_t most) const
    {
        if (!(state.may_sleep & 1u << kind)) {
            return;
        }
        const uint32_t woken = wake_kind(state, kind, most);
        if (!has(Rule::keep_bit) || (woken < most && !state.mark[is_room(kind)])) {
            state.may_sleep = static_cast<uint8_t>(state.may_sleep & ~(1u << kind));
        }
    }

    void ring(State &state) const
    {
        if (state.mark[room_]) {
            state.mark[room_] = 0;
            if (has(Rule::ring_changes_word)) {
                change_word(state);
            }
        }
    }

    /* ---- calls ---- */

    void room_came(State &state, uint32_t slots) const
    {
        ring(state);
        wake(state, SLOT, slots > 0 && slots < WOKEN_MOST ? slots : WOKEN_MOST);
        wake(state, SLOTS, has(Rule::all_for_slots) ? actors_ + 1 : 1);
    }

    void messages_came(State &state, uint32_t group, uint32_t count) const
    {
        wake(state, group, count < WOKEN_MOST ? count : WOKEN_MOST);
    }

    /* true: it has pushed */
    bool push_once(State &state, uint32_t wants) const
    {
        uint32_t freed = 0;
        while (state.there[0] < wants && state.aside > 0) {
            state.aside--;
            state.there[0]++;
            freed++;
        }
        const bool fits = state.there[0] >= wants;
        state.there[0] = static_cast<uint8_t>(state.there[0] - (fits ? wants : 0));
        if (freed > 0) {
            ring(state);
        }
        const bool left = state.there[0] > 0 || (state.aside > 0 && has(Rule::hand_over_aside));
        if (freed > 0 && left) {
            room_came(state, freed);
        } else if (fits && left && has(Rule::hand_over_room)) {
            wake(state, SLOT, 1);
        }
        return fits;
    }

    bool reserve_once(State &state, uint32_t group) const
    {
        uint8_t &there = state.there[group];
        if (there == 0) {
            return false;
        }
        there--;
        if (there > 0 && has(Rule::hand_over)) {
            wake(state, group, 1);
        }
        return true;
    }

    void look(State &state, uint32_t i, bool waits) const
    {
        const uint32_t kind = setting_.kinds[i];
        Actor &self = state.actors[i];
        self.phase = IDLE; /* no sleeper, and not to be made stale */
        self.stale = 0;
        if (room_ ? push_once(state, setting_.wants[i]) : reserve_once(state, kind)) {
            return;
        }
        if (waits) {
            if (!state.mark[room_]) {
                state.mark[room_] = 1;
                change_word(state);
            }
            if (has(Rule::set_bit)) {
                state.may_sleep = static_cast<uint8_t>(state.may_sleep | 1u << kind);
            }
            self.phase = REGISTERED;
        }
    }

    /* ---- what may happen ---- */

    void push(const State &before)
    {
        if (before.pushed == setting_.pushes.size()) {
            return;
        }
        State state = before;
        const uint32_t count = setting_.pushes[state.pushed++];
        state.there[0] = static_cast<uint8_t>(state.there[0] + count);
        if (room_) {
            room_came(state, count);
        } else {
            state.there[1] = static_cast<uint8_t>(state.there[1] + count);
            ring(state);
            messages_came(state, GROUP_0, count);
            messages_came(state, GROUP_1, count);
        }
        go(state, "push");
    }

    /* A message that was taken is ready again; or one more may step aside. */
    void settle(const State &before)
    {
        uint32_t came = 0;
        for (uint32_t i = 0; i < before.pushed; i++) {
            came += setting_.pushes[i];
        }
        for (uint32_t group = 0; group < 2 && !room_; group++) {
            if (before.returned < setting_.returns && before.there[group] < came) {
                State state = before;
                state.returned++;
                state.there[group]++;
                ring(state);
                messages_came(state, group, 1);
                go(state, "nack");
            }
        }
        if (setting_.aside > 0 && !before.asides) {
            State state = before;
            state.asides = 1;
            state.aside = static_cast<uint8_t>(setting_.aside);
            room_came(state, 0);
            go(state, "messages may step aside");
        }
    }

    void step(const State &before, uint32_t i)
    {
        State state = before;
        Actor &self = state.actors[i];
        switch (self.phase) {
        case IDLE:
            look(state, i, false);
            go(state, "looks without waiting");
            state = before;
            look(state, i, true);
            go(state, "looks, and may wait");
            break;
        case REGISTERED:
            if (self.stale) {
                self.stale = 0;
                self.phase = LOOKS;
                go(state, "finds another word");
            } else {
                fall_asleep(state, i);
                go(state, "sleeps");
            }
            break;
        case SLEEPS:
            leave_list(state, self);
            self.phase = LOOKS_LAST;
            go(state, "its time is over");
            break;
        case LOOKS:
            look(state, i, true);
            go(state, "looks");
            state = before;
            state.actors[i].phase = has(Rule::last_look) ? LOOKS_LAST : IDLE;
            go(state, "is woken as its time is over");
            break;
        case LOOKS_LAST:
            look(state, i, false);
            go(state, "looks a last time");
            break;
        default:
            break;
        }
    }

    void crash(const State &before, uint32_t i)
    {
        if (!setting_.crash || before.crashed || before.polled || before.actors[i].phase == DEAD) {
            return;
        }
        State state = before;
        if (state.actors[i].turn > 0) {
            leave_list(state, state.actors[i]);
        }
        state.actors[i] = Actor();
        state.actors[i].phase = DEAD;
        state.crashed = 1;
        go(state, "crashes");
    }

    void expand(const State &state)
    {
        push(state);
        settle(state);
        for (uint32_t i = 0; i < actors_; i++) {
            step(state, i);
            crash(state, i);
        }
    }

    /* ---- what must not be ---- */

    bool waits_for_the_same(uint32_t i, uint32_t k) const
    {
        return room_ || setting_.kinds[i] == setting_.kinds[k];
    }

    bool is_moving(const State &state, uint32_t with) const
    {
        for (uint32_t i = 0; i < actors_; i++) {
            const Actor &self = state.actors[i];
            if (waits_for_the_same(i, with) &&
                (self.phase >= LOOKS || (self.phase == REGISTERED && self.stale))) {
                return true;
            }
        }
        return false;
    }

    void judge(const State &state)
    {
        for (uint32_t i = 0; i < actors_; i++) {
            const uint8_t phase = state.actors[i].phase;
            const uint32_t there =
                room_ ? state.there[0] + state.aside : state.there[setting_.kinds[i]];
            const uint32_t least = room_ ? setting_.wants[i] : 1;
            if ((phase == SLEEPS || phase == REGISTERED) && there >= least &&
                !is_moving(state, i)) {
                lose(state, i);
            }
        }
    }

    void lose(const State &state, uint32_t i)
    {
        const bool beyond = !setting_.crash || !state.crashed || state.polled;
        search_.lose(beyond);
        if (setting_.crash && !state.polled && state.actors[i].phase == SLEEPS) {
            State next = state;
            next.polled = 1;
            leave_list(next, next.actors[i]);
            next.actors[i].phase = LOOKS;
            go(next, "polls");
        }
    }

    Setting setting_;
    uint32_t actors_;
    bool room_;
    Search<State> search_;
};

} // namespace

Found search(const Setting &setting)
{
    return Machine(setting).run();
}

} // namespace protocol::futex

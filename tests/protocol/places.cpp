/* places.cpp: see places.hpp. Every transition is one thing that happens alone: a script on the
 * server, a subscription, a client that reads its socket, a connection that ends.
 */
#include "places.hpp"

#include <algorithm>
#include <cstring>

#include "states.hpp"

namespace protocol
{

namespace
{

enum { RUNG_MOST = 1 }; /* places of one ring; the format's 4 would need more clients to matter */

class Machine
{
public:
    explicit Machine(const Setting &setting)
        : setting_(setting), actors_(static_cast<uint32_t>(setting.rows.size()))
    {
        for (const uint32_t row : setting.rows) {
            rows_ = row + 1 > rows_ ? row + 1 : rows_;
        }
    }

    Found run()
    {
        State first;
        for (uint32_t i = 0; i < actors_; i++) {
            first.actors[i].row = static_cast<uint8_t>(setting_.rows[i]);
            first.actors[i].wants = static_cast<uint8_t>(setting_.wants[i]);
        }
        search_.begin(sorted(first));
        return search_.run(
            setting_.without != Rule::none, [this](const State &state) { judge(state); },
            [this](const State &state) { expand(state); });
    }

private:
    bool has(Rule rule) const
    {
        return setting_.without != rule;
    }

    /* Clients that want the same of the same row may change places: they are kept in order. */
    State sorted(State state) const
    {
        if (!setting_.apart) {
            std::sort(state.actors, state.actors + actors_,
                      [](const Actor &a, const Actor &b) { return memcmp(&a, &b, sizeof a) < 0; });
        }
        return state;
    }

    void go(const State &state, const char *what)
    {
        search_.go(sorted(state), what);
    }

    /* ---- scripts ---- */

    uint32_t publish(State &state, uint32_t place) const
    {
        uint32_t heard = 0;
        for (uint32_t i = 0; i < actors_; i++) {
            if (state.actors[i].heard & 1u << place) {
                state.actors[i].told = 1;
                heard++;
            }
        }
        return heard;
    }

    void ring(State &state, uint32_t row, uint32_t need) const
    {
        uint32_t rung = 0;
        const uint32_t from = state.cursor[row];
        uint32_t left = need;
        for (uint32_t i = 0; i < setting_.places && left > 0; i++) {
            const uint32_t place = (from + i) % setting_.places;
            const uint32_t wants = state.set[row][place];
            if (wants == 0 || (setting_.room && wants > left)) {
                continue;
            }
            state.set[row][place] = 0;
            state.cursor[row] = static_cast<uint8_t>((place + 1) % setting_.places);
            if (publish(state, place) == 0 && has(Rule::next_if_unheard)) {
                continue;
            }
            left -= wants < left ? wants : left;
            if (!setting_.room && ++rung == RUNG_MOST) {
                return;
            }
        }
    }

    void clear_bit(State &state, uint32_t rung_row) const
    {
        bool set = false;
        for (uint32_t row = 0; row < rows_; row++) {
            const bool counts = has(Rule::bit_until_rows_empty) || row == rung_row;
            for (uint32_t place = 0; counts && place < setting_.places; place++) {
                set = set || state.set[row][place] != 0;
            }
        }
        state.bit = set ? state.bit : 0;
    }

    /* For what a row is rung: messages, or what is free. */
    uint32_t to_tell(const State &state, uint32_t row) const
    {
        return state.aside > 0 && has(Rule::all_if_aside) ? UINT8_MAX : state.there[row];
    }

    /* A push that finds too little room. */
    static void step_aside(State &state, uint32_t row, uint32_t wants)
    {
        if (state.there[row] < wants) {
            state.there[row] = static_cast<uint8_t>(state.there[row] + state.aside);
            state.aside = 0;
        }
    }

    /* What a client finds is taken, or not. */
    bool take(State &state, uint32_t actor) const
    {
        const uint32_t row = state.actors[actor].row, wants = state.actors[actor].wants;
        if (setting_.room) {
            step_aside(state, row, wants);
        }
        const uint32_t there = state.there[row];
        if (there == 0 || (setting_.room && there < wants)) {
            return false;
        }
        state.there[row] = static_cast<uint8_t>(there - (there < wants ? there : wants));
        return true;
    }

    void hand_over(State &state, uint32_t row) const
    {
        if (state.bit && has(Rule::hand_over) && to_tell(state, row) > 0) {
            ring(state, row, setting_.room ? to_tell(state, row) : 1);
        }
    }

    void give_up(State &state, uint32_t row, uint32_t place) const
    {
        if (has(Rule::clear_own_place) && state.set[row][place] != 0) {
            state.set[row][place] = 0;
            publish(state, place);
        }
    }

    /* It does something else now. Its subscription stays, and with it its place. */
    static void stop(Actor &self)
    {
        self.phase = IDLE;
        self.place = self.heard != 0 ? self.place : 0;
    }

    /* A look with the client's place, or without. */
    void look(State &state, uint32_t actor, bool placed, bool waits) const
    {
        Actor &self = state.actors[actor];
        const uint32_t row = self.row;
        const uint32_t aside = state.aside;
        const bool taken = take(state, actor);
        if (placed && (taken || !waits)) {
            give_up(state, row, self.place);
        }
        if (taken) {
            hand_over(state, row);
            stop(self);
        } else if (placed && waits) {
            uint8_t &set = state.set[row][self.place];
            const uint32_t wants = self.wants;
            set = static_cast<uint8_t>(set == 0 || wants < set ? wants : set);
            state.bit = 1;
            self.phase = SLEEPS;
        } else {
            stop(self);
        }
        if (!taken && state.aside != aside) { /* it moved the head, and is still refused */
            hand_over(state, row);
        }
    }

    void unwait(State &state, uint32_t row, uint32_t place) const
    {
        give_up(state, row, place);
        if (state.bit && to_tell(state, row) > 0) {
            ring(state, row, setting_.room ? to_tell(state, row) : 1);
        }
    }

    /* ---- what may happen ---- */

    void push(const State &before)
    {
        if (before.pushed == setting_.pushes.size()) {
            return;
        }
        State state = before;
        if (state.pushed < setting_.aside.size()) {
            state.aside = static_cast<uint8_t>(state.aside + setting_.aside[state.pushed]);
        }
        const uint32_t count = setting_.pushes[state.pushed++];
        for (uint32_t row = 0; row < rows_; row++) {
            state.there[row] = static_cast<uint8_t>(state.there[row] + count);
            if (before.bit) {
                ring(state, row, setting_.room ? to_tell(state, row) : count);
                clear_bit(state, row);
            }
        }
        go(state, "push");
    }

    /* Each place that a client may choose. */
    template <typename With>
    void choose(const State &before, uint32_t actor, With with)
    {
        for (uint32_t place = 0; place < setting_.places; place++) {
            if (!setting_.apart || place == actor) {
                State state = before;
                with(state, state.actors[actor], place);
            }
        }
    }

    void begin(const State &before, uint32_t i)
    {
        State state = before;
        look(state, i, false, false); /* a client that does not wait */
        go(state, "looks without a place");
        if (before.actors[i].heard != 0) {
            state = before;
            state.actors[i].told = 0;
            state.actors[i].phase = LOOKS;
            go(state, "waits, subscribed");
            state = before;
            state.actors[i].heard = state.actors[i].told = 0;
            stop(state.actors[i]);
            go(state, "closes its subscription");
            return;
        }
        choose(before, i, [&](State &next, Actor &self, uint32_t place) {
            self.place = static_cast<uint8_t>(place);
            self.phase = SUBSCRIBES;
            if (!has(Rule::look_after_subscribe)) {
                look(next, i, true, true);
                self.phase = self.phase == SLEEPS ? uint8_t{SUBSCRIBES} : self.phase;
            }
            go(next, "waits");
        });
    }

    void sleep(const State &before, uint32_t i)
    {
        State state = before;
        state.actors[i].phase = LEAVES;
        go(state, "has waited long enough");
        state = before;
        state.actors[i].heard = state.actors[i].told = 0;
        state.actors[i].phase = SUBSCRIBES;
        go(state, "loses its subscription");
        if (!before.actors[i].told) {
            return;
        }
        state = before;
        state.actors[i].told = 0;
        state.actors[i].phase = LOOKS;
        go(state, "wakes");
        choose(before, i, [&](State &next, Actor &self, uint32_t place) {
            if (place != self.place) { /* both at once: the old one may be rung in between */
                self.old_place = self.place;
                self.place = static_cast<uint8_t>(place);
                self.heard = static_cast<uint8_t>(self.heard | 1u << place);
                self.phase = MOVES;
                go(next, "takes another place");
            }
        });
    }

    void move(const State &before, uint32_t i)
    {
        State state = before;
        Actor &self = state.actors[i];
        self.heard = static_cast<uint8_t>(self.heard & ~(1u << self.old_place));
        self.told = 0;
        self.phase = has(Rule::unwait_old_place) ? UNWAITS : LOOKS;
        go(state, "leaves its old channel");
    }

    void leave(const State &before, uint32_t i)
    {
        State state = before;
        if (has(Rule::last_look)) {
            look(state, i, true, false);
            go(state, "looks a last time");
            state = before;
            unwait(state, state.actors[i].row, state.actors[i].place);
        }
        stop(state.actors[i]);
        go(state, "leaves");
    }

    /* A message that was taken is ready again. */
    void give_back(const State &before, uint32_t row)
    {
        uint32_t came = 0;
        for (uint32_t i = 0; i < before.pushed; i++) {
            came += setting_.pushes[i];
        }
        if (before.returned < setting_.returns && !setting_.room && before.there[row] < came) {
            State state = before;
            state.returned++;
            state.there[row]++;
            if (before.bit) {
                ring(state, row, 1);
            }
            go(state, "nack");
        }
    }

    /* A dead message takes a slot. */
    void redrive(const State &before)
    {
        State state = before;
        step_aside(state, 0, 1);
        if (before.redriven == setting_.redrives || state.there[0] == 0) {
            return;
        }
        state.redriven++;
        state.there[0]--;
        if (has(Rule::room_after_redrive)) {
            hand_over(state, 0);
        }
        go(state, "redrive");
    }

    void step(const State &before, uint32_t i)
    {
        State state = before;
        Actor &self = state.actors[i];
        switch (self.phase) {
        case IDLE:
            begin(before, i);
            break;
        case SLEEPS:
            sleep(before, i);
            break;
        case SUBSCRIBES:
            self.heard = static_cast<uint8_t>(1u << self.place);
            self.phase = !has(Rule::look_after_subscribe) ? SLEEPS : LOOKS;
            go(state, "is subscribed");
            break;
        case LOOKS:
            look(state, i, true, true);
            go(state, "looks");
            break;
        case MOVES:
            move(before, i);
            break;
        case UNWAITS:
            unwait(state, state.actors[i].row, self.old_place);
            self.old_place = 0;
            self.phase = LOOKS;
            go(state, "gives its old place up");
            break;
        case LEAVES:
            leave(before, i);
            break;
        default:
            break;
        }
    }

    void crash(const State &before, uint32_t i)
    {
        const Actor &self = before.actors[i];
        const bool quiet = self.phase == SLEEPS && !self.told;
        if (before.crashed || before.polled || self.phase == DEAD ||
            setting_.crash == Crash::never || (setting_.crash == Crash::asleep && !quiet)) {
            return;
        }
        State state = before;
        Actor &died = state.actors[i];
        died.phase = DEAD;
        died.place = died.old_place = died.heard = died.told = 0;
        state.crashed = 1;
        go(state, "crashes");
    }

    void expand(const State &state)
    {
        push(state);
        for (uint32_t row = 0; row < rows_; row++) {
            give_back(state, row);
        }
        redrive(state);
        for (uint32_t i = 0; i < actors_; i++) {
            step(state, i);
            crash(state, i);
        }
    }

    /* ---- what must not be ---- */

    /* Clients of the row that take their next step unasked. */
    bool is_moving(const State &state, uint32_t row) const
    {
        for (uint32_t i = 0; i < actors_; i++) {
            const Actor &self = state.actors[i];
            if (state.actors[i].row == row &&
                (self.phase >= SUBSCRIBES || (self.phase == SLEEPS && self.told))) {
                return true;
            }
        }
        return false;
    }

    void judge(const State &state)
    {
        for (uint32_t i = 0; i < actors_; i++) {
            const uint32_t row = state.actors[i].row;
            const uint32_t least = setting_.room ? state.actors[i].wants : 1;
            if (state.actors[i].phase == SLEEPS && !is_moving(state, row) &&
                state.there[row] + state.aside >= static_cast<int>(least)) {
                lose(state, i);
            }
        }
    }

    void lose(const State &state, uint32_t i)
    {
        const bool beyond = setting_.crash != Crash::ever || !state.crashed || state.polled;
        search_.lose(beyond);
        if (setting_.crash == Crash::ever && !state.polled) {
            State next = state;
            next.polled = 1;
            next.actors[i].phase = LOOKS;
            go(next, "polls");
        }
    }

    Setting setting_;
    uint32_t actors_, rows_ = 0;
    Search<State> search_;
};

} // namespace

Found search(const Setting &setting)
{
    return Machine(setting).run();
}

} // namespace protocol

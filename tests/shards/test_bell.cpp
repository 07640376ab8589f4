/* test_bell.cpp: consumers that follow the library's bell.c, by schedules at random: one script,
 * or one reading of a socket, happens alone. No consumer sleeps beside a message while nothing is
 * under way that will wake one.
 */
#include <memory>
#include <random>

#include "../support/catch.hpp"
#include "bell_world.hpp"

extern "C" {
#include "backend/shards/bell.h"
}

using namespace bell_world;

namespace
{

/* Mistakes that a test makes, to see that it can fail. */
enum class Mistake { none, drops_read, no_round_after_unwait, nothing_handed_over };

struct Consumer {
    std::unique_ptr<shards_bell> bell = std::make_unique<shards_bell>();
    uint32_t held = 0;
    bool is_registered = false; /* the script has run, its PING has not been answered */
    shards_bell_answer answer = {};
    uint64_t poll_ms = 0;
};

class Run
{
public:
    Run(uint32_t seed, uint32_t shards, uint32_t consumers, uint32_t groups)
        : world(shards, consumers, groups), random_(seed), consumers_(consumers)
    {
        for (Consumer &one : consumers_) {
            for (uint32_t shard = 1; shard < shards; shard++) {
                shards_set_put(&one.bell->looked_at, shard);
            }
        }
    }

    World world;
    Mistake mistake = Mistake::none;
    bool with_losses = false, only_acks = false;

    uint32_t draw(uint32_t below)
    {
        return static_cast<uint32_t>(random_() % below);
    }

    bool is_asleep(uint32_t i) const
    {
        const Consumer &self = consumers_[i];
        return self.bell->phase == SHARDS_BELL_SLEEPS && world.clients[i].socket.empty() &&
               shards_bell_next(self.bell.get()).until_ms > world.now_ms;
    }
    bool is_awake(uint32_t i) const
    {
        return consumers_[i].bell->phase != SHARDS_BELL_IDLE && !is_asleep(i);
    }

    /* The group in which a message is lost: a consumer sleeps, and nothing is under way. */
    bool has_lost() const
    {
        for (uint32_t group = 0; group < world.groups; group++) {
            bool sleeps = false, is_under_way = false;
            for (uint32_t i = 0; i < consumers_.size(); i++) {
                sleeps = sleeps || (world.clients[i].group == group && is_asleep(i));
                is_under_way = is_under_way || (world.clients[i].group == group && is_awake(i));
            }
            for (const Request &request : world.owed) {
                is_under_way =
                    is_under_way ||
                    (!request.is_hush && (request.group == group || request.group == all_groups));
            }
            if (sleeps && !is_under_way && world.is_ready(group)) {
                return true;
            }
        }
        return false;
    }

    /* One request that callers owe. */
    void pay()
    {
        const uint32_t at = draw(static_cast<uint32_t>(world.owed.size()));
        const Request request = world.owed[at];
        world.owed.erase(world.owed.begin() + at);
        if (request.is_hush) {
            world.hush(request.shard, request.counter);
        } else if (shards_bell_hushes(world.nudge(request.group, request.need, request.shard),
                                      world.bit0) &&
                   request.may_hush) {
            world.owed.push_back({request.group, request.shard, 0, request.counter, false, true});
        }
    }

    /* What one consumer that is awake does next. */
    void step(uint32_t i)
    {
        Consumer &self = consumers_[i];
        const shards_bell_step next = shards_bell_next(self.bell.get());
        const uint32_t group = world.clients[i].group;
        bool rings = false;
        switch (next.act) {
        case SHARDS_BELL_SLEEP:
            wakes(i);
            break;
        case SHARDS_BELL_SUBSCRIBE:
            world.clients[i].subscribed = true;
            shards_bell_subscribed(self.bell.get());
            break;
        case SHARDS_BELL_REGISTER:
            registers(i);
            break;
        case SHARDS_BELL_LOOK:
        case SHARDS_BELL_SEARCH: {
            const bool found =
                world.reserve(group, next.shard, next.act == SHARDS_BELL_SEARCH, &rings);
            self.held += found;
            if (rings) {
                shards_bell_owe(self.bell.get(), next.shard);
            }
            shards_bell_looked(self.bell.get(), next.shard, found, world.due_of(group, next.shard),
                               world.now_ms);
            forget(self);
            break;
        }
        case SHARDS_BELL_UNWAIT: {
            const bool was = world.unwait(i);
            shards_bell_unwaited(self.bell.get(), was || mistake == Mistake::no_round_after_unwait,
                                 world.now_ms);
            forget(self);
            break;
        }
        case SHARDS_BELL_NUDGE:
            world.nudge(group, 1, next.shard);
            break;
        default:
            break;
        }
    }

    /* One that works, or has not begun to wait. */
    void works(uint32_t i)
    {
        Consumer &self = consumers_[i];
        const uint32_t group = world.clients[i].group;
        const uint32_t shards = static_cast<uint32_t>(world.shards.size());
        if (self.held > 0 && (only_acks || draw(3) > 0)) {
            self.held--;
            if (only_acks) {
                world.calls++;
            } else if (draw(6) == 0) {
                world.nack(group, draw(shards), 0);
            } else if (draw(6) == 0) {
                world.nack(group, 1 + draw(shards - 1), 1 + draw(8000));
            } else {
                world.calls++;
            }
        } else {
            shards_bell_wait(self.bell.get(), world.now_ms);
        }
    }

    void lose_connection(uint32_t i)
    {
        Consumer &self = consumers_[i];
        if (self.bell->phase == SHARDS_BELL_SLEEPS) {
            world.clients[i].subscribed = false;
            world.clients[i].socket.clear();
            shards_bell_lost(self.bell.get());
        }
    }
    void stop(uint32_t i)
    {
        if (!consumers_[i].is_registered) {
            shards_bell_stop(consumers_[i].bell.get());
        }
    }
    bool is_idle(uint32_t i) const
    {
        return consumers_[i].bell->phase == SHARDS_BELL_IDLE;
    }
    void poll_if_time(uint32_t i)
    {
        if (is_asleep(i) && consumers_[i].poll_ms <= world.now_ms) {
            consumers_[i].poll_ms = world.now_ms + 4000 + draw(2000);
            shards_bell_wait(consumers_[i].bell.get(), world.now_ms);
        }
    }

private:
    void wakes(uint32_t i)
    {
        Consumer &self = consumers_[i];
        for (const uint32_t what : world.clients[i].socket) {
            shards_bell_told(self.bell.get(), what);
        }
        world.clients[i].socket.clear();
        shards_bell_wait(self.bell.get(), world.now_ms);
    }

    void registers(uint32_t i)
    {
        Consumer &self = consumers_[i];
        Client &client = world.clients[i];
        if (!self.is_registered) {
            self.answer = {};
            self.answer.found = world.reserve_at_bell(i);
            if (self.answer.found) {
                self.held++;
                shards_bell_registered(self.bell.get(), &self.answer, world.now_ms);
                return;
            }
            self.answer.due_ms = no_due;
            self.answer.kept = client.set;
            for (uint32_t j = 0; j < world.clients.size(); j++) {
                const Client &other = world.clients[j];
                const bool counts = j != i && other.group == client.group && other.set;
                self.answer.others += counts;
                self.answer.before += counts && j < i;
            }
            client.set = true;
            world.bit0 = true;
            self.is_registered = true;
            return;
        }
        const bool drops = mistake == Mistake::drops_read && !self.bell->believes;
        for (const uint32_t what : client.socket) {
            if (!drops) {
                shards_set_put(&self.answer.read, what);
            }
        }
        client.socket.clear();
        self.is_registered = false;
        self.poll_ms = world.now_ms + 4000 + draw(2000);
        shards_bell_registered(self.bell.get(), &self.answer, world.now_ms);
    }

    /* Hand-overs that a mistake leaves out. */
    void forget(Consumer &self)
    {
        if (self.bell->phase != SHARDS_BELL_HANDS_OVER) {
            return;
        }
        if (mistake == Mistake::nothing_handed_over) {
            self.bell->owed = {};
        }
    }

    std::mt19937 random_;
    std::vector<Consumer> consumers_;
};

/* One thing that happens. */
void happen(Run &run, uint32_t i)
{
    const uint32_t what = run.draw(100);
    if (what < 4) {
        run.world.push(run.draw(static_cast<uint32_t>(run.world.shards.size())),
                       1 + run.draw(2) * run.draw(3));
    } else if (what < 24 && !run.world.owed.empty()) {
        run.pay();
    } else if (what < 25 && run.with_losses) {
        run.lose_connection(i);
    } else if (what < 26) {
        run.stop(i);
    } else if (what < 30) {
        run.world.tick(run.draw(run.draw(20) == 0 ? 3000 : 20));
    } else if (run.is_awake(i)) {
        run.step(i);
    } else if (run.is_idle(i)) {
        run.works(i);
    } else {
        run.poll_if_time(i);
    }
}

/* false: a wake-up was lost. */
bool plays(uint32_t seed, Mistake mistake, uint32_t steps)
{
    std::mt19937 random(seed);
    const uint32_t shards = 2 + static_cast<uint32_t>(random() % 5);
    const uint32_t consumers = 2 + static_cast<uint32_t>(random() % 6);
    Run run(seed, shards, consumers, 1 + static_cast<uint32_t>(random() % 2));
    run.mistake = mistake;
    run.with_losses = random() % 2 == 0;
    for (uint32_t step = 0; step < steps; step++) {
        happen(run, run.draw(consumers));
        if (run.has_lost()) {
            UNSCOPED_INFO("seed " << seed << ", step " << step);
            return false;
        }
    }
    return true;
}

uint32_t lost(Mistake mistake, uint32_t runs)
{
    uint32_t count = 0;
    for (uint32_t seed = 1; seed <= runs; seed++) {
        count += !plays(seed, mistake, 5000);
    }
    return count;
}

} // namespace

TEST_CASE("bell: no wake-up is lost, whatever the order", "[shards]")
{
    CHECK(lost(Mistake::none, 600) == 0);
}

TEST_CASE("bell: these schedules find a lost wake-up where a rule is left out", "[shards]")
{
    CHECK(lost(Mistake::drops_read, 300) > 0);
    CHECK(lost(Mistake::no_round_after_unwait, 300) > 0);
    CHECK(lost(Mistake::nothing_handed_over, 300) > 0);
}

TEST_CASE("bell: calls a push, 100 idle consumers at 16 shards", "[shards]")
{
    enum { PUSHES = 4000, EVERY_MS = 5 };
    Run run(1, 16, 100, 1);
    uint64_t before = 0;
    run.only_acks = true;
    for (uint32_t pushed = 0; pushed < 2 * PUSHES; pushed++) {
        before = pushed == PUSHES ? run.world.calls : before; /* all have begun to wait */
        run.world.push(run.draw(16), 1);
        bool is_any = true;
        while (is_any) {
            is_any = !run.world.owed.empty();
            if (is_any) {
                run.pay();
            }
            for (uint32_t i = 0; i < 100; i++) {
                run.poll_if_time(i);
                if (run.is_awake(i)) {
                    run.step(i);
                    is_any = true;
                } else if (run.is_idle(i)) {
                    run.works(i);
                    is_any = true;
                }
            }
        }
        REQUIRE(!run.has_lost());
        run.world.tick(EVERY_MS);
    }
    /* push, nudge, reserve, ack, registering; and a few polls and rounds */
    CHECK(static_cast<double>(run.world.calls - before) / PUSHES < 5.5);
}

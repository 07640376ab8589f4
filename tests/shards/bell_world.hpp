/* bell_world.hpp: what the scripts of SHARDS.md, "The bell", do to shards that hold nothing but
 * numbers, for consumers that follow the library's bell.c. Every function is one script. Written
 * apart from the library. Must not know what a consumer does next.
 */
#ifndef TESTS_SHARDS_BELL_WORLD_HPP
#define TESTS_SHARDS_BELL_WORLD_HPP

#include <algorithm>
#include <cstdint>
#include <vector>

namespace bell_world
{

constexpr uint32_t all_groups = UINT32_MAX, whole_round = UINT32_MAX;
constexpr uint64_t no_due = UINT64_MAX;

struct Request { /* a nudge that a caller owes, or a hush */
    uint32_t group, shard, need, counter;
    bool may_hush;
    bool is_hush;
};

struct Shard {
    std::vector<uint32_t> ready; /* of each group */
    std::vector<std::vector<uint64_t>> delayed;
    bool bit = false;
    uint32_t counter = 0;
};

struct Client { /* of one place */
    uint32_t group = 0;
    bool set = false;
    bool subscribed = true;
    std::vector<uint32_t> socket;
};

struct World {
    std::vector<Shard> shards; /* 0 is the bell */
    std::vector<Client> clients;
    std::vector<Request> owed;
    std::vector<uint32_t> cursors;
    uint32_t groups;
    bool bit0 = false;
    uint64_t now_ms = 1000, calls = 0;

    World(uint32_t shard_count, uint32_t client_count, uint32_t group_count)
        : shards(shard_count), clients(client_count), cursors(group_count), groups(group_count)
    {
        for (Shard &shard : shards) {
            shard.ready.resize(group_count);
            shard.delayed.resize(group_count);
        }
        for (uint32_t i = 0; i < client_count; i++) {
            clients[i].group = i % group_count;
        }
    }

    uint32_t ring(uint32_t group, uint32_t need, uint32_t what)
    {
        uint32_t told = 0;
        for (uint32_t k = 0; k < clients.size() && told < std::min(need, 4u); k++) {
            const uint32_t i = cursors[group];
            cursors[group] = static_cast<uint32_t>((i + 1) % clients.size());
            Client &client = clients[i];
            if (client.group == group && client.set) {
                client.set = false;
                told += client.subscribed;
                if (client.subscribed) {
                    client.socket.push_back(what);
                }
            }
        }
        return told;
    }
    void clear_bit0()
    {
        bit0 = std::any_of(clients.begin(), clients.end(), [](const Client &c) { return c.set; });
    }
    void ring_bell(uint32_t group, uint32_t need)
    {
        for (uint32_t g = 0; bit0 && g < groups; g++) {
            if (group == g || group == all_groups) {
                ring(g, need, 0);
            }
        }
        clear_bit0();
    }
    /* What became deliverable, or is due sooner (rule 45). */
    void news(uint32_t group, uint32_t shard, uint32_t need)
    {
        if (shard == 0) {
            ring_bell(group, need);
        } else if (shards[shard].bit) {
            owed.push_back({group, shard, need, shards[shard].counter, true, false});
        }
    }
    void push(uint32_t shard, uint32_t count)
    {
        calls++;
        for (uint32_t &ready : shards[shard].ready) {
            ready += count;
        }
        news(all_groups, shard, count);
    }
    void nack(uint32_t group, uint32_t shard, uint64_t delay_ms)
    {
        calls++;
        if (delay_ms > 0) {
            shards[shard].delayed[group].push_back(now_ms + delay_ms);
        } else {
            shards[shard].ready[group]++;
        }
        news(group, shard, 1);
    }
    /* Makes what is due READY; no script, but each sees it so. */
    void tick(uint64_t ms)
    {
        now_ms += ms;
        for (Shard &shard : shards) {
            for (uint32_t g = 0; g < groups; g++) {
                auto &delayed = shard.delayed[g];
                const auto due = std::partition(delayed.begin(), delayed.end(),
                                                [this](uint64_t at) { return at > now_ms; });
                shard.ready[g] += static_cast<uint32_t>(delayed.end() - due);
                delayed.erase(due, delayed.end());
            }
        }
    }
    uint64_t due_of(uint32_t group, uint32_t shard) const
    {
        const auto &delayed = shards[shard].delayed[group];
        return delayed.empty() ? no_due : *std::min_element(delayed.begin(), delayed.end());
    }
    /* A reserve of one. *rings: rule 43. */
    bool reserve(uint32_t group, uint32_t shard, bool of_round, bool *rings)
    {
        Shard &at = shards[shard];
        calls++;
        if (of_round) {
            at.bit = true;
            at.counter++;
        }
        *rings = false;
        if (at.ready[group] == 0) {
            return false;
        }
        at.ready[group]--;
        const uint64_t due_ms = due_of(group, shard);
        const bool is_near = due_ms != no_due && due_ms < now_ms + 12000;
        *rings = shard != 0 && at.bit && (at.ready[group] > 0 || is_near);
        return true;
    }
    /* A reserve at the bell by a client with its place. */
    bool reserve_at_bell(uint32_t i)
    {
        Client &client = clients[i];
        bool rings = false;
        if (!reserve(client.group, 0, false, &rings)) {
            return false;
        }
        client.set = false;
        if (shards[0].ready[client.group] > 0 && bit0) {
            ring(client.group, 1, 0);
        }
        clear_bit0();
        return true;
    }
    /* Returns whether the place was set. */
    bool unwait(uint32_t i)
    {
        Client &client = clients[i];
        const bool was = client.set;
        calls++;
        client.set = false;
        if (shards[0].ready[client.group] > 0 && bit0) {
            ring(client.group, 1, 0);
        }
        clear_bit0();
        return was;
    }
    /* Returns how many were told. */
    uint32_t nudge(uint32_t group, uint32_t need, uint32_t what)
    {
        uint32_t told = 0;
        calls++;
        for (uint32_t g = 0; g < groups; g++) {
            told += group == g || group == all_groups ? ring(g, need, what) : 0;
        }
        clear_bit0();
        return told;
    }
    void hush(uint32_t shard, uint32_t counter)
    {
        calls++;
        shards[shard].bit = shards[shard].bit && shards[shard].counter != counter;
    }
    bool is_ready(uint32_t group) const
    {
        return std::any_of(shards.begin(), shards.end(),
                           [group](const Shard &shard) { return shard.ready[group] > 0; });
    }
};

} // namespace bell_world
#endif

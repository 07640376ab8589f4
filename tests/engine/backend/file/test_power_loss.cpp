/* test_power_loss.cpp: sync=always against a disk that loses what was not synced: at any
 * instruction, for each 512-byte sector any content since the last sync that covered it. What
 * was answered OK is there; the verb under way is whole, or not at all.
 */
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>

#include <sys/mman.h>

#include "../../../support/catch.hpp"
#include "../../../support/counted.hpp"
#include "../../../support/faults/faults.hpp"
#include "../../../support/faults/power.hpp"
#include "test_crash_trace.hpp"

using namespace crash;

namespace
{

/* Syncs of the child, in memory that parent and child share. */
struct sync_log {
    volatile uint32_t count;
    faults::synced entries[4096];
};

sync_log *the_log;

void log_sync(const faults::synced &sync)
{
    if (the_log->count < 4096) {
        the_log->entries[the_log->count] = sync;
        the_log->count = the_log->count + 1;
    }
}

/* What the disk may hold at one instant, and what it is held against. */
struct trial {
    crash_state state;
    size_t call;   /* under way, or the last one answered */
    bool answered; /* then the state after it is the only legal one */
};

/* Image and journal on a disk, as the child changes and syncs them. */
class two_disks
{
public:
    two_disks(const queue_file &file, const crash_state &now, bool journal_is_durable)
        : image(now.image), journal(journal_is_durable ? now.journal : bytes(now.journal.size())),
          image_inode(inode_of(file.image_path())), journal_inode(inode_of(file.journal_path()))
    {
        journal.seen(now.journal.data());
        done = the_log->count;
    }

    /* Whether anything is other than at the last call; a sync that came to its end takes effect
     * when it is taken in. Files first: what a sync found is what they were before it. */
    bool notice(watched &files)
    {
        const bool changed = files.changed();
        if (changed) {
            image.seen(files.last().image.data());
            journal.seen(files.last().journal.data());
        }
        return changed;
    }

    bool has_synced() const
    {
        return done < the_log->count;
    }

    void take_in_syncs()
    {
        for (; done < the_log->count; done++) {
            const faults::synced &sync = the_log->entries[done];
            if (sync.inode == image_inode) {
                image.synced(sync.from, sync.to);
            } else if (sync.inode == journal_inode) {
                journal.synced(sync.from, sync.to);
            }
        }
    }

    crash_state lose(std::mt19937_64 &random) const
    {
        const power::loss kinds[] = {
            power::loss::everything_unsynced,    power::loss::nothing,
            power::loss::each_sector_old_or_new, power::loss::each_sector_any,
            power::loss::each_sector_old_or_new, power::loss::each_sector_any};
        const power::loss of_image = kinds[random() % 6];
        const power::loss of_journal = kinds[random() % 6];
        return {image.after(of_image, random), journal.after(of_journal, random)};
    }

private:
    power::disk image;
    power::disk journal;
    uint64_t image_inode;
    uint64_t journal_inode;
    uint32_t done = 0;
};

/* From some hundred bytes to many pages, from one group to sixteen. */
slotq_geometry any_shape(std::mt19937_64 &random)
{
    const uint64_t payloads[] = {30, 400, 1500};
    const uint64_t groups = random() % 5 == 0 ? 16 : 3;
    slotq_geometry shape = geometry(static_cast<uint16_t>(3 + random() % 12),
                                    static_cast<uint16_t>(1 + random() % payloads[random() % 3]),
                                    static_cast<uint8_t>(1 + random() % groups));
    shape.flags = static_cast<uint8_t>(random() % 32);
    shape.max_attempts = static_cast<uint8_t>(random() % 4);
    shape.dead_slots = static_cast<uint16_t>(random() % 4);
    if ((shape.flags & SLOTQ_FLAG_OVERWRITE) == 0) {
        shape.aside_slots = static_cast<uint8_t>(random() % 4);
    }
    return shape;
}

/* What a late replay could spoil: copies whose source is written anew, pushes after a record that
 * is still live, single bytes after one; with many groups, records of several sectors. */
std::vector<std::vector<action>> scripts()
{
    return {
        {push(4), reserve(0, 2), settle(SLOTQ_KILL, 0, {0}, 0, 1), push(1), push(1)},
        {push(4), reserve(0, 3), settle(SLOTQ_KILL, 0), of(SLOTQ_REDRIVE), push(2),
         of(SLOTQ_DEAD_PURGE), push(1)},
        {push(2), reserve(0, 2), push(1), push(1), pause(SLOTQ_PAUSE, SLOTQ_PAUSE_OUT),
         settle(SLOTQ_ACK, 0), pause(SLOTQ_RESUME, SLOTQ_PAUSE_OUT), push(1)},
        {push(2), reserve(0, 2), settle(SLOTQ_ACK, 0, {0}), push(2), settle(SLOTQ_ACK, 0), push(1),
         of(SLOTQ_PURGE), push(2)},
        {push(4), reserve(0, 2), settle(SLOTQ_KILL, 0), of(SLOTQ_DEAD_PURGE),
         pause(SLOTQ_PAUSE, SLOTQ_PAUSE_IN), pause(SLOTQ_RESUME, SLOTQ_PAUSE_IN)},
        {push(4), remove(SLOTQ_ALL_GROUPS, 2), remove(SLOTQ_ALL_GROUPS, 1), push(2),
         of(SLOTQ_PURGE)},
        {push(4), push(4), reserve(0, 4), push(3), settle(SLOTQ_ACK, 0), push(1)},
    };
}

/* A push lets the first message step aside and then writes over the slot that it was copied from;
 * its place aside is used again after it is finished. */
std::vector<action> step_aside_script(uint8_t groups)
{
    std::vector<action> script{push(4)};
    for (uint8_t group = 0; group < groups; group++) {
        script.push_back(reserve(group, 4));
        script.push_back(settle(SLOTQ_ACK, group, {1, 2, 3}));
    }
    script.push_back(push(4));
    for (uint8_t group = 0; group < groups; group++) {
        script.push_back(settle(SLOTQ_ACK, group, {0}));
        script.push_back(reserve(group, 4));
        script.push_back(settle(SLOTQ_ACK, group, {1, 2, 3}));
    }
    script.push_back(push(3));
    return script;
}

/* One life of a queue: verbs in a row in a child, the disk watched all along. */
class life
{
public:
    life(std::mt19937_64 &source, const slotq_geometry &wanted)
        : random(source), shape(wanted), world(near_a_crossing()), file(world.image, shape)
    {
        file.now_ms = world.now_ms;
    }

    void add(const action &wanted)
    {
        calls.push_back(std::make_unique<prepared>(world.run(wanted)));
    }

    void add_any()
    {
        add(world.any(random));
    }

    /* Collect so many trials a verb. */
    void watch(size_t wanted)
    {
        the_log->count = 0;
        stepper::child child([&] { return live(); });
        if (!child.run_to_mark()) {
            child.finish();
            return;
        }
        watched files(file);
        REQUIRE(files.valid());
        two_disks disks(file, files.last(), journal_was_synced());
        for (size_t call = 0; call < calls.size(); call++) {
            step_verb(child, files, disks, call, wanted);
        }
        exit_code = child.finish();
    }

    /* Each of them opened; the first thing wrong. */
    std::string judge_all()
    {
        for (const trial &one : trials) {
            prepared &call = *calls[one.call];
            size_t place = one.answered ? call.legal.size() - 1 : 0;
            file.now_ms = call.now_ms;
            file.put(one.state);
            const std::string wrong = judge(file.recover(), call, &place);
            if (!wrong.empty()) {
                return "verb " + std::to_string(call.wanted.verb) + " (call " +
                       std::to_string(one.call) + (one.answered ? ", answered): " : "): ") + wrong;
            }
        }
        return "";
    }

    std::vector<trial> trials;
    int exit_code = -1;

private:
    /* One queue in four has ids near 2^31 or 2^32. */
    simulation near_a_crossing()
    {
        simulation made(shape);
        if (random() % 4 == 0) {
            set_last_id(made.image, (UINT64_C(1) << (31 + random() % 2)) - 1 - random() % 9);
        }
        return made;
    }

    int live()
    {
        faults::on_sync(log_sync);
        const batch_handle batch(slotq_batch_new());
        const handle queue = file.open(file.options(SLOTQ_SYNC_ALWAYS));
        if (queue == nullptr || batch == nullptr) {
            return 3;
        }
        stepper::mark();
        for (const std::unique_ptr<prepared> &call : calls) {
            file.now_ms = call->now_ms;
            const slotq_outcome outcome = fire(queue.get(), *call, batch.get());
            stepper::mark();
            if (outcome != call->outcome) {
                return 4;
            }
        }
        return 0;
    }

    bool journal_was_synced() const
    {
        bool synced = false;
        for (uint32_t i = 0; i < the_log->count; i++) {
            synced |= the_log->entries[i].inode == inode_of(file.journal_path());
        }
        return synced;
    }

    void lose(const two_disks &disks, size_t call, bool answered, size_t times)
    {
        for (size_t i = 0; i < times; i++) {
            trials.push_back({disks.lose(random), call, answered});
        }
    }

    /* Step to the next mark; of all instants keep a fair choice, some right before and after each
     * sync, and some after the answer. */
    void step_verb(stepper::child &child, watched &files, two_disks &disks, size_t call,
                   size_t wanted)
    {
        std::vector<trial> chosen;
        uint64_t instants = 0;
        while (child.step() == stepper::stop::stepped) {
            const bool changed = disks.notice(files);
            if (disks.has_synced()) {
                lose(disks, call, false, wanted / 3);
                disks.take_in_syncs();
                lose(disks, call, false, wanted / 6);
            }
            if (changed && ++instants <= wanted) {
                chosen.push_back({disks.lose(random), call, false});
            } else if (changed && random() % instants < wanted) {
                chosen[random() % wanted] = {disks.lose(random), call, false};
            }
        }
        disks.notice(files);
        disks.take_in_syncs();
        trials.insert(trials.end(), chosen.begin(), chosen.end());
        lose(disks, call, true, wanted / 2);
    }

    std::mt19937_64 &random;
    slotq_geometry shape;
    simulation world;
    queue_file file;
    std::vector<std::unique_ptr<prepared>> calls;
};

} // namespace

namespace
{

/* Trials of a life; the first thing wrong fails. */
uint64_t live_and_lose(life &one)
{
    one.watch(12);
    REQUIRE(one.exit_code == 0);
    REQUIRE(one.trials.size() > 4);
    const std::string wrong = one.judge_all();
    REQUIRE(wrong == "");
    return one.trials.size();
}

/* Each script for so many of three kinds of queue, from one drawn on. */
uint64_t live_by_scripts(std::mt19937_64 &random, uint64_t kinds)
{
    const struct {
        uint8_t groups;
        uint8_t flags;
    } all[] = {{1, 0}, {16, 0}, {2, SLOTQ_FLAG_OVERWRITE}};
    uint64_t trials = 0;
    const auto live = [&](const slotq_geometry &shape, const std::vector<action> &script) {
        life one(random, shape);
        for (const action &wanted : script) {
            one.add(wanted);
        }
        trials += live_and_lose(one);
    };
    for (const std::vector<action> &script : scripts()) {
        const uint64_t first = random();
        for (uint64_t i = 0; i < kinds; i++) {
            const auto &kind = all[(first % 3 + i) % 3];
            slotq_geometry shape = geometry(5, 1200, kind.groups);
            shape.flags = kind.flags;
            live(shape, script);
        }
    }
    for (const uint8_t groups : {uint8_t{1}, static_cast<uint8_t>(2 + random() % 15)}) {
        slotq_geometry shape = geometry(5, 1200, groups);
        shape.aside_slots = 2;
        live(shape, step_aside_script(groups));
    }
    return trials;
}

} // namespace

TEST_CASE("power loss at any instant keeps what sync=always answered", "[power][deep]")
{
    need_stepping();
    REQUIRE(faults::linked());
    the_log = static_cast<sync_log *>(
        mmap(nullptr, sizeof *the_log, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    REQUIRE(the_log != MAP_FAILED);
    const uint64_t seed = seed_for("power loss");
    INFO("seed " << seed);
    const uint64_t wanted = how_many("SLOTQ_POWER_TRIALS", 200, 10000);
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(torture_seconds());
    std::mt19937_64 random(seed);
    uint64_t trials = live_by_scripts(random, how_many("SLOTQ_POWER_KINDS", 1, 3));
    const uint64_t scripted = trials;
    while (trials - scripted < wanted || std::chrono::steady_clock::now() < end) {
        life one(random, any_shape(random));
        for (int i = 0; i < 8; i++) {
            one.add_any();
        }
        trials += live_and_lose(one);
    }
    support::counted(trials, "power losses");
    munmap(the_log, sizeof *the_log);
}

namespace
{

std::vector<uint64_t> synced_inodes;

void note_inode(const faults::synced &sync)
{
    synced_inodes.push_back(sync.inode);
}

bool was_synced(uint64_t inode)
{
    return std::count(synced_inodes.begin(), synced_inodes.end(), inode) > 0;
}

} // namespace

TEST_CASE("with sync=always a new queue and its journal reach the disk by name", "[sync]")
{
    REQUIRE(faults::linked());
    const folder where;
    slotq_options how = {};
    how.sync = SLOTQ_SYNC_ALWAYS;
    const slotq_geometry shape = geometry(9, 16);
    synced_inodes.clear();
    faults::on_sync(note_inode);
    const slotq_outcome created = slotq_create(where.path().c_str(), "q", &shape, &how, nullptr);
    REQUIRE(created == SLOTQ_OK);
    CHECK(was_synced(inode_of(where.file("q.slotq"))));
    REQUIRE(!synced_inodes.empty());
    CHECK(synced_inodes.back() == inode_of(where.path()));

    synced_inodes.clear();
    slotq *queue = nullptr;
    REQUIRE(slotq_open(where.path().c_str(), "q", &how, &queue, nullptr) == SLOTQ_OK);
    const handle owner(queue);
    faults::on_sync(nullptr);
    CHECK(was_synced(inode_of(where.file("q.slotq-journal"))));
    CHECK(was_synced(inode_of(where.path())));
}

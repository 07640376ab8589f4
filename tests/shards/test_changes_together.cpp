/* test_changes_together.cpp: processes that change a sharded queue at the same time, are killed at
 * any moment, and drain it under producers and consumers.
 */
#include <random>

#include <fcntl.h>
#include <sys/mman.h>

#include "changing_process.hpp"

using namespace changing_process;

namespace
{

pid_t start(const std::function<int()> &body)
{
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        _exit(body());
    }
    return child;
}

void ends_well(pid_t child)
{
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status == 0);
}

int fail(const char *part, slotq_outcome outcome, const char *text)
{
    fprintf(stderr, "%s: outcome %d: %s\n", part, static_cast<int>(outcome), text);
    return 1;
}

slotq_outcome create(const std::string &url, slotq_error *error)
{
    const slotq_geometry geometry = geometry_of(33);
    return slotq_shards_create(url.c_str(), "q", 3, &geometry, nullptr, error);
}

/* One change by chance. Only these outcomes are known when others do the same. */
bool change_something(const std::string &url, uint32_t chance)
{
    slotq_error error = {};
    uint32_t number;
    slotq_outcome outcome;
    switch (chance % 8) {
    case 0:
        outcome = create(url, &error);
        break;
    case 1:
        outcome = slotq_remove_queue(url.c_str(), "q", &error);
        break;
    case 2:
        outcome = slotq_shards_add(url.c_str(), "q", nullptr, &number, &error);
        break;
    case 3:
        outcome = slotq_shards_repair(url.c_str(), "q", nullptr, &number, &error);
        break;
    case 4:
    case 5:
        outcome = slotq_shards_undrain(url.c_str(), "q", chance / 8 % 4, nullptr, &error);
        break;
    default:
        outcome = slotq_shards_drain(url.c_str(), "q", chance / 8 % 4, nullptr, &error);
        break;
    }
    switch (outcome) {
    case SLOTQ_OK:
    case SLOTQ_AGAIN:
    case SLOTQ_EXISTS:
    case SLOTQ_NOQUEUE:
    case SLOTQ_INVALID: /* no such shard, the last one, or one that is being made */
    case SLOTQ_GONE:
    case SLOTQ_LOCKED: /* another process has a file open for a moment */
        return true;
    default:
        fail("change", outcome, error.text);
        return false;
    }
}

/* What is begun can be ended, and then nothing is left. */
void can_be_removed(const Home &home)
{
    slotq_error error = {};
    const Shown all = shown(home.url);
    CHECK((all.outcome == SLOTQ_OK || all.outcome == SLOTQ_NOQUEUE));
    const slotq_outcome outcome = slotq_remove_queue(home.url.c_str(), "q", &error);
    INFO(error.text);
    CHECK((outcome == SLOTQ_OK || outcome == SLOTQ_NOQUEUE));
    CHECK(home.names().empty());
}

/* ---- producers and consumers ---- */

struct Signals {
    bool no_pushes; /* atomic */
    bool no_takes;
};

bool is_set(const bool *flag)
{
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

void set(bool *flag)
{
    __atomic_store_n(flag, true, __ATOMIC_RELEASE);
}

/* A line of a file for each message. */
void note(int to, const std::string &payload)
{
    const std::string line = payload + "\n";
    if (write(to, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
        _exit(3);
    }
}

int produce(const std::string &url, const std::string &part, int to, const Signals *signals)
{
    slotq *queue = nullptr;
    slotq_error error = {};
    if (slotq_open(url.c_str(), "q", nullptr, &queue, &error) != SLOTQ_OK) {
        return fail("producer", error.outcome, error.text);
    }
    for (uint32_t i = 0; !is_set(&signals->no_pushes); i++) {
        const std::string payload = part + std::to_string(i);
        const slotq_data data = {payload.data(), static_cast<uint32_t>(payload.size())};
        uint64_t id;
        slotq_outcome outcome = slotq_push(queue, &data, 1, &id);
        while (outcome == SLOTQ_FULL || outcome == SLOTQ_CLOSED) {
            usleep(500);
            outcome = slotq_push(queue, &data, 1, &id);
        }
        if (outcome != SLOTQ_OK) {
            return fail("producer", outcome, slotq_error_of(queue)->text);
        }
        note(to, payload);
        usleep(300);
    }
    slotq_close(queue);
    return 0;
}

int consume(const std::string &url, int to, const Signals *signals)
{
    slotq *queue = nullptr;
    slotq_error error = {};
    if (slotq_open(url.c_str(), "q", nullptr, &queue, &error) != SLOTQ_OK) {
        return fail("consumer", error.outcome, error.text);
    }
    const any_queue::Batch batch = any_queue::batch();
    for (;;) {
        const bool is_last = is_set(&signals->no_takes);
        const slotq_outcome outcome = slotq_reserve(queue, 0, 4, 600000, 0, batch.get());
        if (outcome == SLOTQ_EMPTY && is_last) {
            break;
        }
        if (outcome == SLOTQ_EMPTY) {
            usleep(500);
        } else if (outcome != SLOTQ_OK) {
            return fail("consumer", outcome, slotq_error_of(queue)->text);
        }
        const auto messages = outcome == SLOTQ_OK ? any_queue::messages(batch.get())
                                                  : std::vector<any_queue::Message>();
        for (const any_queue::Message &message : messages) {
            const slotq_outcome acked = slotq_ack(queue, 0, message.id, message.token);
            if (acked != SLOTQ_OK) {
                return fail("ack", acked, slotq_error_of(queue)->text);
            }
            note(to, message.payload);
        }
    }
    slotq_close(queue);
    return 0;
}

std::multiset<std::string> lines_of(const std::string &path)
{
    const std::vector<uint8_t> bytes = any_queue::read_file(path);
    std::multiset<std::string> lines;
    std::string line;
    for (const uint8_t byte : bytes) {
        if (byte == '\n') {
            lines.insert(line);
            line.clear();
        } else {
            line += static_cast<char>(byte);
        }
    }
    return lines;
}

/* Wait until so many more were noted. */
void goes_on(const std::string &path, size_t lines)
{
    const size_t before = lines_of(path).size();
    for (int i = 0; i < 30000 && lines_of(path).size() < before + lines; i++) {
        usleep(1000);
    }
    REQUIRE(lines_of(path).size() >= before + lines);
}

/* Until it is gone, by processes that are killed at some step. */
void drain_with_crashes(const Home &home, uint32_t number, std::mt19937 &random)
{
    const Change drain = [number](const shards_target &target, store_fault *fault) {
        return shards_drain(&target, number, fault);
    };
    slotq_outcome outcome = SLOTQ_AGAIN;
    for (int tries = 0; tries < 20000 && outcome != SLOTQ_OK; tries++) {
        outcome = SLOTQ_AGAIN;
        (void)dies_at(home.url, random() % 8, drain, &outcome);
        REQUIRE((outcome == SLOTQ_AGAIN || outcome == SLOTQ_OK));
        usleep(200);
    }
    CHECK(outcome == SLOTQ_OK);
}

} // namespace

TEST_CASE("sharded changes: several processes create a queue at once", "[sharded]")
{
    Home home(GENERATE(false, true));
    for (int round = 0; round < 5; round++) {
        std::vector<pid_t> children;
        for (int i = 0; i < 4; i++) {
            children.push_back(start([&home] {
                slotq_error error = {};
                const slotq_outcome outcome = create(home.url, &error);
                return outcome == SLOTQ_OK ? 0 : fail("create", outcome, error.text);
            }));
        }
        for (const pid_t child : children) {
            ends_well(child);
        }
        const Shown all = shown(home.url);
        CHECK(all.whole.open == 3);
        CHECK(all.errors.empty());
        can_be_removed(home);
    }
}

TEST_CASE("sharded changes: processes create and remove a queue at once", "[sharded]")
{
    Home home(GENERATE(false, true));
    std::vector<pid_t> children;
    for (uint32_t i = 0; i < 4; i++) {
        children.push_back(start([&home, i] {
            std::mt19937 random(i);
            for (int turn = 0; turn < 40; turn++) {
                if (!change_something(home.url, random() % 2)) {
                    return 1;
                }
            }
            return 0;
        }));
    }
    for (const pid_t child : children) {
        ends_well(child);
    }
    can_be_removed(home);
}

TEST_CASE("sharded changes: processes change all at once, and are killed", "[sharded]")
{
    Home home(GENERATE(false, true));
    std::mt19937 random(7);
    std::vector<pid_t> children;
    for (int round = 0; round < 40; round++) {
        while (children.size() < 3) {
            const uint32_t seed = random();
            children.push_back(start([&home, seed] {
                std::mt19937 own(seed);
                while (change_something(home.url, own())) {
                }
                return 1;
            }));
        }
        usleep(random() % 20000);
        int status = 0;
        kill(children.back(), SIGKILL);
        REQUIRE(waitpid(children.back(), &status, 0) == children.back());
        CHECK(WIFSIGNALED(status)); /* else it has ended before, and has said why */
        children.pop_back();
        CHECK(shown(home.url).outcome != SLOTQ_CORRUPT);
    }
    for (const pid_t child : children) {
        int status = 0;
        kill(child, SIGKILL);
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status));
    }
    slotq_error error = {};
    (void)slotq_remove_queue(home.url.c_str(), "q", &error); /* what is left can be made and used */
    const slotq_outcome outcome = create(home.url, &error);
    INFO(error.text);
    CHECK(outcome == SLOTQ_OK);
    can_be_removed(home);
}

TEST_CASE("sharded changes: no message is lost or repeated while shards are drained", "[sharded]")
{
    Home home(GENERATE(false, true));
    any_queue::Folder notes;
    slotq_error error = {};
    REQUIRE(create(home.url, &error) == SLOTQ_OK);
    Signals *signals = static_cast<Signals *>(
        mmap(nullptr, sizeof(Signals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    REQUIRE(signals != MAP_FAILED);
    const int pushed = open(notes.file("pushed").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    const int taken = open(notes.file("taken").c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    std::vector<pid_t> producers, consumers;
    for (const char *part : {"a", "b"}) {
        producers.push_back(start([&] { return produce(home.url, part, pushed, signals); }));
        consumers.push_back(start([&] { return consume(home.url, taken, signals); }));
    }
    std::mt19937 random(11);
    uint32_t number = 0;
    goes_on(notes.file("taken"), 100);
    CHECK(slotq_shards_drain(home.url.c_str(), "q", 2, nullptr, &error) <= SLOTQ_AGAIN);
    goes_on(notes.file("taken"), 100);
    drain_with_crashes(home, 1, random);
    goes_on(notes.file("taken"), 100);
    const slotq_outcome undrained =
        slotq_shards_undrain(home.url.c_str(), "q", 2, nullptr, &error); /* or it is gone by now */
    CHECK((undrained == SLOTQ_OK || undrained == SLOTQ_GONE));
    CHECK(slotq_shards_add(home.url.c_str(), "q", nullptr, &number, &error) == SLOTQ_OK);
    CHECK(number == 3);
    goes_on(notes.file("taken"), 100);
    drain_with_crashes(home, 2, random);
    goes_on(notes.file("taken"), 100);
    set(&signals->no_pushes);
    for (const pid_t child : producers) {
        ends_well(child);
    }
    set(&signals->no_takes);
    for (const pid_t child : consumers) {
        ends_well(child);
    }
    const auto all = lines_of(notes.file("pushed"));
    CHECK(all.size() >= 500);
    CHECK(lines_of(notes.file("taken")) == all);
    close(pushed);
    close(taken);
    munmap(signals, sizeof *signals);
}

/* test_lock.cpp: the lock's word: taken, waited for, kept for the hungry, left as due, taken over;
 * and ids: given once, proved, given up. Knows lock.h and life.h; no queue.
 */
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "../../../support/catch.hpp"
#include "test_crash_world.hpp"
#include "test_namespaces.hpp"

extern "C" {
#include "../../../../engine/backend/file/life.h"
#include "../../../../engine/backend/file/lock.h"
#include "../../../../engine/backend/file/locks.h"
}

using namespace crash;

namespace
{

constexpr uint32_t MINE = 5;
constexpr uint32_t OTHER = 6;

/* Answers for a waiter, and how often it asked. */
struct answers {
    bool dead = false;
    uint64_t patience_ms = 60000;
    int asked = 0;

    static bool is_dead(const void *own, uint32_t)
    {
        answers *self = const_cast<answers *>(static_cast<const answers *>(own));
        self->asked++;
        return self->dead;
    }
    static bool gives_up(const void *own, uint64_t waited_ms)
    {
        return waited_ms >= static_cast<const answers *>(own)->patience_ms;
    }
    lock_entry wait(uint32_t *word, uint32_t id = MINE)
    {
        const lock_watch watch = {is_dead, gives_up, this};
        return lock_wait(word, id, &watch);
    }
};

/* A file with ids, and where they are taken. */
struct registry {
    registry()
    {
        const int made = open(where.file("main").c_str(), O_RDWR | O_CREAT, 0600);
        REQUIRE(ftruncate(made, 4096) == 0);
        descriptor = made;
        folder_descriptor = open(where.path().c_str(), O_RDONLY | O_DIRECTORY);
        place = {descriptor, folder_descriptor, "main", &next_id, &word};
    }
    ~registry()
    {
        close(descriptor);
        close(folder_descriptor);
    }
    registry(const registry &) = delete;
    registry &operator=(const registry &) = delete;

    folder where;
    int descriptor = -1;
    int folder_descriptor = -1;
    uint32_t next_id = 1;
    uint32_t word = 0;
    life_place place;
};

} // namespace

TEST_CASE("the word is taken, refused, left", "[lock]")
{
    uint32_t word = 0;
    REQUIRE(lock_try(&word, MINE));
    CHECK(word == MINE);
    CHECK_FALSE(lock_try(&word, OTHER));
    lock_leave(&word, MINE);
    CHECK(word == 0);
}

TEST_CASE("a waiter that gives up leaves the owner its lock", "[lock]")
{
    uint32_t word = OTHER;
    answers asked;
    asked.patience_ms = 60;
    CHECK(asked.wait(&word) == LOCK_GIVEN_UP);
    CHECK((word & LOCK_ID_MASK) == OTHER);
    CHECK((word & LOCK_WAITERS) != 0);
    /* hungry after 2 ms, unless it did not run again before its patience was over */
    for (uint32_t i = 0; i < 100 && (word & LOCK_HUNGRY) == 0; i++) {
        CHECK(asked.wait(&word) == LOCK_GIVEN_UP);
    }
    CHECK((word & LOCK_HUNGRY) != 0);
    CHECK(asked.asked >= 1); /* whether the owner is dead */
    lock_leave(&word, OTHER);         /* no process is hungry any more */
    CHECK(word == 0);
}

TEST_CASE("a dead owner is taken over, and only a dead one", "[lock]")
{
    uint32_t word = OTHER | LOCK_WAITERS;
    answers asked;
    asked.dead = true;
    CHECK(asked.wait(&word) == LOCK_INHERITED);
    CHECK((word & LOCK_ID_MASK) == MINE);
    CHECK((word & LOCK_WAITERS) != 0); /* others may sleep */
    lock_leave(&word, MINE);
    CHECK((word & LOCK_ID_MASK) == 0);
    answers own;
    own.patience_ms = 60;
    own.dead = true;
    word = MINE; /* another thread of this process */
    CHECK(own.wait(&word) == LOCK_GIVEN_UP);
    CHECK(own.asked == 0);
}

TEST_CASE("a lock that is due is inherited at once by the next process", "[lock]")
{
    uint32_t word = OTHER;
    lock_leave_due(&word);
    CHECK((word & LOCK_ID_MASK) == LOCK_DUE);
    CHECK_FALSE(lock_try(&word, MINE));
    answers asked;
    asked.patience_ms = 0;
    CHECK(asked.wait(&word) == LOCK_INHERITED);
    CHECK(asked.asked == 0);
    CHECK((word & LOCK_ID_MASK) == MINE);
}

TEST_CASE("a lock kept for a starving process is denied to others for 2 ms", "[lock]")
{
    uint32_t word = LOCK_HUNGRY | LOCK_WAITERS; /* the one that it was kept for died */
    answers newcomer;
    newcomer.patience_ms = 0;
    CHECK_FALSE(lock_try(&word, MINE));
    CHECK(newcomer.wait(&word) == LOCK_GIVEN_UP);
    answers patient;
    CHECK(patient.wait(&word) == LOCK_ENTERED); /* hungry itself by then */
    CHECK((word & LOCK_ID_MASK) == MINE);
    CHECK((word & LOCK_HUNGRY) != 0); /* there may be more of them */
    lock_leave(&word, MINE);
    CHECK(word == 0);
}

TEST_CASE("threads of one id exclude each other", "[lock]")
{
    uint32_t word = 0;
    uint64_t sum = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; i++) {
        threads.emplace_back([&] {
            answers asked;
            for (int turn = 0; turn < 20000; turn++) {
                if (!lock_try(&word, MINE) && asked.wait(&word) != LOCK_ENTERED) {
                    return;
                }
                sum++;
                lock_leave(&word, MINE);
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    CHECK(sum == 80000);
    CHECK((word & LOCK_ID_MASK) == 0);
}

TEST_CASE("ids are given once, and lie on bytes that others see", "[lock]")
{
    registry all;
    life first = {};
    life second = {};
    REQUIRE(life_take(&first, &all.place) == LIFE_TAKEN);
    REQUIRE(life_take(&second, &all.place) == LIFE_TAKEN);
    CHECK(first.id == 1);
    CHECK(second.id == 2);
    CHECK(lock_id_state(all.descriptor, first.id) == LOCK_IS_HELD);
    CHECK_FALSE(life_is_over(all.descriptor, first.id, second.id));
    life_end(&second);
    CHECK(life_is_over(all.descriptor, first.id, 2));
    CHECK(lock_ids_state(all.descriptor) == LOCK_IS_HELD);
    all.next_id = first.id; /* the counter came round */
    REQUIRE(life_take(&second, &all.place) == LIFE_TAKEN);
    CHECK(second.id == 2);
    life_end(&second);
    life_end(&first);
    CHECK(lock_ids_state(all.descriptor) == LOCK_IS_FREE);
}

TEST_CASE("no id is 0 or means due, and none that stands in the word is given", "[lock]")
{
    registry all;
    life one = {};
    all.next_id = 0;
    REQUIRE(life_take(&one, &all.place) == LIFE_TAKEN);
    CHECK(one.id == 1);
    life_end(&one);
    all.next_id = LOCK_DUE & (LIFE_OF_THREAD - 1);
    all.word = LIFE_OF_THREAD - 1; /* a dead owner: to be taken over, not to be met again */
    REQUIRE(life_take(&one, &all.place) == LIFE_TAKEN);
    CHECK(one.id == 1);
    CHECK(lock_id_state(all.descriptor, LIFE_OF_THREAD - 1) == LOCK_IS_FREE);
    life_end(&one);
}

TEST_CASE("no proof through a descriptor that does not see the own id", "[lock]")
{
    registry all;
    registry other;
    life one = {};
    REQUIRE(life_take(&one, &all.place) == LIFE_TAKEN);
    CHECK(life_is_over(all.descriptor, one.id, 77));
    CHECK_FALSE(life_is_over(other.descriptor, one.id, 77)); /* another file by a stray close */
    CHECK_FALSE(life_is_over(-1, one.id, 77));
    life_end(&one);
}

TEST_CASE("a file that has another name by now gives no id", "[lock]")
{
    registry all;
    life one = {};
    REQUIRE(rename(all.where.file("main").c_str(), all.where.file("moved").c_str()) == 0);
    CHECK(life_take(&one, &all.place) == LIFE_MOVED);
    close(open(all.where.file("main").c_str(), O_RDWR | O_CREAT, 0600));
    CHECK(life_take(&one, &all.place) == LIFE_MOVED);
    CHECK(one.id == 0);
    CHECK(lock_ids_state(all.descriptor) == LOCK_IS_FREE);
}

TEST_CASE("an id ends with exec and with the process, not with a descriptor", "[lock]")
{
    registry all;
    const spaces::signal_pipe taken;
    const spaces::signal_pipe go_on;
    const bool executes = GENERATE(false, true);
    const pid_t user = fork();
    if (user == 0) {
        static life own = {};
        if (life_take(&own, &all.place) != LIFE_TAKEN) {
            _exit(1);
        }
        close(all.descriptor);
        close(all.folder_descriptor);
        taken.tell();
        go_on.await();
        if (executes) {
            execlp("sleep", "sleep", "60", static_cast<char *>(nullptr));
        }
        _exit(0);
    }
    taken.await();
    CHECK(lock_ids_state(all.descriptor) == LOCK_IS_HELD);
    go_on.tell();
    for (int i = 0; i < 10000 && lock_ids_state(all.descriptor) != LOCK_IS_FREE; i++) {
        usleep(1000);
    }
    CHECK(lock_ids_state(all.descriptor) == LOCK_IS_FREE);
    spaces::end(user);
}

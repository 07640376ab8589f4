/* faults.hpp: the calls that the library makes of the system, made to fail on demand, counted,
 * and syncs reported. Works in binaries linked with --wrap for the names in
 * tests/engine/backend/file/wrap.txt. Knows the system's calls; knows no queue.
 */
#ifndef SLOTQ_TESTS_FAULTS_HPP
#define SLOTQ_TESTS_FAULTS_HPP

#include <cstdint>

namespace faults
{

/* The calls that can fail, in the order of names(). */
enum call {
#define FAULT(name) CALL_##name,
#include "faults.def"
#undef FAULT
    CALL_COUNT
};
const char *name_of(int call);

/* Whether this binary was linked with --wrap. */
bool linked();

/* From now on the at-th call (1 = the next) fails, and with for_good all after it too;
 * at 0 lets all through and counts. error 0 takes the call's usual one. */
void arm(int call, uint64_t at, bool for_good, int error = 0);
/* All calls go through; counts stand. */
void disarm();
/* Calls since arm, and how many of them were made to fail. */
uint64_t calls(int call);
uint64_t struck();
/* The call that is to fail; -1 when none is. */
int struck_call();

/* Allocations made while armed that were not freed, and bytes mapped but not unmapped. */
int64_t allocations_left();
int64_t mapped_left();

/* A sync that succeeded: of which file, from and up to which byte. */
struct synced {
    uint64_t inode;
    uint64_t from;
    uint64_t to;
};
/* Called after each; nullptr = nothing. */
void on_sync(void (*seen)(const synced &sync));

/* Called after each question about a lock of open file descriptions; nullptr = nothing. */
void on_lock_question(void (*asked)(uint64_t from));

} // namespace faults

#endif

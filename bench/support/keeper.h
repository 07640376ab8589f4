/* keeper.h: temporary folders that go when the bench has ended, even by a signal that it cannot
 * catch: a process beside it waits for its end. Knows folders; must not know their users.
 */
#ifndef SLOTQ_BENCH_KEEPER_H
#define SLOTQ_BENCH_KEEPER_H

/* A new folder: path ends in XXXXXX as mkdtemp takes it. */
void keeper_make_folder(char *path);

#endif

/* journal_seed.h: the modes that the first byte of an input of fuzz_journal stands for.
 */
#ifndef FUZZ_JOURNAL_SEED_H
#define FUZZ_JOURNAL_SEED_H

enum {
    JOURNAL_SEED_FOREIGN = 1, /* the journal is of another file, as beside a copy */
    JOURNAL_SEED_ADOPTS = 2,
    JOURNAL_SEED_READS = 4,
    JOURNAL_SEED_EXCLUSIVE = 8,
    JOURNAL_SEED_SYNCED = 16,
    JOURNAL_SEED_RAW = 32 /* the header is noise too */
};

#endif

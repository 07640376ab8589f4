/* cron_seeds.h: inputs of fuzz_cron: specs of each form, and small files of zones.
 */
#ifndef SLOTQ_FUZZ_CRON_SEEDS_H
#define SLOTQ_FUZZ_CRON_SEEDS_H

#include <stddef.h>
#include <stdint.h>

enum { CRON_SEED_BYTES = 512 };

/* The bytes of a seed; 0: there are no more. */
size_t cron_seed(unsigned index, uint8_t bytes[CRON_SEED_BYTES]);

#endif

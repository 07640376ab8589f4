/* raw.h: every single measurement as a line of raw.csv, from which all tables and plots are made,
 * and by which an interrupted run goes on where it was. Knows lines; no measurement.
 *
 * family,contender,case,metric,round,value
 * A case is words such as "batch=64 payload=32"; a metric ends in its unit (cycle_ns,
 * ready_bytes); a value is a number. No field holds a comma. Round 0 stands for things that are
 * measured once.
 */
#ifndef SLOTQ_BENCH_RAW_H
#define SLOTQ_BENCH_RAW_H

#include <stdbool.h>
#include <stdint.h>

/* Lines that are there stay; new ones are added behind them. */
void raw_open(const char *path);
void raw_close(void);

/* This contender has a line for this case and round, of any metric. */
bool raw_has(const char *family, const char *contender, const char *case_words, uint32_t round);
void raw_add(const char *family, const char *contender, const char *case_words, const char *metric,
             uint32_t round, double value);
/* All that is added so far is in the file: called where a measurement is whole. */
void raw_flush(void);

#endif

/* families.c: see families.h.
 */
#include "families.h"
#include "../support/raw.h"
#include "../support/report.h"
#include "../support/sure.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define LONG_ENOUGH 0.8 /* of what was asked for: that is not met to the millisecond */
enum {
    CASE_BYTES = 96,
    MESSAGES_MOST = 60000,
    TRIAL_MOST = 4096,
    TRIAL_STEP = 8,
    REPEATS_MOST = 9,
    BEYOND_LEAST = 10
};

/* ---- closed load ---- */

static uint32_t round_down(uint64_t messages, const load *how)
{
    const uint32_t step = how->batch * how->in_flight;
    const uint64_t bounded = messages < MESSAGES_MOST ? messages : MESSAGES_MOST;
    const uint32_t whole = (uint32_t)(bounded / step) * step;
    return whole > 0 ? whole : step;
}

static bool takes_batch(const contender_row *who, uint32_t batch)
{
    return who->calls->batch_most == 0 || batch <= who->calls->batch_most;
}

static double slowest_of(const cycle_times *times)
{
    const double taken_ns = times->take_ns > times->push_ns ? times->take_ns : times->push_ns;
    return times->cycle_ns > taken_ns ? times->cycle_ns : taken_ns;
}

/* So many messages that the slowest of the three stretches takes as long as was asked for. Opening
 * and warming do not count, so the trial grows until it says something; it warms up, too. */
static uint32_t choose_messages(const contender_row *who, const load *how, uint32_t stretch_ms)
{
    load trial = *how;
    for (uint64_t messages = how->batch;; messages *= TRIAL_STEP) {
        cycle_times times;
        trial.messages = round_down(messages, how);
        who->calls->cycle(who->calls, &trial, &times);
        const double each_ns = slowest_of(&times);
        const double trial_ms = each_ns * trial.messages / 1e6;
        if (trial_ms * TRIAL_STEP > stretch_ms || trial.messages > MESSAGES_MOST / TRIAL_STEP) {
            return round_down((uint64_t)(stretch_ms * 1e6 / each_ns), how);
        }
    }
}

typedef struct closed_case {
    load how;
    char words[CASE_BYTES];
} closed_case;

static uint32_t list_closed_cases(const wishes *wanted, closed_case *cases)
{
    uint32_t count = 0;
    for (uint32_t p = 0; p < wanted->payloads.count; p++) {
        for (uint32_t b = 0; b < wanted->batches.count; b++) {
            for (uint32_t f = 0; f < wanted->flights.count; f++) {
                closed_case *one = &cases[count];
                one->how = (load){wanted->payloads.values[p], wanted->batches.values[b],
                                  wanted->flights.values[f], 0};
                if (one->how.batch == 1 && f > 0) {
                    continue; /* one message and one verb per round trip */
                }
                one->how.in_flight = one->how.batch == 1 ? 1 : one->how.in_flight;
                snprintf(one->words, sizeof one->words, "batch=%u flight=%u payload=%u",
                         (unsigned)one->how.batch, (unsigned)one->how.in_flight,
                         (unsigned)one->how.payload_bytes);
                count++;
            }
        }
    }
    return count;
}

/* A queue holds so few messages that a fast contender is done before a time slice ends: then the
 * stretches are repeated for as long as was asked for, as one long stretch would be. Their means
 * stand, not their medians: a slow contender has only one, with all that disturbed it. */
static void cycle_long_enough(const contender_row *who, const load *how, uint32_t stretch_ms,
                              cycle_times *times)
{
    cycle_times sum = {0, 0, 0};
    uint32_t count = 0;
    for (double spent_ms = 0; spent_ms < LONG_ENOUGH * stretch_ms && count < REPEATS_MOST;) {
        who->calls->cycle(who->calls, how, times);
        sum.push_ns += times->push_ns;
        sum.take_ns += times->take_ns;
        sum.cycle_ns += times->cycle_ns;
        spent_ms += slowest_of(times) * how->messages / 1e6;
        count++;
    }
    *times = (cycle_times){sum.push_ns / count, sum.take_ns / count, sum.cycle_ns / count};
}

static void play_closed(const char *family_name, const contender_row *who, closed_case *one,
                        uint32_t *messages, uint32_t round, uint32_t stretch_ms)
{
    cycle_times times;
    if (raw_has(family_name, who->name, one->words, round)) {
        return;
    }
    if (*messages == 0) {
        *messages = choose_messages(who, &one->how, stretch_ms);
    }
    load how = one->how;
    how.messages = *messages;
    cycle_long_enough(who, &how, stretch_ms, &times);
    raw_add(family_name, who->name, one->words, "push_ns", round, times.push_ns);
    raw_add(family_name, who->name, one->words, "take_ns", round, times.take_ns);
    raw_add(family_name, who->name, one->words, "cycle_ns", round, times.cycle_ns);
    raw_flush();
}

static void run_closed(const char *family_name, const wishes *wanted,
                       const contender_row *const *present, uint32_t count)
{
    static closed_case cases[LIST_MOST * LIST_MOST * LIST_MOST];
    const uint32_t case_count = list_closed_cases(wanted, cases);
    if (count == 0 || case_count == 0) {
        return;
    }
    uint32_t *messages = calloc((size_t)count * case_count, sizeof *messages);
    bench_need(messages != NULL, "calloc");
    for (uint32_t round = 1; round <= wanted->rounds; round++) {
        for (uint32_t i = 0; i < case_count; i++) {
            for (uint32_t k = 0; k < count; k++) {
                const contender_row *who = present[k];
                if (who->calls->cycle != NULL && takes_batch(who, cases[i].how.batch)) {
                    play_closed(family_name, who, &cases[i], &messages[k * case_count + i], round,
                                wanted->stretch_ms);
                }
            }
            report_progress(family_name, (round - 1) * case_count + i + 1,
                            wanted->rounds * case_count);
        }
    }
    free(messages);
}

/* Those that have a server between, or those that have none. */
static void run_closed_of(const char *family_name, bool embedded, const wishes *wanted,
                          const contender_row *const *present, uint32_t count)
{
    const contender_row *chosen[PRESENT_MOST];
    uint32_t chosen_count = 0;
    for (uint32_t k = 0; k < count; k++) {
        if (present[k]->embedded == embedded) {
            chosen[chosen_count++] = present[k];
        }
    }
    run_closed(family_name, wanted, chosen, chosen_count);
}

static void run_cycle(const wishes *wanted, const contender_row *const *present, uint32_t count)
{
    run_closed_of("cycle", false, wanted, present, count);
}

static void run_embedded(const wishes *wanted, const contender_row *const *present, uint32_t count)
{
    run_closed_of("embedded", true, wanted, present, count);
}

/* ---- open load ---- */

static void add_quantile(const contender_row *who, const char *words, const char *metric,
                         uint32_t round, samples *ns, double share)
{
    if (ns->count * (1 - share) >= BEYOND_LEAST) {
        raw_add("latency", who->name, words, metric, round, samples_quantile(ns, share) / 1000);
    }
}

static void play_open(const contender_row *who, const open_load *how, uint32_t round)
{
    char words[CASE_BYTES];
    samples ns = {0};
    snprintf(words, sizeof words, "rate=%.0f consumers=%u", how->rate_per_s,
             (unsigned)how->consumers);
    if (raw_has("latency", who->name, words, round)) {
        return;
    }
    who->calls->latency(who->calls, how, &ns);
    add_quantile(who, words, "p50_us", round, &ns, 0.5);
    add_quantile(who, words, "p90_us", round, &ns, 0.9);
    add_quantile(who, words, "p99_us", round, &ns, 0.99);
    add_quantile(who, words, "p999_us", round, &ns, 0.999);
    raw_add("latency", who->name, words, "samples", round, ns.count);
    raw_flush();
    samples_free(&ns);
}

static void run_latency(const wishes *wanted, const contender_row *const *present, uint32_t count)
{
    const uint32_t all =
        wanted->rounds * wanted->rates_per_s.count * wanted->consumers.count * count;
    uint32_t done = 0;
    for (uint32_t round = 1; round <= wanted->rounds; round++) {
        for (uint32_t r = 0; r < wanted->rates_per_s.count; r++) {
            for (uint32_t c = 0; c < wanted->consumers.count; c++) {
                for (uint32_t k = 0; k < count; k++) {
                    const uint32_t rate = wanted->rates_per_s.values[r];
                    const open_load how = {rate, wanted->consumers.values[c],
                                           (uint64_t)rate * wanted->seconds};
                    if (present[k]->calls->latency != NULL && !present[k]->embedded) {
                        play_open(present[k], &how, round);
                    }
                    report_progress("latency", ++done, all);
                }
            }
        }
    }
}

/* ---- memory ---- */

static void run_memory(const wishes *wanted, const contender_row *const *present, uint32_t count)
{
    const uint32_t all = wanted->lengths.count * wanted->payloads.count * count;
    uint32_t done = 0;
    for (uint32_t i = 0; i < wanted->lengths.count; i++) {
        for (uint32_t p = 0; p < wanted->payloads.count; p++) {
            for (uint32_t k = 0; k < count; k++) {
                char words[CASE_BYTES];
                weight bytes;
                snprintf(words, sizeof words, "messages=%u payload=%u",
                         (unsigned)wanted->lengths.values[i], (unsigned)wanted->payloads.values[p]);
                report_progress("memory", ++done, all);
                if (present[k]->calls->weigh == NULL ||
                    raw_has("memory", present[k]->name, words, 0)) {
                    continue;
                }
                present[k]->calls->weigh(present[k]->calls, wanted->lengths.values[i],
                                         wanted->payloads.values[p], &bytes);
                raw_add("memory", present[k]->name, words, "ready_bytes", 0, bytes.ready_bytes);
                raw_add("memory", present[k]->name, words, "leased_bytes", 0, bytes.leased_bytes);
                raw_flush();
            }
        }
    }
}

static void run_mailboxes(const wishes *wanted, const contender_row *const *present, uint32_t count)
{
    for (uint32_t i = 0; i < wanted->lengths.count; i++) {
        for (uint32_t k = 0; k < count; k++) {
            char words[CASE_BYTES];
            mailbox_weight bytes;
            const char *name = present[k]->name;
            snprintf(words, sizeof words, "mailboxes=%u", (unsigned)wanted->lengths.values[i]);
            report_progress("mailboxes", i * count + k + 1, wanted->lengths.count * count);
            if (present[k]->calls->mailboxes == NULL || raw_has("mailboxes", name, words, 0)) {
                continue;
            }
            present[k]->calls->mailboxes(present[k]->calls, wanted->lengths.values[i], &bytes);
            raw_add("mailboxes", name, words, "empty_bytes", 0, bytes.empty_bytes);
            raw_add("mailboxes", name, words, "ready_bytes", 0, bytes.ready_bytes);
            raw_add("mailboxes", name, words, "leased_bytes", 0, bytes.leased_bytes);
            raw_flush();
        }
    }
}

/* ---- growth ---- */

static void play_growth(const contender_row *who, uint32_t length, uint32_t percent, uint32_t round)
{
    char words[CASE_BYTES];
    growth_times times;
    snprintf(words, sizeof words, "length=%u leased=%u", (unsigned)length, (unsigned)percent);
    if (who->calls->grow == NULL || raw_has("growth", who->name, words, round)) {
        return;
    }
    who->calls->grow(who->calls, length, percent, &times);
    raw_add("growth", who->name, words, "push_ns", round, times.push_ns);
    raw_add("growth", who->name, words, "take_ns", round, times.take_ns);
    raw_add("growth", who->name, words, "finish_ns", round, times.finish_ns);
    raw_add("growth", who->name, words, "server_p999_us", round, times.server_p999_us);
    raw_add("growth", who->name, words, "server_most_us", round, times.server_most_us);
    raw_flush();
}

static void run_growth(const wishes *wanted, const contender_row *const *present, uint32_t count)
{
    const uint32_t all =
        wanted->rounds * wanted->lengths.count * wanted->leased_percents.count * count;
    uint32_t done = 0;
    for (uint32_t round = 1; round <= wanted->rounds; round++) {
        for (uint32_t i = 0; i < wanted->lengths.count; i++) {
            for (uint32_t p = 0; p < wanted->leased_percents.count; p++) {
                for (uint32_t k = 0; k < count; k++) {
                    play_growth(present[k], wanted->lengths.values[i],
                                wanted->leased_percents.values[p], round);
                    report_progress("growth", ++done, all);
                }
            }
        }
    }
}

/* ---- measured once ---- */

static void run_full(const wishes *wanted, const contender_row *const *present, uint32_t count)
{
    (void)wanted;
    for (uint32_t k = 0; k < count; k++) {
        const char *name = present[k]->name;
        full_answers answers;
        report_progress("full", k + 1, count);
        if (present[k]->calls->fill == NULL || raw_has("full", name, "at maxmemory", 0)) {
            continue;
        }
        present[k]->calls->fill(present[k]->calls, &answers);
        raw_add("full", name, "at maxmemory", "pushes", 0, answers.pushes);
        raw_add("full", name, "at maxmemory", "takes", 0, answers.takes);
        raw_add("full", name, "at maxmemory", "finishes", 0, answers.finishes);
        raw_flush();
    }
}

static void run_recovery(const wishes *wanted, const contender_row *const *present, uint32_t count)
{
    enum { MESSAGES = 10000 };
    for (uint32_t round = 1; round <= wanted->rounds; round++) {
        for (uint32_t k = 0; k < count; k++) {
            const char *name = present[k]->name;
            recovery_times times;
            report_progress("recovery", (round - 1) * count + k + 1, wanted->rounds * count);
            if (present[k]->calls->recover == NULL ||
                raw_has("recovery", name, "leased=10000", round)) {
                continue;
            }
            present[k]->calls->recover(present[k]->calls, MESSAGES, &times);
            raw_add("recovery", name, "leased=10000", "first_ms", round, times.first_ms);
            raw_add("recovery", name, "leased=10000", "all_ms", round, times.all_ms);
            raw_add("recovery", name, "leased=10000", "server_most_us", round,
                    times.server_most_us);
            raw_flush();
        }
    }
}

static void run_wire(const wishes *wanted, const contender_row *const *present, uint32_t count)
{
    for (uint32_t b = 0; b < wanted->batches.count; b++) {
        for (uint32_t k = 0; k < count; k++) {
            char words[CASE_BYTES];
            wire_bytes bytes;
            load how = {32, wanted->batches.values[b], 1, 0};
            how.messages = round_down(TRIAL_MOST, &how);
            snprintf(words, sizeof words, "batch=%u payload=32", (unsigned)how.batch);
            report_progress("wire", b * count + k + 1, wanted->batches.count * count);
            if (present[k]->calls->wire == NULL || !takes_batch(present[k], how.batch) ||
                raw_has("wire", present[k]->name, words, 0)) {
                continue;
            }
            present[k]->calls->wire(present[k]->calls, &how, &bytes);
            raw_add("wire", present[k]->name, words, "sent_bytes", 0, bytes.sent);
            raw_add("wire", present[k]->name, words, "received_bytes", 0, bytes.received);
            raw_add("wire", present[k]->name, words, "disk_bytes", 0, bytes.disk);
            raw_flush();
        }
    }
}

const family families[] = {
    {"cycle", "push, reserve and ack, closed load (--batches --flights --payloads)", run_cycle},
    {"embedded", "the same without a server", run_embedded},
    {"latency", "from due to reserved, open load (--rates --consumers --seconds)", run_latency},
    {"memory", "bytes per message, ready and leased (--lengths --payloads)", run_memory},
    {"mailboxes", "bytes per mailbox of 25 messages, --lengths mailboxes", run_mailboxes},
    {"growth", "one message per call in queues of --lengths, --leased percent leased", run_growth},
    {"full", "what still works at maxmemory", run_full},
    {"recovery", "redelivery of 10,000 messages of a dead worker", run_recovery},
    {"wire", "bytes on the wire and in the append-only file (--batches)", run_wire},
    {NULL, NULL, NULL},
};

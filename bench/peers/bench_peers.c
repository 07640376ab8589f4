/* bench_peers.c: slotq and its peers in the same run. Knows the command line; what is measured is
 * in families.c, the contenders are in contenders.def.
 *
 * bench_peers FOLDER FAMILY [options]: adds what is not there yet to FOLDER/raw.csv, and writes
 * the contenders, and why some were left out, to FOLDER/contenders.tsv.
 */
#include "families.h"
#include "../support/raw.h"
#include "../support/sure.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum {
    PATH_BYTES = 512,
    NAME_BYTES = 64,
    RATE_MOST = 1000000,
    CONSUMERS_MOST = 8,
    LENGTH_MOST = 1000000, /* of mailboxes; a queue's own bound is less */
    ROUNDS_MOST = 1000,
    STRETCH_MS_MOST = 60000,
    SECONDS_MOST = 600
};

static const wishes defaults = {
    .rounds = 5,
    .stretch_ms = 150,
    .batches = {{1, 64, 256}, 3},
    .flights = {{8}, 1},
    .payloads = {{32}, 1},
    .rates_per_s = {{10000}, 1},
    .consumers = {{1}, 1},
    .seconds = 2,
    .lengths = {{10000}, 1},
    .leased_percents = {{0}, 1},
};

static int usage(void)
{
    fputs("usage: bench_peers FOLDER FAMILY [--rounds N] [--only NAME,…] [--stretch MS]\n"
          "           [--batches N,…] [--flights N,…] [--payloads BYTES,…]\n"
          "           [--rates PER_SECOND,…] [--consumers N,…] [--seconds N]\n"
          "           [--lengths N,…] [--leased PERCENT,…]\n",
          stderr);
    for (const family *one = families; one->name != NULL; one++) {
        fprintf(stderr, "  %-9s %s\n", one->name, one->about);
    }
    return 2;
}

/* An option of numbers, each within bounds: contenders have room for no more. */
typedef struct list_option {
    const char *name;
    number_list *list;
    uint32_t least;
    uint32_t most;
} list_option;

static bool read_list(const char *text, const list_option *into)
{
    into->list->count = 0;
    while (into->list->count < LIST_MOST) {
        char *end;
        const long long number = strtoll(text, &end, 10);
        if (end == text || number < into->least || number > into->most) {
            return false;
        }
        into->list->values[into->list->count++] = (uint32_t)number;
        if (*end != ',') {
            return *end == '\0';
        }
        text = end + 1;
    }
    return false;
}

static bool read_number(const char *text, uint32_t most, uint32_t *number)
{
    number_list one;
    if (!read_list(text, &(list_option){"", &one, 1, most}) || one.count != 1) {
        return false;
    }
    *number = one.values[0];
    return true;
}

static bool read_option(const char *name, const char *value, wishes *wanted)
{
    const list_option lists[] = {
        {"--batches", &wanted->batches, 1, LOAD_BATCH_MOST},
        {"--flights", &wanted->flights, 1, LOAD_IN_FLIGHT_MOST},
        {"--payloads", &wanted->payloads, LOAD_PAYLOAD_LEAST, LOAD_PAYLOAD_MOST},
        {"--rates", &wanted->rates_per_s, 1, RATE_MOST},
        {"--consumers", &wanted->consumers, 1, CONSUMERS_MOST},
        {"--lengths", &wanted->lengths, 1, LENGTH_MOST},
        {"--leased", &wanted->leased_percents, 0, 100},
    };
    for (uint32_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (strcmp(name, lists[i].name) == 0) {
            return read_list(value, &lists[i]);
        }
    }
    if (strcmp(name, "--only") == 0) {
        wanted->only = value;
        return strlen(value) < PATH_BYTES - 2;
    }
    if (strcmp(name, "--rounds") == 0) {
        return read_number(value, ROUNDS_MOST, &wanted->rounds);
    }
    if (strcmp(name, "--stretch") == 0) {
        return read_number(value, STRETCH_MS_MOST, &wanted->stretch_ms);
    }
    return strcmp(name, "--seconds") == 0 && read_number(value, SECONDS_MOST, &wanted->seconds);
}

/* The name is one of those between the commas. */
static bool is_wanted(const char *only, const char *name)
{
    char framed[NAME_BYTES];
    char list[PATH_BYTES];
    if (only == NULL) {
        return true;
    }
    snprintf(framed, sizeof framed, ",%s,", name);
    snprintf(list, sizeof list, ",%s,", only);
    return strstr(list, framed) != NULL;
}

/* Contenders without a server are timed apart, but weigh, grow and recover beside all others. */
static bool is_in_family(const contender_row *one, const char *family_name)
{
    static const char *const of_all[] = {"memory", "growth", "recovery"};
    for (uint32_t i = 0; i < sizeof of_all / sizeof *of_all; i++) {
        if (strcmp(family_name, of_all[i]) == 0) {
            return true;
        }
    }
    return one->embedded == (strcmp(family_name, "embedded") == 0);
}

/* A line of contenders.tsv. */
static void put_row(FILE *file, const contender_row *one, const char *absent)
{
    fprintf(file, "%s\t%s\t%s\t%s\t", one->name, one->calls->settings, one->lacks,
            absent != NULL ? absent : "");
    fprintf(file, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", one->role, one->embedded ? "embedded" : "served",
            one->server, one->beside, one->also, one->colour, one->about);
}

/* Opens the wanted contenders and adds a line for each to contenders.tsv. */
static uint32_t open_contenders(const char *folder, const char *family_name, const char *only,
                                const contender_row **present)
{
    char path[PATH_BYTES];
    uint32_t count = 0;
    snprintf(path, sizeof path, "%s/contenders.tsv", folder);
    FILE *file = fopen(path, "a");
    if (file == NULL) {
        fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
        exit(1);
    }
    for (uint32_t i = 0; i < contenders_count; i++) {
        const contender_row *one = &contenders[i];
        if (!is_wanted(only, one->name) || !is_in_family(one, family_name)) {
            continue;
        }
        const char *absent = one->calls->open != NULL ? one->calls->open(one->calls) : NULL;
        put_row(file, one, absent);
        if (absent == NULL) {
            bench_need(count < PRESENT_MOST, "so many contenders");
            present[count++] = one;
        } else {
            fprintf(stderr, "bench: %s is left out: %s\n", one->name, absent);
        }
    }
    bench_need(fclose(file) == 0, path);
    return count;
}

/* Every name between the commas is a contender's; else a word says which is not. */
static bool names_are_known(const char *only)
{
    while (only != NULL) {
        const size_t length = strcspn(only, ",");
        uint32_t i = 0;
        while (i < contenders_count && (strlen(contenders[i].name) != length ||
                                        strncmp(contenders[i].name, only, length) != 0)) {
            i++;
        }
        if (i == contenders_count) {
            fprintf(stderr, "bench: unknown contender '%.*s'\n", (int)length, only);
            return false;
        }
        only = only[length] == ',' ? only + length + 1 : NULL;
    }
    return true;
}

static const family *find_family(const char *name)
{
    for (const family *one = families; one->name != NULL; one++) {
        if (strcmp(one->name, name) == 0) {
            return one;
        }
    }
    return NULL;
}

int main(int count, char **words)
{
    const contender_row *present[PRESENT_MOST];
    char path[PATH_BYTES];
    wishes wanted = defaults;
    const family *which = count >= 3 ? find_family(words[2]) : NULL;
    if (which == NULL || count % 2 == 0) {
        return usage();
    }
    for (int i = 3; i + 1 < count; i += 2) {
        if (!read_option(words[i], words[i + 1], &wanted)) {
            fprintf(stderr, "bench: invalid option: %s %s\n", words[i], words[i + 1]);
            return usage();
        }
    }
    if (!names_are_known(wanted.only)) {
        return 2;
    }
    contender_folder = words[1];
    snprintf(path, sizeof path, "%s/raw.csv", words[1]);
    const uint32_t present_count = open_contenders(words[1], which->name, wanted.only, present);
    raw_open(path);
    which->run(&wanted, present, present_count);
    raw_close();
    for (uint32_t k = 0; k < present_count; k++) {
        const contender *calls = present[k]->calls;
        if (calls->close != NULL) {
            calls->close(calls);
        }
    }
    return 0;
}

/* cron_seeds.c: see cron_seeds.h. Writes zones as RFC 9636 says, and does not know how they are
 * read.
 */
#include "cron_seeds.h"

#include <string.h>

enum { CHANGES = 2, OFFSETS = 2 };

typedef struct writer {
    uint8_t *at;
} writer;

static void put(writer *to, const void *bytes, size_t size)
{
    memcpy(to->at, bytes, size);
    to->at += size;
}

static void put_number(writer *to, int64_t value, int bytes)
{
    for (int i = bytes - 1; i >= 0; i--) {
        *to->at++ = (uint8_t)((uint64_t)value >> (8 * i));
    }
}

/* Two changes from the first offset to the second and back. */
static void put_block(writer *to, char version, int time_bytes, const int32_t offsets[OFFSETS])
{
    static const uint8_t zeros[15];
    const int64_t first_s = 1774746000; /* 2026-03-29 01:00 */
    put(to, "TZif", 4);
    put(to, &version, 1);
    put(to, zeros, sizeof zeros);
    put(to, zeros, 12); /* no leap seconds, and no marks */
    put_number(to, CHANGES, 4);
    put_number(to, OFFSETS, 4);
    put_number(to, 4, 4);
    put_number(to, first_s, time_bytes);
    put_number(to, first_s + 210 * INT64_C(86400), time_bytes);
    put_number(to, 1, 1);
    put_number(to, 0, 1);
    for (int i = 0; i < OFFSETS; i++) {
        put_number(to, offsets[i], 4);
        put_number(to, 0, 2);
    }
    put(to, "ABC", 4);
}

size_t cron_seed(unsigned index, uint8_t bytes[CRON_SEED_BYTES])
{
    static const struct {
        const char *spec;
        const char *tail; /* NULL: no file; "1": version 1 */
        int32_t offsets[OFFSETS];
    } seeds[] = {
        {"* * * * *", NULL, {0, 0}},
        {"*/15 0-8/2,20 1,15 jan-jun mon-fri", NULL, {0, 0}},
        {"30 2 * * *", "CET-1CEST,M3.5.0,M10.5.0/3", {3600, 7200}},
        {"0 */2 13 * fri", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", {37800, 39600}},
        {"59 23 29 feb sun", "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", {-7200, -3600}},
        {"0 0 * * 7", "IST-1GMT0,M10.5.0,M3.5.0/1", {3600, 0}},
        {"5,10 4 31 2 *", "XXX3EDT4,0/0,J365/23", {-10800, -14400}},
        {"0 12 * * *", "1", {-36000, 50400}},
        {"@daily", "EET-2EEST,M3.4.4/50,M10.4.4/50", {7200, 10800}},
        {"@every 1h30m", "AAA0", {0, 1}},
        {"fri-mon ? 15W 5#3 L", NULL, {0, 0}},
        {"TZ=UTC 60 * * * *", NULL, {0, 0}},
    };
    writer to = {bytes};
    if (index >= sizeof seeds / sizeof seeds[0]) {
        return 0;
    }
    const char *tail = seeds[index].tail;
    put_number(&to, INT64_C(1774742400000), 6);
    put(&to, seeds[index].spec, strlen(seeds[index].spec) + 1);
    if (tail != NULL && strcmp(tail, "1") == 0) {
        put_block(&to, 0, 4, seeds[index].offsets);
    } else if (tail != NULL) {
        put_block(&to, '3', 4, seeds[index].offsets);
        put_block(&to, '3', 8, seeds[index].offsets);
        put(&to, "\n", 1);
        put(&to, tail, strlen(tail));
        put(&to, "\n", 1);
    }
    return (size_t)(to.at - bytes);
}

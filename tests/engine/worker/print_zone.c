/* print_zone.c: prints each stretch of the zones that are named, for check_zones.py: a line
 * "NAME BEGIN OFFSET", in seconds, from 1970 to 2100. Knows no other source of zones.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/worker/zone.h"
#include "engine/worker/zone_file.h"

enum { YEAR_LAST = 2100 };

int main(int argc, char **argv)
{
    const int64_t end_s = zone_days_of(YEAR_LAST, 1, 1) * 86400;
    for (int i = 1; i < argc; i++) {
        char path[ZONE_PATH_BYTES];
        uint8_t *bytes = NULL;
        size_t size = 0;
        slotq_error error;
        const char *why = "";
        time_zone zone;
        if (zone_file_read(argv[i], path, &bytes, &size, &error) != SLOTQ_OK) {
            fprintf(stderr, "%s\n", error.text);
            return 1;
        }
        if (!zone_read(&zone, bytes, size, &why)) {
            fprintf(stderr, "%s %s\n", path, why);
            return 1;
        }
        for (int64_t at_s = 0; at_s < end_s; at_s = zone_next_change_s(&zone, at_s)) {
            printf("%s %" PRId64 " %" PRId32 "\n", argv[i], at_s, zone_offset_s(&zone, at_s));
        }
        free(bytes);
    }
    return 0;
}

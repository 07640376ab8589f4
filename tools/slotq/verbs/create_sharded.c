/* create_sharded.c: create --shards: one name for many queues of the same sizes (create.h).
 */
#include <inttypes.h>
#include <stdio.h>

#include "create.h"
#include "open.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"

static void print_json(const char *name, bool made, uint32_t count, const slotq_geometry *geometry)
{
    const uint64_t bytes = slotq_geometry_bytes(geometry, NULL);
    const uint64_t slots = geometry->ring_slots - UINT64_C(1);
    output_done(NULL);
    output_json_merged(output_json_queue(name),
                       json_pack("{s:b, s:I, s:I, s:I, s:I, s:I}", "made", made, "shards",
                                 (json_int_t)count, "slots", (json_int_t)(slots * count), "bytes",
                                 (json_int_t)(bytes * count), "shard_slots", (json_int_t)slots,
                                 "shard_bytes", (json_int_t)bytes));
}

static void print_text(const command_line *line, const char *name, bool made, uint32_t count,
                       const slotq_geometry *geometry)
{
    char end[160];
    const uint64_t bytes = slotq_geometry_bytes(geometry, NULL);
    snprintf(end, sizeof end, " in each of %s shard%s; %s", count_text(count).text,
             count == 1 ? "" : "s",
             made ? "they never grow" : "it existed already, with these sizes");
    create_show(line, name, end, "made", made, geometry);
    remark("%s: %s shard%s, %s messages, %s bytes in all%s", name, count_text(count).text,
           count == 1 ? "" : "s", count_text((geometry->ring_slots - UINT64_C(1)) * count).text,
           count_text(bytes * count).text,
           (geometry->flags & SLOTQ_FLAG_KEYS) != 0 ? "; keyed: the number of its shards is fixed"
                                                    : "");
}

int create_sharded(const command_line *line, const slotq_geometry *geometry,
                   const slotq_options *options)
{
    const char *name = line->operands[0];
    const uint32_t count = (uint32_t)line->options[OPTION_SHARDS].number;
    slotq_options to_look = *options;
    slotq_shards before = {0};
    slotq_error error;
    to_look.read_only = true;
    const bool was_there =
        slotq_shards_visit(line->url, name, &to_look, &before, NULL, NULL, &error) == SLOTQ_OK &&
        !before.making;
    if (slotq_shards_create(line->url, name, count, geometry, options, &error) != SLOTQ_OK) {
        return complain_at(line->url, name, &error);
    }
    if (given(line, OPTION_JSON)) {
        print_json(name, !was_there, count, geometry);
    } else {
        print_text(line, name, !was_there, count, geometry);
    }
    return EXIT_CODE_OK;
}

/* resize.c: the command resize: other sizes for a queue that has messages. What is not given stays.
 */
#include <stdio.h>

#include "../line/command_line.h"
#include "create.h"
#include "open.h"
#include "sharded.h"
#include "sizes.h"
#include "../say/report.h"

/* The sizes that the line gives, over those that the queue has. False: it gives none. */
static bool take_sizes(const command_line *line, slotq_geometry *sizes)
{
    sizes->ring_slots = (uint16_t)(option_number(line, OPTION_SLOTS, sizes->ring_slots - 1u) + 1);
    sizes->payload_bytes = (uint16_t)option_number(line, OPTION_PAYLOAD, sizes->payload_bytes);
    sizes->later_slots = (uint16_t)option_number(line, OPTION_LATER, sizes->later_slots);
    sizes->dead_slots = (uint16_t)option_number(line, OPTION_DEAD, sizes->dead_slots);
    sizes->aside_slots = (uint8_t)option_number(line, OPTION_ASIDE, sizes->aside_slots);
    sizes->groups = (uint8_t)option_number(line, OPTION_GROUPS, sizes->groups);
    return given(line, OPTION_SLOTS) || given(line, OPTION_PAYLOAD) || given(line, OPTION_LATER) ||
           given(line, OPTION_DEAD) || given(line, OPTION_ASIDE) || given(line, OPTION_GROUPS);
}

static int complain_resize(const command_line *line, const char *name, const slotq_error *error)
{
    if (error->outcome != SLOTQ_LOCKED) {
        return complain_at(line->url, name, error);
    }
    complain("%s is open in another process: stop its workers and other users first; nothing was "
             "changed",
             name);
    return slotq_outcome_exit(error->outcome);
}

int run_resize(const command_line *line)
{
    const char *name = line->operands[0];
    slotq_error error;
    slotq *queue;
    int code = open_to_look(line, name, &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    slotq_geometry sizes = *slotq_geometry_of(queue);
    const bool is_whole = sharded_is_whole(queue);
    slotq_close(queue); /* a file must not be open */
    if (is_whole) {
        complain("%s is a sharded queue: resize its shards one by one, by their keys: %s; nothing "
                 "was changed",
                 name, shown_command(line, "shards ls", name).text);
        return EXIT_CODE_REFUSED;
    }
    if (!take_sizes(line, &sizes)) {
        complain("give at least one new size: --slots, --payload, --later, --dead, --aside, "
                 "--groups");
        return EXIT_CODE_USAGE;
    }
    code = sizes_judge(line, &sizes, "; nothing was changed");
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (slotq_resize(line->url, name, &sizes, &error) != SLOTQ_OK) {
        return complain_resize(line, name, &error);
    }
    create_show(line, name, "; its messages are as they were", "resized", true, &sizes);
    return EXIT_CODE_OK;
}

/* create.c: the command create: sizes from options, the formula shown with its numbers. Knows
 * what a queue costs, not what is in it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../line/command_line.h"
#include "create.h"
#include "open.h"
#include "sizes.h"
#include "survival.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"

static bool refuses_dead(const command_line *line)
{
    const option_value *how = &line->options[OPTION_DEAD_FULL];
    return how->given && strcmp(how->text, "refuse") == 0;
}

static uint8_t flags_of(const command_line *line)
{
    unsigned flags = 0;
    flags |= given(line, OPTION_OVERWRITE) ? SLOTQ_FLAG_OVERWRITE : 0u;
    flags |= given(line, OPTION_CHECKS) ? SLOTQ_FLAG_CHECKS : 0u;
    flags |= given(line, OPTION_KEYS) ? SLOTQ_FLAG_KEYS : 0u;
    flags |= refuses_dead(line) ? 0u : SLOTQ_FLAG_DEAD_OVERWRITE;
    flags |= given(line, OPTION_NO_STAMPS) ? 0u : SLOTQ_FLAG_STAMPS;
    return (uint8_t)flags;
}

/* A ring of nearly the largest size leaves less room for it. */
static unsigned usual_aside(const command_line *line)
{
    const slotq_geometry usual = SLOTQ_GEOMETRY_DEFAULT;
    const unsigned slots = (unsigned)option_number(line, OPTION_SLOTS, usual.ring_slots - 1u) + 1;
    const unsigned later =
        given(line, OPTION_KEYS) ? (unsigned)option_number(line, OPTION_LATER, 0) : 0u;
    const unsigned most =
        slots + later < SLOTQ_RING_SLOTS_MAX ? (unsigned)SLOTQ_RING_SLOTS_MAX - slots - later : 0u;
    return usual.aside_slots < most ? usual.aside_slots : most;
}

static slotq_geometry geometry_of(const command_line *line)
{
    const slotq_geometry usual = SLOTQ_GEOMETRY_DEFAULT;
    const bool overwrites = given(line, OPTION_OVERWRITE);
    /* the readers of a mailbox are all to look */
    const unsigned places = overwrites ? 0u : usual.places;
    const slotq_geometry geometry = {
        .ring_slots = (uint16_t)(option_number(line, OPTION_SLOTS, usual.ring_slots - 1u) + 1),
        .payload_bytes = (uint16_t)option_number(line, OPTION_PAYLOAD, usual.payload_bytes),
        .later_slots = (uint16_t)option_number(line, OPTION_LATER, usual.later_slots),
        .dead_slots = (uint16_t)option_number(line, OPTION_DEAD, usual.dead_slots),
        .tick_ms = (uint16_t)option_number(line, OPTION_TICK, usual.tick_ms),
        .places = (uint8_t)option_number(line, OPTION_PLACES, places),
        .groups = (uint8_t)option_number(line, OPTION_GROUPS, usual.groups),
        .max_attempts = (uint8_t)option_number(line, OPTION_ATTEMPTS, usual.max_attempts),
        .aside_slots =
            (uint8_t)option_number(line, OPTION_ASIDE, overwrites ? 0u : usual_aside(line)),
        .note_bytes = (uint8_t)option_number(line, OPTION_NOTE_BYTES, usual.note_bytes),
        .flags = flags_of(line)};
    return geometry;
}

/* Dying messages without a dead section are lost: that must be meant. */
static int judge_dead(const command_line *line, const slotq_geometry *geometry)
{
    const bool drops = geometry->dead_slots == 0 && geometry->max_attempts > 0;
    const option_value *how = &line->options[OPTION_DEAD_FULL];
    if (how->given && strcmp(how->text, "overwrite") != 0 && !refuses_dead(line)) {
        complain("--dead-full %s: must be overwrite or refuse", plain_word(how->text).text);
        return EXIT_CODE_USAGE;
    }
    if (drops && !given(line, OPTION_DROP_DEAD)) {
        complain("with --dead 0 a message is lost after %u attempts; confirm this with "
                 "--drop-dead, keep such messages with --dead N, or retry without limit with "
                 "--max-attempts 0",
                 geometry->max_attempts);
        return EXIT_CODE_USAGE;
    }
    if (!drops && given(line, OPTION_DROP_DEAD)) {
        complain("--drop-dead needs --dead 0 and a limit of attempts");
        return EXIT_CODE_USAGE;
    }
    return EXIT_CODE_OK;
}

/* Messages the queue could hold in the same allocation. */
static uint32_t slots_that_fit(const slotq_geometry *geometry, uint64_t allocated)
{
    slotq_geometry larger = *geometry;
    uint32_t least = geometry->ring_slots;
    uint32_t most = SLOTQ_RING_SLOTS_MAX;
    while (least < most) {
        const uint32_t middle = (least + most + 1) / 2;
        larger.ring_slots = (uint16_t)middle;
        const uint64_t bytes = slotq_geometry_bytes(&larger, NULL);
        if (bytes != 0 && bytes <= allocated) {
            least = middle;
        } else {
            most = middle - 1;
        }
    }
    return least - 1;
}

/* What a file takes of its disk. */
static uint64_t allocated_on_disk(const command_line *line, const char *name, uint64_t bytes)
{
    enum { BLOCK_BYTES = 4096 };
    struct stat status;
    char *path = open_path(line->url, name);
    const bool known = path != NULL && stat(path, &status) == 0;
    free(path);
    const uint64_t rounded = (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    return known && (uint64_t)status.st_blocks * 512 > rounded ? (uint64_t)status.st_blocks * 512
                                                               : rounded;
}

/* What a string takes of a server's memory: jemalloc, which Redis comes with, has four sizes to
 * each doubling; the string's own head and end are in it. */
static uint64_t allocated_in_memory(uint64_t bytes)
{
    enum { STRING_HEAD_BYTES = 10, SIZES_TO_A_DOUBLING = 4 };
    const uint64_t wanted = bytes + STRING_HEAD_BYTES;
    uint64_t power = 128;
    while (power * 2 < wanted) {
        power *= 2;
    }
    const uint64_t step = power / SIZES_TO_A_DOUBLING;
    return (wanted + step - 1) / step * step - STRING_HEAD_BYTES;
}

static void print_part(const char *name, const char *formula, uint64_t bytes)
{
    fprintf(stderr, "  %-7s %-38s %11s\n", name, formula, count_text(bytes).text);
}

/* Beside each slot: what finds a message by its key. */
static void print_keys(const slotq_geometry *geometry)
{
    char formula[192];
    char later[64] = "";
    char aside[64] = "";
    if (geometry->later_slots != 0) {
        snprintf(later, sizeof later, " + 16 x %s", count_text(geometry->later_slots).text);
    }
    if (geometry->aside_slots != 0) {
        snprintf(aside, sizeof aside, " + 18 x %u", geometry->aside_slots);
    }
    snprintf(formula, sizeof formula, "12 x %s%s%s", count_text(geometry->ring_slots).text, later,
             aside);
    print_part("keys", formula,
               UINT64_C(12) * geometry->ring_slots + UINT64_C(16) * geometry->later_slots +
                   UINT64_C(18) * geometry->aside_slots);
}

static void print_formula(const slotq_geometry *geometry, uint64_t total)
{
    char slot[64];
    char formula[160];
    uint64_t stride = 2u + geometry->payload_bytes;
    const uint64_t shared = SLOTQ_IMAGE_BYTES(0, 0, 0, 0, 0, 0, 0, 0, 0);
    const uint64_t each = SLOTQ_IMAGE_BYTES(0, 0, 0, 0, 0, 0, 0, 1, 0) - shared;
    const bool stamps = (geometry->flags & SLOTQ_FLAG_STAMPS) != 0;
    const bool checks = (geometry->flags & SLOTQ_FLAG_CHECKS) != 0;
    stride += (stamps ? 4u : 0u) + (checks ? 4u : 0u);
    snprintf(slot, sizeof slot, "(2%s%s + %u)", stamps ? " + 4 stamp" : "",
             checks ? " + 4 check" : "", geometry->payload_bytes);
    snprintf(formula, sizeof formula, "%" PRIu64 " + %" PRIu64 " x %u group%s", shared, each,
             geometry->groups, geometry->groups == 1 ? "" : "s");
    print_part("front", formula, shared + each * geometry->groups);
    snprintf(formula, sizeof formula, "%u group%s x %s slots x 4", geometry->groups,
             geometry->groups == 1 ? "" : "s", count_text(geometry->ring_slots).text);
    print_part("states", formula, UINT64_C(4) * geometry->groups * geometry->ring_slots);
    snprintf(formula, sizeof formula, "%s slots x %s", count_text(geometry->ring_slots).text, slot);
    print_part("ring", formula, stride * geometry->ring_slots);
    if (geometry->flags & SLOTQ_FLAG_KEYS) {
        print_keys(geometry);
    }
    if (geometry->later_slots != 0) {
        snprintf(formula, sizeof formula, "%s x (12 + %s", count_text(geometry->later_slots).text,
                 slot + 1);
        print_part("later", formula, (UINT64_C(12) + stride) * geometry->later_slots);
    }
    if (geometry->aside_slots != 0) {
        snprintf(formula, sizeof formula, "%u x (7 + 4 x %u + %s", geometry->aside_slots,
                 geometry->groups, slot + 1);
        print_part("aside", formula,
                   (7 + UINT64_C(4) * geometry->groups + stride) * geometry->aside_slots);
    }
    if (geometry->dead_slots != 0) {
        char note[24] = "";
        if (geometry->note_bytes > 0) {
            snprintf(note, sizeof note, "%u + ", geometry->note_bytes);
        }
        snprintf(formula, sizeof formula, "%s x (16 + %s%s", count_text(geometry->dead_slots).text,
                 note, slot + 1);
        print_part("dead", formula, (16u + geometry->note_bytes + stride) * geometry->dead_slots);
    }
    if (geometry->places != 0) {
        snprintf(formula, sizeof formula, "(%u + 1) x (2 + 2 x %u)", geometry->groups,
                 geometry->places);
        print_part("places", formula,
                   (geometry->groups + UINT64_C(1)) * (2 + 2u * geometry->places));
    }
    print_part("total", "bytes (one slot always stays empty)", total);
}

static void print_json(const char *name, const char *what, bool done,
                       const slotq_geometry *geometry, uint64_t allocated, uint32_t fit)
{
    output_json_merged(output_json_queue(name),
                       json_pack("{s:b, s:I, s:I, s:I, s:I}", what, done, "slots",
                                 (json_int_t)geometry->ring_slots - 1, "bytes",
                                 (json_int_t)slotq_geometry_bytes(geometry, NULL),
                                 "allocated_bytes", (json_int_t)allocated, "slots_that_fit",
                                 (json_int_t)fit));
}

void create_show(const command_line *line, const char *name, const char *end, const char *what,
                 bool done, const slotq_geometry *geometry)
{
    const uint64_t bytes = slotq_geometry_bytes(geometry, NULL);
    const bool in_memory = open_is_server(line->url);
    const uint64_t allocated =
        in_memory ? allocated_in_memory(bytes) : allocated_on_disk(line, name, bytes);
    const uint32_t fit = slots_that_fit(geometry, allocated);
    if (given(line, OPTION_JSON)) {
        output_done(NULL);
        print_json(name, what, done, geometry, allocated, fit);
        return;
    }
    if (given(line, OPTION_QUIET)) {
        return;
    }
    fprintf(stderr, "%s: %s message%s of up to %s bytes%s\n", plain_word(name).text,
            count_text(geometry->ring_slots - 1u).text, geometry->ring_slots == 2 ? "" : "s",
            count_text(geometry->payload_bytes).text, end);
    print_formula(geometry, bytes);
    if (fit > geometry->ring_slots - 1u) {
        fprintf(stderr, "%s messages would fit in the same %s of %s (--slots %u)\n",
                count_text(fit).text, bytes_text(allocated).text, in_memory ? "memory" : "disk",
                fit);
    }
}

/* Asked before the queue is created; a creator at the same moment does not matter. */
static bool is_there(const command_line *line, const char *name)
{
    slotq *queue;
    if (open_is_server(line->url)) {
        slotq_error error;
        const bool there = open_quietly(line, name, true, &queue, &error) == SLOTQ_OK;
        slotq_close(queue);
        return there;
    }
    char *path = open_path(line->url, name);
    const bool there = path != NULL && access(path, F_OK) == 0;
    free(path);
    return there;
}

static int complain_create(const command_line *line, const char *name, const slotq_geometry *wanted,
                           const slotq_error *error)
{
    slotq *queue;
    slotq_error unseen;
    if (error->outcome == SLOTQ_SHARDED) {
        complain("%s exists as a sharded queue: use it, choose another name, or remove it first: "
                 "%s; nothing was changed",
                 name, shown_command(line, "shards ls", name).text);
        return slotq_outcome_exit(error->outcome);
    }
    if (error->outcome != SLOTQ_EXISTS ||
        open_quietly(line, name, true, &queue, &unseen) != SLOTQ_OK) {
        return complain_at(line->url, name, error);
    }
    const slotq_geometry there = *slotq_geometry_of(queue);
    slotq_close(queue);
    return sizes_complain_other(line, name, wanted, &there);
}

/* Fewer than usual, because the ring leaves no more: not asked for, so it is said. */
static void remark_aside(const command_line *line, const char *name, const slotq_geometry *geometry)
{
    const slotq_geometry usual = SLOTQ_GEOMETRY_DEFAULT;
    if (!given(line, OPTION_ASIDE) && !given(line, OPTION_OVERWRITE) &&
        geometry->aside_slots < usual.aside_slots) {
        remark("%s: --aside is %u, not %u: --slots and --aside%s are at most %s together", name,
               geometry->aside_slots, usual.aside_slots,
               given(line, OPTION_KEYS) ? ", with --keys also --later," : "",
               count_text(SIZES_TOGETHER_MOST).text);
    }
}

static void tell_survival(const command_line *line, bool syncs_always)
{
    slotq_redis_connection *server;
    slotq_error error;
    if (!open_is_server(line->url)) {
        remark("%s", survival_in_file(syncs_always).text);
    } else if (open_server(line, line->operands[0], &server, &error) == SLOTQ_OK) {
        remark("%s", survival_on_server(server).text);
        slotq_redis_close(server);
    }
}

/* What is worth a remark beside the sizes. */
static void tell_created(const command_line *line, const char *name, const slotq_geometry *geometry,
                         const open_settings *settings)
{
    remark_aside(line, name, geometry);
    if (!given(line, OPTION_JSON) && !given(line, OPTION_QUIET)) {
        tell_survival(line, settings->options.sync == SLOTQ_SYNC_ALWAYS);
    }
}

int run_create(const command_line *line)
{
    const char *name = line->operands[0];
    const slotq_geometry geometry = geometry_of(line);
    slotq_error error;
    open_settings settings;
    int code = judge_dead(line, &geometry);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (open_options(line, &settings, &error) != EXIT_CODE_OK) {
        return complain_error(NULL, &error);
    }
    code = sizes_judge(line, &geometry, "");
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (slotq_geometry_bytes(&geometry, &error) == 0) {
        return complain_error(name, &error);
    }
    if (given(line, OPTION_SHARDS)) {
        code = create_sharded(line, &geometry, &settings.options);
        if (code == EXIT_CODE_OK) {
            tell_created(line, name, &geometry, &settings);
        }
        return code;
    }
    const bool was_there = is_there(line, name);
    if (slotq_create(line->url, name, &geometry, &settings.options, &error) != SLOTQ_OK) {
        return complain_create(line, name, &geometry, &error);
    }
    create_show(line, name,
                was_there ? "; it existed already, with these sizes" : "; it never grows", "made",
                !was_there, &geometry);
    tell_created(line, name, &geometry, &settings);
    return EXIT_CODE_OK;
}

int run_rm(const command_line *line)
{
    const char *name = line->operands[0];
    char question[320];
    snprintf(question, sizeof question, "delete %s and all its messages?", name);
    if (!output_confirm(given(line, OPTION_YES), question)) {
        complain("%s was not changed", name);
        return EXIT_CODE_REFUSED;
    }
    slotq_error error;
    const slotq_outcome outcome = slotq_remove_queue(line->url, name, &error);
    if (outcome == SLOTQ_NOQUEUE) {
        if (given(line, OPTION_JSON)) {
            output_json_merged(output_json_queue(name), json_pack("{s:b}", "deleted", 0));
        }
        complain("there is no queue %s in %s", name, shown_url(line->url).text);
        return slotq_outcome_exit(outcome);
    }
    if (outcome != SLOTQ_OK) {
        return complain_at(line->url, name, &error);
    }
    if (given(line, OPTION_JSON)) {
        output_done(NULL);
        output_json_merged(output_json_queue(name), json_pack("{s:b}", "deleted", 1));
    } else {
        remark("deleted %s", name);
    }
    return EXIT_CODE_OK;
}

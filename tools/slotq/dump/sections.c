/* sections.c: what the sections of an opened image hold: where they lie, ranges of messages
 * in equal states, slots, dead messages (dump.h).
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "dump.h"
#include "layout/bytes.h"
#include "layout/fields.h"
#include "layout/front.h"
#include "layout/ring.h"
#include "layout/word.h"
#include "../verbs/look.h"
#include "../say/output.h"
#include "../say/texts.h"

enum { LINES_MOST = 40 }; /* of ranges or dead messages, without --hex */

static void print_section(const dump *dumped, const char *name, uint32_t from, uint32_t end)
{
    if (dumped->json) {
        output_json(json_pack("{s:s, s:I, s:I}", "section", name, "offset", (json_int_t)from,
                              "bytes", (json_int_t)(end - from)));
    } else if (end != from) {
        printf("%9" PRIu32 "  %-17s  %13s bytes\n", from, name, count_text(end - from).text);
    }
}

static void print_sections(const dump *dumped)
{
    const slotq_view *view = &dumped->shown->view;
    dump_heading(dumped, "sections");
    print_section(dumped, "front", 0, view->states_offset);
    print_section(dumped, "states", view->states_offset, view->keys_offset);
    print_section(dumped, "keys", view->keys_offset, view->buckets_offset);
    print_section(dumped, "key buckets", view->buckets_offset, view->ring_offset);
    print_section(dumped, "ring", view->ring_offset, view->ring_end);
    print_section(dumped, "later index", view->later_index_offset, view->later_keys_offset);
    print_section(dumped, "later keys", view->later_keys_offset, view->later_ring_offset);
    print_section(dumped, "later slots", view->later_ring_offset, view->aside_index_offset);
    print_section(dumped, "aside index", view->aside_index_offset, view->aside_words_offset);
    print_section(dumped, "aside words", view->aside_words_offset, view->aside_keys_offset);
    print_section(dumped, "aside keys", view->aside_keys_offset, view->aside_slots_offset);
    print_section(dumped, "aside slots", view->aside_slots_offset, view->dead_offset);
    print_section(dumped, "dead", view->dead_offset, view->image_bytes);
}

/* Messages one after the other with the same word. */
typedef struct range {
    uint64_t first_id;
    uint32_t index;
    uint32_t count;
    uint32_t word;
} range;

static void print_range(const dump *dumped, const group_block *block, const range *run)
{
    char what[80];
    const slotq_view *view = &dumped->shown->view;
    const uint32_t word = run->word;
    if (word_is_done(word)) {
        snprintf(what, sizeof what, "done: %s", why_word((slotq_why)word_bits(word)));
    } else if (word_has_deadline(word)) {
        const uint64_t deadline_ms = word_deadline(word, block->due) * view->geometry.tick_ms;
        snprintf(what, sizeof what, "%s to %.19sZ, attempts %" PRIu32, state_word(word_state(word)),
                 moment_text(deadline_ms).text, word_attempts(word));
    } else {
        snprintf(what, sizeof what, "ready, attempts %" PRIu32, word_attempts(word));
    }
    if (dumped->json) {
        output_json(json_pack("{s:I, s:I, s:I, s:s}", "id", (json_int_t)run->first_id, "count",
                              (json_int_t)run->count, "word", (json_int_t)word, "state", what));
        return;
    }
    printf("%9" PRIu32 "  %-15" PRIu64 " %6" PRIu32 "  %s\n",
           view->states_offset + run->index * WORD_BYTES, run->first_id, run->count, what);
}

/* The state word of a ring index; beyond written it is READY whatever the bytes say. */
static uint32_t word_at(const dump *dumped, uint32_t group, const group_block *block,
                        uint32_t index, uint32_t from_head)
{
    const slotq_view *view = &dumped->shown->view;
    const uint32_t written = ring_distance(block->head, block->written, view->geometry.ring_slots);
    if (from_head >= written) {
        return SLOTQ_STATE_READY;
    }
    return load_u32(view->bytes + word_offset(view, group, index));
}

static void print_states(const dump *dumped, const front_block *front, uint32_t group)
{
    const slotq_view *view = &dumped->shown->view;
    const uint32_t slots = view->geometry.ring_slots;
    group_block block;
    slotq_damage damage;
    if (!front_load_group(view, front, group, &block, &damage)) {
        return;
    }
    const uint32_t span = ring_distance(block.head, front->tail, slots);
    const uint64_t head_id = front->last_id - span + 1;
    char text[64];
    snprintf(text, sizeof text, "messages of group %" PRIu32, group);
    dump_heading(dumped, text);
    if (span == 0 && !dumped->json) {
        puts("           none unfinished");
    } else if (!dumped->json) {
        printf("%s   OFFSET  %-15s %6s  STATE%s\n", output_dim(), "FIRST ID", "COUNT",
               output_plain());
    }
    range run = {.count = 0};
    uint32_t lines = 0;
    for (uint32_t i = 0; i <= span; i++) {
        const uint32_t index = ring_add(block.head, i, slots);
        const uint32_t word = i < span ? word_at(dumped, group, &block, index, i) : 0;
        if (i < span && run.count != 0 && word == run.word) {
            run.count++;
            continue;
        }
        if (run.count != 0 && (lines++ < LINES_MOST || given(dumped->line, OPTION_HEX))) {
            print_range(dumped, &block, &run);
        }
        run = (range){head_id + i, group * slots + index, i < span, word};
    }
    if (lines > LINES_MOST && !given(dumped->line, OPTION_HEX) && !dumped->json) {
        printf("           ... and %" PRIu32 " ranges more (--hex shows all)\n",
               lines - LINES_MOST);
    }
}

static void print_slots(const dump *dumped, const front_block *front)
{
    const slotq_view *view = &dumped->shown->view;
    const uint32_t slots = view->geometry.ring_slots;
    const uint32_t span = ring_distance(front->head, front->tail, slots);
    uint32_t shortest = UINT32_MAX;
    uint32_t longest = 0;
    uint32_t bad = 0;
    uint32_t first_bad = 0;
    for (uint32_t i = 0; i < span; i++) {
        slotq_slot slot;
        const uint32_t offset = slot_offset(view, ring_add(front->head, i, slots));
        if (!slotq_core_slot(view, offset, &slot)) {
            first_bad = bad++ == 0 ? offset : first_bad;
            continue;
        }
        shortest = slot.payload_bytes < shortest ? slot.payload_bytes : shortest;
        longest = slot.payload_bytes > longest ? slot.payload_bytes : longest;
    }
    dump_heading(dumped, "ring slots in use");
    if (dumped->json) {
        output_json(json_pack("{s:I, s:I, s:I}", "slots_in_use", (json_int_t)span,
                              "longest_payload", (json_int_t)longest, "damaged_slots",
                              (json_int_t)bad));
        return;
    }
    printf("%9" PRIu32 "  %" PRIu32 " of %" PRIu32, slot_offset(view, front->head), span,
           slots - 1);
    if (span != bad) {
        printf(", payloads of %" PRIu32 " to %" PRIu32 " bytes", shortest, longest);
    }
    putchar('\n');
    if (bad != 0) {
        printf("%9" PRIu32 "  %s%" PRIu32 " damaged from here on: they die with reason 255%s\n",
               first_bad, output_red(), bad, output_plain());
    }
}

static void print_later_entry(const dump *dumped, uint32_t place)
{
    const slotq_view *view = &dumped->shown->view;
    const uint32_t offset = later_entry_offset(view, place);
    const uint8_t *entry = view->bytes + offset;
    const uint64_t due_ms = load_u48(entry + AT_later_due_ms);
    const uint32_t later_id = load_u32(entry + AT_later_later_id);
    const uint32_t slot = load_u16(entry + AT_later_slot) ^ place;
    const bool is_there = slot < view->geometry.later_slots;
    if (dumped->json) {
        output_json(json_pack("{s:I, s:I, s:I, s:I}", "offset", (json_int_t)offset, "later_id",
                              (json_int_t)later_id, "due_ms", (json_int_t)due_ms, "slot",
                              (json_int_t)slot));
        return;
    }
    printf("%9" PRIu32 "  %-15" PRIu32 "  slot %" PRIu32 ", due %.19sZ%s\n", offset, later_id, slot,
           moment_text(due_ms).text, is_there ? "" : "; slot not below L");
}

/* In the order of the heap; a damaged count was shown with the front. */
static void print_later_entries(const dump *dumped)
{
    const slotq_view *view = &dumped->shown->view;
    const uint32_t stored = load_u16(view->bytes + AT_shared_later_count);
    const uint32_t count =
        stored < view->geometry.later_slots ? stored : view->geometry.later_slots;
    if (view->geometry.later_slots == 0) {
        return;
    }
    dump_heading(dumped, "scheduled");
    if (count == 0 && !dumped->json) {
        puts("           none");
    }
    for (uint32_t i = 0; i < count; i++) {
        if (i >= LINES_MOST && !given(dumped->line, OPTION_HEX) && !dumped->json) {
            printf("           ... and %" PRIu32 " more (--hex shows all)\n", count - i);
            return;
        }
        print_later_entry(dumped, i);
    }
}

/* The state of a message aside in a group. */
static void print_share_aside(const dump *dumped, uint32_t group, uint32_t slot, char *text,
                              size_t size)
{
    const slotq_view *view = &dumped->shown->view;
    const uint32_t word = load_u32(view->bytes + aside_word_offset(view, group, slot));
    const size_t length = strlen(text);
    snprintf(text + length, size - length, "%s%s", group == 0 ? "" : ", ",
             word_is_done(word) ? why_word((slotq_why)word_bits(word))
                                : state_word(word_state(word)));
}

static void print_aside_entries(const dump *dumped, const front_block *front)
{
    const slotq_view *view = &dumped->shown->view;
    if (view->geometry.aside_slots == 0) {
        return;
    }
    dump_heading(dumped, "aside");
    if (front->aside_count == 0 && !dumped->json) {
        puts("           none");
    }
    for (uint32_t i = 0; i < front->aside_count; i++) {
        char states[SLOTQ_GROUPS_MAX * 16] = "";
        const uint32_t offset = aside_entry_offset(view, i);
        const uint64_t id = load_u48(view->bytes + offset + AT_aside_id);
        const uint32_t slot = view->bytes[offset + AT_aside_slot];
        if (slot >= view->geometry.aside_slots) {
            snprintf(states, sizeof states, "not below A");
        }
        for (uint32_t group = 0; slot < view->geometry.aside_slots && group < view->geometry.groups;
             group++) {
            print_share_aside(dumped, group, slot, states, sizeof states);
        }
        if (dumped->json) {
            output_json(json_pack("{s:I, s:I, s:I, s:s}", "offset", (json_int_t)offset, "aside_id",
                                  (json_int_t)id, "slot", (json_int_t)slot, "states", states));
        } else {
            printf("%9" PRIu32 "  %-15" PRIu64 "  slot %" PRIu32 ": %s\n", offset, id, slot,
                   states);
        }
    }
}

/* A message was taken out from between others. */
static void print_hole(const dump *dumped, uint32_t offset)
{
    if (dumped->json) {
        output_json(
            json_pack("{s:I, s:I}", "offset", (json_int_t)offset, "dead_id", (json_int_t)0));
    } else {
        printf("%9" PRIu32 "  hole\n", offset);
    }
}

static void print_dead_entries(const dump *dumped, const front_block *front)
{
    const slotq_view *view = &dumped->shown->view;
    if (view->geometry.dead_slots == 0) {
        return;
    }
    dump_heading(dumped, "dead");
    if (front->dead_count == 0 && !dumped->json) {
        puts("           none");
    }
    const uint32_t span = front->dead_count + front->dead_holes;
    for (uint32_t i = 0; i < span; i++) {
        if (i >= LINES_MOST && !given(dumped->line, OPTION_HEX) && !dumped->json) {
            printf("           ... and %" PRIu32 " more (--hex shows all)\n", span - i);
            return;
        }
        const uint32_t offset =
            dead_entry_offset(view, ring_add(front->dead_head, i, view->geometry.dead_slots));
        const uint8_t *entry = view->bytes + offset;
        const uint64_t id = load_u48(entry + AT_dead_id);
        const uint64_t died_at_ms = load_u48(entry + AT_dead_died_at_ms);
        if (id == 0) {
            print_hole(dumped, offset);
            continue;
        }
        if (dumped->json) {
            output_json(json_pack("{s:I, s:I, s:I, s:i, s:i, s:i}", "offset", (json_int_t)offset,
                                  "dead_id", (json_int_t)id, "died_at_ms", (json_int_t)died_at_ms,
                                  "attempts", entry[AT_dead_attempts], "group",
                                  entry[AT_dead_group], "reason", entry[AT_dead_reason]));
            continue;
        }
        printf("%9" PRIu32 "  %-15" PRIu64 "  %.19sZ, group %u, attempts %u, reason %u\n", offset,
               id, moment_text(died_at_ms).text, entry[AT_dead_group], entry[AT_dead_attempts],
               entry[AT_dead_reason]);
    }
}

void dump_sections(const dump *dumped)
{
    front_block front;
    slotq_damage damage;
    print_sections(dumped);
    if (!front_load(&dumped->shown->view, &front, &damage)) {
        return;
    }
    for (uint32_t group = 0; group < dumped->shown->view.geometry.groups; group++) {
        print_states(dumped, &front, group);
    }
    print_slots(dumped, &front);
    print_later_entries(dumped);
    print_aside_entries(dumped, &front);
    print_dead_entries(dumped, &front);
}

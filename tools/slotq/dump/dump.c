/* dump.c: the command dump: the front field by field with verdicts, raw lines, and the last word.
 * What the sections hold: dump_sections.c.
 */
#include "dump.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "layout/bytes.h"
#include "layout/checksum.h"
#include "layout/fields.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"

typedef enum field_id {
#define SLOTQ_FIELD(part, name, offset, bytes, meaning) FIELD_##part##_##name,
#include "layout/fields.def"
#undef SLOTQ_FIELD
    FIELD_COUNT
} field_id;

typedef struct field_entry {
    const char *part;
    const char *name;
    uint32_t offset;
    uint32_t bytes;
} field_entry;

static const field_entry field_table[FIELD_COUNT] = {
#define SLOTQ_FIELD(part, name, offset, bytes, meaning) {#part, #name, offset, bytes},
#include "layout/fields.def"
#undef SLOTQ_FIELD
};

void dump_heading(const dump *dumped, const char *text)
{
    if (!dumped->json) {
        printf("\n%s%s%s\n", output_bold(), text, output_plain());
    }
}

static uint64_t field_value(const uint8_t *bytes, uint32_t size)
{
    uint64_t value = 0;
    for (uint32_t i = size; i > 0; i--) {
        value = value << 8 | bytes[i - 1];
    }
    return value;
}

static const char *unless(bool good, const char *text)
{
    return good ? NULL : text;
}

static const char *judge_geometry(const dump *dumped, field_id field, uint64_t value)
{
    const uint8_t *bytes = dumped->shown->bytes;
    switch (field) {
    case FIELD_geometry_magic:
        return (value & MAGIC_FAMILY_MASK) != (MAGIC_VERSION_1 & MAGIC_FAMILY_MASK)
                   ? "not SLQ1"
                   : unless(value == MAGIC_VERSION_1, "other version");
    case FIELD_geometry_ring_slots:
        return unless(value >= SLOTQ_RING_SLOTS_MIN, "below 2");
    case FIELD_geometry_payload_bytes:
        return unless(value >= 1, "0");
    case FIELD_geometry_groups:
        return unless(value >= 1 && value <= SLOTQ_GROUPS_MAX, "not 1 to 16");
    case FIELD_geometry_flags:
        return unless(value <= SLOTQ_FLAGS_ALL, "unknown bits");
    case FIELD_geometry_max_attempts:
        return unless(value <= SLOTQ_MAX_ATTEMPTS_MAX, "above 62");
    case FIELD_geometry_aside_slots:
        return value != 0 && (bytes[AT_geometry_flags] & SLOTQ_FLAG_OVERWRITE)
                   ? "not 0 with overwrite"
                   : unless(load_u16(bytes + AT_geometry_ring_slots) + value <=
                                SLOTQ_RING_SLOTS_MAX,
                            "above 65535 - R");
    case FIELD_geometry_generation:
        return unless(value != 0, "0");
    case FIELD_geometry_shard:
        return unless(value == 0 || load_u32(bytes + AT_geometry_set) != 0, "not 0 without a set");
    case FIELD_geometry_tick_ms:
        return unless(value >= 1 && value <= SLOTQ_TICK_MS_MAX, "not 1 to 60000");
    case FIELD_geometry_reserved_38:
        return unless(value == 0, "not 0");
    case FIELD_geometry_geometry_check:
        return unless(value == checksum_xxh32(bytes + GEOMETRY_CHECK_FROM, GEOMETRY_CHECK_BYTES),
                      "no match");
    default:
        return NULL;
    }
}

static const char *judge_field(const dump *dumped, field_id field, uint64_t value)
{
    const uint8_t *bytes = dumped->shown->bytes;
    const uint64_t slots = load_u16(bytes + AT_geometry_ring_slots);
    const uint64_t dead_slots = load_u16(bytes + AT_geometry_dead_slots);
    switch (field) {
    case FIELD_header_head:
    case FIELD_header_tail:
    case FIELD_group_head:
    case FIELD_group_cursor:
    case FIELD_group_retry_from:
    case FIELD_group_written:
        return unless(value < slots, "not below R");
    case FIELD_group_sweep:
        return unless(value < slots || value == SWEEP_NONE, "not below R");
    case FIELD_group_ready_behind:
    case FIELD_group_leased:
    case FIELD_group_waiting:
        return unless(value < slots + bytes[AT_geometry_aside_slots], "above R - 1 + A");
    case FIELD_shared_dead_head:
        return unless(value == 0 || value < dead_slots, "not below D");
    case FIELD_shared_dead_count:
        return unless(value <= dead_slots, "above D");
    case FIELD_shared_dead_holes:
        return unless(value + load_u16(bytes + AT_shared_dead_count) <= dead_slots, "above D");
    case FIELD_shared_later_count:
        return unless(value <= load_u16(bytes + AT_geometry_later_slots), "above L");
    case FIELD_shared_paused:
        return unless(value <= SLOTQ_PAUSE_ALL, "unknown bits");
    case FIELD_shared_aside_count:
        return unless(value <= bytes[AT_geometry_aside_slots], "above A");
    case FIELD_shared_reserved_78:
        return unless(value == 0, "not 0");
    case FIELD_limit_rate_tat_us:
        return unless(value <= 999, "above 999");
    case FIELD_limit_max_leased:
    case FIELD_limit_rate_burst:
    case FIELD_limit_rate_interval:
    case FIELD_limit_rate_tat_ms:
    case FIELD_shared_era: /* one crossing behind is legal: the next write mends it */
        return NULL;
    default:
        return judge_geometry(dumped, field, value);
    }
}

static void value_words(field_id field, uint64_t value, char *text, size_t size)
{
    if (field == FIELD_geometry_magic) {
        for (int i = 0; i < 4; i++) {
            const char letter = (char)(value >> (8 * i) & 0x7F);
            text[i] = letter >= ' ' && letter < 0x7F ? letter : '?';
        }
        text[4] = '\0';
    } else if ((field_table[field].bytes == 6 && value == DUE_NONE) ||
               (field == FIELD_group_sweep && value == SWEEP_NONE)) {
        snprintf(text, size, "none");
    } else if (field == FIELD_geometry_geometry_check) {
        snprintf(text, size, "0x%08" PRIx64, value);
    } else {
        snprintf(text, size, "%" PRIu64, value);
    }
}

/* One row. base: offset of the part's block in the image. */
static void print_field(const dump *dumped, field_id field, uint32_t base)
{
    const field_entry *entry = &field_table[field];
    const image *shown = dumped->shown;
    const uint64_t offset = (uint64_t)base + entry->offset;
    if (offset + entry->bytes > shown->size) {
        return;
    }
    char hex[24] = "";
    char words[24];
    for (uint32_t i = 0; i < entry->bytes; i++) {
        snprintf(hex + 3 * i, sizeof hex - 3 * i, "%02x%s", shown->bytes[offset + i],
                 i + 1 < entry->bytes ? " " : "");
    }
    const uint64_t value = field_value(shown->bytes + offset, entry->bytes);
    const char *verdict = judge_field(dumped, field, value);
    const slotq_damage *damage = &shown->damage;
    const bool here =
        damage->what != NULL && damage->offset >= offset && damage->offset < offset + entry->bytes;
    value_words(field, value, words, sizeof words);
    if (dumped->json) {
        output_json(json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "offset", (json_int_t)offset,
                              "bytes", hex, "part", entry->part, "field", entry->name, "value",
                              words, "verdict",
                              here      ? damage->what
                              : verdict ? verdict
                                        : "ok"));
        return;
    }
    const bool bad = verdict != NULL || here;
    printf("%9" PRIu64 "  %-17s  %-14s  %-15s  %s%s%s\n", offset, hex, entry->name, words,
           bad ? output_red() : output_green(),
           verdict != NULL ? verdict
           : here          ? "BAD"
                           : "ok",
           output_plain());
    if (here) {
        printf("           %s^ %s%s\n", output_red(), damage->what, output_plain());
    }
}

static void print_part(const dump *dumped, const char *part, uint32_t base)
{
    for (int i = 0; i < FIELD_COUNT; i++) {
        if (strcmp(field_table[i].part, part) == 0) {
            print_field(dumped, (field_id)i, base);
        }
    }
}

void dump_front(const dump *dumped)
{
    const image *shown = dumped->shown;
    if (!dumped->json) {
        printf("%s   OFFSET  %-17s  %-14s  %-15s  %s%s\n", output_bold(), "BYTES", "FIELD", "VALUE",
               "VERDICT", output_plain());
    }
    if (shown->size < GROUPS_OFFSET) {
        return; /* not even the fixed part: --hex shows what is there */
    }
    dump_heading(dumped, "header");
    print_part(dumped, "header", 0);
    dump_heading(dumped, "geometry");
    print_part(dumped, "geometry", 0);
    dump_heading(dumped, "shared");
    print_part(dumped, "shared", 0);
    const uint32_t groups = shown->bytes[AT_geometry_groups];
    for (uint32_t group = 0; group < groups && group < SLOTQ_GROUPS_MAX; group++) {
        char text[32];
        snprintf(text, sizeof text, "group %" PRIu32, group);
        dump_heading(dumped, text);
        print_part(dumped, "group", group_offset(group));
        print_part(dumped, "limit", group_offset(group));
    }
}

void dump_raw(const dump *dumped)
{
    enum { PER_LINE = 16 };
    const image *shown = dumped->shown;
    bool left_out = false;
    dump_heading(dumped, "raw bytes");
    for (uint64_t at = 0; at < shown->size; at += PER_LINE) {
        const uint64_t left = shown->size - at;
        const uint32_t count = left < PER_LINE ? (uint32_t)left : PER_LINE;
        if (at != 0 && count == PER_LINE &&
            memcmp(shown->bytes + at, shown->bytes + at - PER_LINE, PER_LINE) == 0) {
            if (!left_out) {
                puts("        *");
            }
            left_out = true;
            continue;
        }
        left_out = false;
        printf("%9" PRIu64 " ", at);
        for (uint32_t i = 0; i < PER_LINE; i++) {
            if (i < count) {
                printf(" %02x", shown->bytes[at + i]);
            } else {
                fputs("   ", stdout);
            }
        }
        fputs("  ", stdout);
        for (uint32_t i = 0; i < count; i++) {
            const uint8_t byte = shown->bytes[at + i];
            putchar(byte >= ' ' && byte < 0x7F ? byte : '.');
        }
        putchar('\n');
    }
}

static void print_verdict(const dump *dumped)
{
    const image *shown = dumped->shown;
    const slotq_damage *damage = &shown->damage;
    if (dumped->json) {
        output_json(json_pack(
            "{s:s, s:I, s:s}", "verdict", damage->what == NULL ? "sound" : "damaged", "offset",
            (json_int_t)damage->offset, "what", damage->what == NULL ? "" : damage->what));
    } else if (damage->what == NULL) {
        printf("\n%ssound:%s %s bytes, every rule of the format holds\n", output_green(),
               output_plain(), count_text(shown->size).text);
    } else {
        printf("\n%sdamaged%s at offset %" PRIu64 " of %" PRIu64 ":\n  %s\n", output_red(),
               output_plain(), damage->offset, shown->size, damage->what);
    }
}

int run_dump(const command_line *line)
{
    image shown;
    const int code = image_load(line, line->operands[0], &shown);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    const dump dumped = {line, &shown, given(line, OPTION_JSON)};
    if (shown.is_descriptor) {
        dump_descriptor(&dumped);
    } else {
        dump_front(&dumped);
    }
    if (shown.opened) {
        dump_sections(&dumped);
    }
    if (given(line, OPTION_HEX) && !dumped.json) {
        dump_raw(&dumped);
    }
    print_verdict(&dumped);
    const int answer = slotq_outcome_exit(shown.outcome);
    image_free(&shown);
    return answer;
}

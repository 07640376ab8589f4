/* descriptor.c: the descriptor of a sharded queue, field by field, for the command dump (dump.h).
 * Offsets: SHARDS.md, "The descriptor".
 */
#include "dump.h"

#include <inttypes.h>
#include <stdio.h>

#include "layout/bytes.h"
#include "layout/fields.h"
#include "../say/output.h"
#include "../say/texts.h"
#include "../verbs/sharded.h"

enum { HEAD_BYTES = 32, ENTRY_BYTES = 12, AT_MAGIC = 8, AT_CHECK = 24 };

typedef struct descriptor_field {
    const char *name;
    uint32_t offset;
    uint32_t bytes;
} descriptor_field;

static const descriptor_field head_fields[] = {
    {"zero", 0, 8},   {"magic", 8, 4},    {"revision", 12, 4},
    {"set", 16, 4},   {"entries", 20, 2}, {"groups", 22, 1},
    {"flags", 23, 1}, {"check", 24, 4},   {"reserved", 28, 4}};
static const descriptor_field entry_fields[] = {
    {"state", 0, 1}, {"reserved", 1, 1}, {"k", 2, 4}, {"x", 6, 6}};

static uint64_t value_at(const image *shown, uint64_t offset, uint32_t bytes)
{
    uint64_t value = 0;
    for (uint32_t i = bytes; i > 0; i--) {
        value = value << 8 | shown->bytes[offset + i - 1];
    }
    return value;
}

static void value_words(const descriptor_field *field, bool in_head, uint64_t value, char *text,
                        size_t size)
{
    if (in_head && field->offset == AT_MAGIC) {
        snprintf(text, size, "%s", value == MAGIC_SHARDED ? "SLQS" : "?");
    } else if (in_head && field->offset == AT_CHECK) {
        snprintf(text, size, "0x%08" PRIx64, value);
    } else if (!in_head && field->offset == 0 && value <= SLOTQ_SHARD_MAKING) {
        snprintf(text, size, "%s", shard_state_word((slotq_shard_state)value));
    } else {
        snprintf(text, size, "%" PRIu64, value);
    }
}

static void print_field(const dump *dumped, const char *part, const descriptor_field *field,
                        uint64_t base)
{
    const image *shown = dumped->shown;
    const slotq_damage *damage = &shown->damage;
    const uint64_t offset = base + field->offset;
    char hex[24] = "";
    char words[24];
    if (offset + field->bytes > shown->size) {
        return;
    }
    for (uint32_t i = 0; i < field->bytes; i++) {
        snprintf(hex + 3 * (size_t)i, sizeof hex - 3 * (size_t)i, "%02x%s",
                 shown->bytes[offset + i], i + 1 < field->bytes ? " " : "");
    }
    const uint64_t value = value_at(shown, offset, field->bytes);
    const bool bad =
        damage->what != NULL && damage->offset >= offset && damage->offset < offset + field->bytes;
    value_words(field, base == 0, value, words, sizeof words);
    if (dumped->json) {
        output_json(json_pack("{s:I, s:s, s:s, s:s, s:s, s:s}", "offset", (json_int_t)offset,
                              "bytes", hex, "part", part, "field", field->name, "value", words,
                              "verdict", bad ? damage->what : "ok"));
        return;
    }
    printf("%9" PRIu64 "  %-23s  %-14s  %-15s  %s%s%s\n", offset, hex, field->name, words,
           bad ? output_red() : output_green(), bad ? "BAD" : "ok", output_plain());
}

void dump_descriptor(const dump *dumped)
{
    const image *shown = dumped->shown;
    if (!dumped->json) {
        printf("%s   OFFSET  %-23s  %-14s  %-15s  %s%s\n", output_bold(), "BYTES", "FIELD", "VALUE",
               "VERDICT", output_plain());
    }
    dump_heading(dumped, "descriptor of a sharded queue");
    for (size_t i = 0; i < sizeof head_fields / sizeof head_fields[0]; i++) {
        print_field(dumped, "descriptor", &head_fields[i], 0);
    }
    for (uint64_t base = HEAD_BYTES, index = 0; base < shown->size; base += ENTRY_BYTES, index++) {
        char part[32];
        snprintf(part, sizeof part, "shard %" PRIu64, index);
        dump_heading(dumped, part);
        for (size_t i = 0; i < sizeof entry_fields / sizeof entry_fields[0]; i++) {
            print_field(dumped, part, &entry_fields[i], base);
        }
    }
}

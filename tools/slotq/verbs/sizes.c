/* sizes.c: see sizes.h.
 */
#include "sizes.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "open.h"
#include "../say/report.h"
#include "../say/texts.h"

/* ---- sizes that do not go together ---- */

static int complain_together(const slotq_geometry *sizes, const char *end)
{
    const bool has_keys = (sizes->flags & SLOTQ_FLAG_KEYS) != 0;
    char later[64] = "";
    if (has_keys) {
        snprintf(later, sizeof later, " and --later %u", sizes->later_slots);
    }
    complain("--slots %u%s --aside %u%s are too many: together %s at most%s; give smaller ones%s",
             sizes->ring_slots - 1u, has_keys ? "," : " and", sizes->aside_slots, later,
             count_text(SIZES_TOGETHER_MOST).text, has_keys ? " in a queue with --keys" : "", end);
    return EXIT_CODE_USAGE;
}

int sizes_judge(const command_line *line, const slotq_geometry *sizes, const char *end)
{
    const uint32_t later = (sizes->flags & SLOTQ_FLAG_KEYS) != 0 ? sizes->later_slots : 0;
    const bool overwrites = (sizes->flags & SLOTQ_FLAG_OVERWRITE) != 0;
    if (overwrites && sizes->aside_slots != 0) {
        complain("--aside %u is not for a queue with --overwrite: it drops its oldest messages, "
                 "and none steps aside%s",
                 sizes->aside_slots, end);
        return EXIT_CODE_USAGE;
    }
    if (overwrites && sizes->places != 0 && given(line, OPTION_PLACES)) {
        complain("--places %u is not for a queue with --overwrite: a wake-up there is for all%s",
                 sizes->places, end);
        return EXIT_CODE_USAGE;
    }
    if (sizes->ring_slots - UINT32_C(1) + sizes->aside_slots + later > SIZES_TOGETHER_MOST) {
        return complain_together(sizes, end);
    }
    return EXIT_CODE_OK;
}

/* ---- sizes that differ ---- */

/* What differs, as words; and what resize would be given. */
typedef struct differing {
    char words[512];
    char options[192];
    bool is_fixed; /* something that resize does not change */
} differing;

__attribute__((format(printf, 3, 4))) static void append(char *text, size_t size,
                                                         const char *format, ...)
{
    const size_t used = strlen(text);
    va_list values;
    va_start(values, format);
    vsnprintf(text + used, size - used, format, values);
    va_end(values);
}

static void compare(differing *all, int option, uint32_t wanted, uint32_t there, bool is_fixed)
{
    const char *name = option_table[option].name;
    if (wanted == there) {
        return;
    }
    append(all->words, sizeof all->words, "%s--%s %u instead of %u",
           all->words[0] != '\0' ? ", " : "", name, there, wanted);
    append(all->options, sizeof all->options, " --%s %u", name, wanted);
    all->is_fixed = all->is_fixed || is_fixed;
}

static void compare_flag(differing *all, const slotq_geometry *wanted, const slotq_geometry *there,
                         uint8_t flag, const char *set, const char *unset)
{
    if (((wanted->flags ^ there->flags) & flag) == 0) {
        return;
    }
    append(all->words, sizeof all->words, "%s%s", all->words[0] != '\0' ? ", " : "",
           (there->flags & flag) != 0 ? set : unset);
    all->is_fixed = true;
}

int sizes_complain_other(const command_line *line, const char *name, const slotq_geometry *wanted,
                         const slotq_geometry *there)
{
    differing all = {.is_fixed = false};
    compare(&all, OPTION_SLOTS, wanted->ring_slots - 1u, there->ring_slots - 1u, false);
    compare(&all, OPTION_PAYLOAD, wanted->payload_bytes, there->payload_bytes, false);
    compare(&all, OPTION_ASIDE, wanted->aside_slots, there->aside_slots, false);
    compare(&all, OPTION_LATER, wanted->later_slots, there->later_slots, false);
    compare(&all, OPTION_DEAD, wanted->dead_slots, there->dead_slots, false);
    compare(&all, OPTION_GROUPS, wanted->groups, there->groups, wanted->groups < there->groups);
    compare(&all, OPTION_ATTEMPTS, wanted->max_attempts, there->max_attempts, true);
    compare(&all, OPTION_TICK, wanted->tick_ms, there->tick_ms, true);
    compare(&all, OPTION_PLACES, wanted->places, there->places, true);
    compare(&all, OPTION_NOTE_BYTES, wanted->note_bytes, there->note_bytes, true);
    compare_flag(&all, wanted, there, SLOTQ_FLAG_OVERWRITE, "--overwrite", "no --overwrite");
    compare_flag(&all, wanted, there, SLOTQ_FLAG_CHECKS, "--checks", "no --checks");
    compare_flag(&all, wanted, there, SLOTQ_FLAG_KEYS, "--keys", "no --keys");
    compare_flag(&all, wanted, there, SLOTQ_FLAG_STAMPS, "push times", "--no-stamps");
    compare_flag(&all, wanted, there, SLOTQ_FLAG_DEAD_OVERWRITE, "--dead-full overwrite",
                 "--dead-full refuse");
    if (all.is_fixed) {
        complain("%s exists with another geometry: it has %s. Use it, choose another name, or "
                 "remove it first",
                 name, all.words);
    } else {
        complain("%s exists with another geometry: it has %s. Use it, or give it the other sizes: "
                 "%s%s",
                 name, all.words, shown_command(line, "resize", name).text, all.options);
    }
    return slotq_outcome_exit(SLOTQ_EXISTS);
}

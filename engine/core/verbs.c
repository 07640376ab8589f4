/* verbs.c: the table from verb to function, from verbs.def, and the check of now for all verbs.
 */
#include "verbs.h"

#include "plain.h"
#include "wakes.h"

static const struct verb_facts {
    const char *name;
    verb_step *step;
} verbs[SLOTQ_VERB_COUNT] = {
#define SLOTQ_VERB(NAME, number, name, effect, repeat, script, step) [number] = {#name, step},
#include "../verbs.def"
#undef SLOTQ_VERB
};

/* A bit for each verb: a column of the table would cost a device 200 bytes. */
enum { EFFECT_WRITES, EFFECT_READS, REPEAT_ONCE = 0, REPEAT_TWICE };
#define SLOTQ_VERB(NAME, number, name, effect, repeat, script, step)                               \
    | (uint32_t)EFFECT_##effect << (number)
static const uint32_t verbs_that_read = 0
#include "../verbs.def"
    ;
#undef SLOTQ_VERB
#define SLOTQ_VERB(NAME, number, name, effect, repeat, script, step)                               \
    | (uint32_t)REPEAT_##repeat << (number)
static const uint32_t verbs_that_repeat = 0
#include "../verbs.def"
    ;
#undef SLOTQ_VERB

/* A missing or repeated verb would leave a hole in the table. */
#define SLOTQ_VERB(NAME, number, name, effect, repeat, script, step) +1
_Static_assert(SLOTQ_VERB_COUNT <= 32, "a verb has a bit of verbs_that_read");
_Static_assert(0
#include "../verbs.def"
                   == SLOTQ_VERB_COUNT,
               "verbs.def numbers its verbs from 0 on, each once");
#undef SLOTQ_VERB

static bool is_verb(slotq_verb verb)
{
    return (uint32_t)verb < SLOTQ_VERB_COUNT;
}

const char *slotq_core_verb_name(slotq_verb verb)
{
    return is_verb(verb) ? verbs[verb].name : "?";
}

bool slotq_core_verb_only_reads(slotq_verb verb)
{
    return is_verb(verb) && (verbs_that_read >> verb & 1) != 0;
}

bool slotq_core_verb_may_repeat(slotq_verb verb)
{
    return is_verb(verb) && (verbs_that_repeat >> verb & 1) != 0;
}

slotq_outcome verbs_whole_step(const slotq_view *view, slotq_call *call, slotq_step *step)
{
    verb_frame frame;
    if (!frame_begin(&frame, view, call, step)) {
        return SLOTQ_CORRUPT;
    }
    const slotq_outcome outcome = verbs[call->verb].step(&frame);
    wakes_owe(&frame, step->wake_groups, step->wake_messages);
    return outcome;
}

slotq_outcome slotq_core_step(const slotq_view *view, slotq_call *call, slotq_step *step)
{
    if (!is_verb(call->verb) || call->now_ms > SLOTQ_NOW_MS_MAX) {
        step_begin(step);
        return SLOTQ_INVALID;
    }
#ifdef SLOTQ_NO_KEYS
    if ((view->geometry.flags & SLOTQ_FLAG_KEYS) && !slotq_core_verb_only_reads(call->verb)) {
        step_begin(step);
        return SLOTQ_UNSUPPORTED;
    }
#endif
    if (call->progress.phase == 0 && plain_step(view, call, step)) {
        return SLOTQ_OK;
    }
    return verbs_whole_step(view, call, step);
}

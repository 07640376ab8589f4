/* outcome.c: names, texts and exit codes of outcomes, all from errors.def.
 */
#include "../slotq.h"

enum {
#define SLOTQ_EXIT(name, number, text) CODE_##name = (number),
#include "../errors.def"
#undef SLOTQ_EXIT
};

typedef struct known_outcome {
    const char *name;
    const char *text;
    slotq_outcome outcome;
    int exit_code;
} known_outcome;

static const known_outcome known[] = {
#define SLOTQ_CODE(name, number, kind, exit_code, text)                                            \
    {#name, text, SLOTQ_##name, CODE_##exit_code},
#include "../errors.def"
#undef SLOTQ_CODE
};

static const known_outcome *find(slotq_outcome outcome)
{
    static const known_outcome none = {"?", "unknown outcome", SLOTQ_MORE, CODE_FAILURE};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (known[i].outcome == outcome) {
            return &known[i];
        }
    }
    return &none;
}

const char *slotq_outcome_name(slotq_outcome outcome)
{
    return find(outcome)->name;
}

const char *slotq_outcome_text(slotq_outcome outcome)
{
    return find(outcome)->text;
}

int slotq_outcome_exit(slotq_outcome outcome)
{
    return find(outcome)->exit_code;
}

const char *slotq_version(void)
{
    return SLOTQ_VERSION_TEXT;
}

/* info.c: see info.h. The layouts of the structs are part of the server's interface for modules.
 */
#include "info.h"

#include <string.h>

#include "../slotq.h"

enum {
    WORDS_MAX = 24,
    TEXT_BYTES = 512,
    KEY_READS = 1 | 16,       /* RO, ACCESS */
    KEY_WRITES = 2 | 16 | 32, /* RW, ACCESS, UPDATE */
    SEARCH_INDEX = 2,         /* the key is the word of a number */
    FIND_RANGE = 2,           /* and those behind it, here none */
    TYPE_STRING = 0,
    TYPE_KEY = 3,
    IS_OPTIONAL = 1,
    IS_MULTIPLE = 2,
    INFO_VERSION = 1,
    VALUES_BEFORE = 1 /* the command, before its keys */
};

typedef struct info_history {
    const char *since;
    const char *changes;
} info_history;

typedef struct info_key {
    const char *notes;
    uint64_t flags;
    int search; /* how the first key is found */
    union {
        struct {
            int position;
        } index;
        struct {
            const char *keyword;
            int from;
        } keyword;
    } begin;
    int find; /* and the others */
    union {
        struct {
            int last;
            int step;
            int limit;
        } range;
        struct {
            int number_at;
            int first;
            int step;
        } counted;
    } others;
} info_key;

typedef struct info_word {
    const char *name;
    int type;
    int key; /* the number of its info_key, or -1 */
    const char *token;
    const char *summary;
    const char *since;
    int flags;
    const char *deprecated_since;
    struct info_word *parts;
    const char *shown;
} info_word;

typedef struct info_version {
    int version;
    size_t history_bytes;
    size_t key_bytes;
    size_t word_bytes;
} info_version;

struct server_command_info {
    const info_version *version;
    const char *summary;
    const char *complexity;
    const char *since;
    info_history *history;
    const char *tips;
    int arity;
    info_key *keys;
    info_word *words;
};

static const info_version version = {INFO_VERSION, sizeof(info_history), sizeof(info_key),
                                     sizeof(info_word)};

/* ---- words ---- */

/* Divide the words of a command, as its usage has them: [a] is optional, … repeats those before. */
static void put_words(info_word *words, char *usage, uint32_t keys)
{
    uint32_t count = 0;
    bool optional = false;
    words[count++] = (info_word){.name = keys == 2 ? "source" : "key", .type = TYPE_KEY, .key = 0};
    if (keys == 2) {
        words[count++] = (info_word){.name = "target", .type = TYPE_KEY, .key = 0};
    }
    for (char *rest = NULL, *word = strtok_r(usage, " ", &rest);
         word != NULL && count + 1 < WORDS_MAX; word = strtok_r(NULL, " ", &rest)) {
        const size_t quotes = strspn(word, "['");
        optional = optional || word[0] == '[';
        word += quotes;
        word[strcspn(word, "]'")] = '\0';
        if (strcmp(word, "...") == 0) {
            words[count - 1].flags |= IS_MULTIPLE;
            continue;
        }
        words[count++] = (info_word){
            .name = word, .type = TYPE_STRING, .key = -1, .flags = optional ? IS_OPTIONAL : 0};
    }
    words[count].name = NULL; /* the end */
}

/* ---- telling ---- */

static void tell(server_command *known, const module_command *command, bool is_script)
{
    static info_word words[WORDS_MAX];
    static char usage[TEXT_BYTES];
    info_key keys[] = {
        {.flags = command->reads ? KEY_READS : KEY_WRITES,
         .search = SEARCH_INDEX,
         .begin.index.position = 1,
         .find = FIND_RANGE,
         .others.range = {(int)command->keys - 1, 1, 0}},
        {0}, /* the end */
    };
    /* in the form of a script the words are refused as there, and in its texts */
    const int arity =
        VALUES_BEFORE + (int)command->keys + (is_script ? 0 : (int)command->least - 1);
    const server_command_info info = {
        .version = &version,
        .summary = command->about,
        .complexity = "O(n) of the messages that it names or moves",
        .since = SLOTQ_VERSION_TEXT,
        .arity = command->least == command->most && !is_script ? arity : -arity,
        .keys = keys,
        .words = words,
    };
    strncpy(usage, call_usage(command, is_script), sizeof usage - 1);
    memset(words, 0, sizeof words);
    put_words(words, usage, command->keys);
    server.SetCommandInfo(known, &info);
}

void info_begin(server_context *context)
{
    if (server.AddACLCategory != NULL) {
        server.AddACLCategory(context, "slotq");
    }
}

void info_name(server_context *context, const char *name)
{
    server_command *known = server.GetCommand != NULL ? server.GetCommand(context, name) : NULL;
    if (known != NULL && server.SetCommandACLCategories != NULL && server.AddACLCategory != NULL) {
        server.SetCommandACLCategories(known, "slotq");
    }
}

void info_tell(server_context *context, const char *name, const module_command *command,
               bool is_script)
{
    server_command *known = server.GetCommand != NULL ? server.GetCommand(context, name) : NULL;
    if (known == NULL) {
        return;
    }
    if (server.SetCommandInfo != NULL) {
        tell(known, command, is_script);
    }
    info_name(context, name);
}

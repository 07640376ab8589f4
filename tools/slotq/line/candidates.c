/* candidates.c: see candidates.h. What an operand is, is read from its word in the table: QUEUE,
 * ls|redrive, COMMAND.
 */
#include "candidates.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "slotq.h"
#include "slotq_shards.h"

/* The words of options that have a few. */
static const struct {
    int option;
    const char *words;
} option_words[] = {{OPTION_SYNC, "os|always"},
                    {OPTION_OUTPUT, "line|group|none"},
                    {OPTION_DEAD_FULL, "overwrite|refuse"}};

/* The command line so far. */
typedef struct so_far {
    const command_entry *command; /* NULL: none yet */
    const char *url;              /* where the queues are … */
    const char *to_url;           /* … and QUEUE2; NULL: at the same place */
    int operands;                 /* before the last word */
    int pending;                  /* the option whose value the last word is; -1: none */
    bool dashed;                  /* behind "--" */
} so_far;

static int find_option(const char *word)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        const char letter[] = {'-', option_table[i].letter, '\0'};
        if ((strncmp(word, "--", 2) == 0 && strcmp(word + 2, option_table[i].name) == 0) ||
            (letter[1] != '\0' && strcmp(word, letter) == 0)) {
            return i;
        }
    }
    return -1;
}

static void take_value(so_far *line, int option, const char *value)
{
    if (option == OPTION_URL) {
        line->url = value;
    } else if (option == OPTION_TO_URL) {
        line->to_url = value;
    }
}

static void take_operand(so_far *line, const char *word)
{
    if (line->command == NULL) {
        line->command = command_find(word);
    } else {
        line->operands++;
    }
}

static so_far read_words(int count, char **words)
{
    so_far line = {.url = getenv("SLOTQ_URL"), .pending = -1};
    for (int i = 0; i + 1 < count; i++) {
        const char *word = words[i];
        if (line.pending >= 0) {
            take_value(&line, line.pending, word);
            line.pending = -1;
        } else if (line.dashed || word[0] != '-' || word[1] == '\0') {
            take_operand(&line, word);
        } else if (strcmp(word, "--") == 0) {
            line.dashed = true;
        } else {
            const int option = find_option(word);
            line.pending = option >= 0 && option_table[option].kind != KIND_FLAG ? option : -1;
        }
    }
    if (line.url == NULL || line.url[0] == '\0') {
        line.url = ".";
    }
    return line;
}

/* A word that begins as the last one does. A newline in it would be two. */
static void offer(const char *begin, const char *prefix, const char *word, const char *meaning)
{
    if (strncmp(word, begin, strlen(begin)) == 0 && strpbrk(word, "\n\t") == NULL) {
        printf("%s%s%s%s\n", prefix, word, meaning[0] != '\0' ? "\t" : "", meaning);
    }
}

/* "a|b", of `bytes` bytes. */
static void offer_words(const char *begin, const char *prefix, const char *words, size_t bytes)
{
    for (const char *end = words + bytes; words < end;) {
        char word[32];
        const size_t length = strcspn(words, "|");
        const size_t taken = length < (size_t)(end - words) ? length : (size_t)(end - words);
        snprintf(word, sizeof word, "%.*s", (int)taken, words);
        offer(begin, prefix, word, "");
        words += taken + 1;
    }
}

static void offer_commands(const char *begin)
{
    for (int i = 0; i < command_count; i++) {
        offer(begin, "", command_table[i].name, command_table[i].summary);
    }
}

static void offer_options(const so_far *line, const char *begin)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        const bool fits =
            line->command != NULL ? command_takes(line->command, i) : option_is_common(i);
        char word[64];
        snprintf(word, sizeof word, "--%s", option_table[i].name);
        if (fits) {
            offer(begin, "", word,
                  line->command != NULL ? command_option_help(line->command, (option_id)i)
                                        : option_table[i].help);
        }
    }
}

/* ---- queues ---- */

typedef struct names {
    const char *begin;
    const char *prefix;
} names;

static bool offer_name(void *context, const char *name)
{
    const names *of = context;
    offer(of->begin, of->prefix, name, "");
    return true;
}

static bool offer_shard(void *context, const slotq_shard *shard)
{
    return offer_name(context, shard->key);
}

/* A shard is offered once its number is begun. */
static void offer_queues(const char *url, const char *begin, const char *prefix)
{
    names of = {begin, prefix};
    const char *brace = strchr(begin, '{');
    char name[256]; /* no queue has a longer one */
    if (brace == NULL) {
        (void)slotq_list(url, offer_name, &of, NULL);
    } else if ((size_t)(brace - begin) < sizeof name) {
        snprintf(name, sizeof name, "%.*s", (int)(brace - begin), begin);
        (void)slotq_shards_visit(url, name, NULL, NULL, offer_shard, &of, NULL);
    }
}

/* ---- what it is ---- */

static void offer_value(const so_far *line, int option, const char *begin, const char *prefix)
{
    if (option == OPTION_URL || option == OPTION_TO_URL) {
        puts(":folders");
    } else if (option == OPTION_TO) {
        offer_queues(line->to_url != NULL ? line->to_url : line->url, begin, prefix);
    }
    for (size_t i = 0; i < sizeof option_words / sizeof option_words[0]; i++) {
        if (option_words[i].option == option) {
            offer_words(begin, prefix, option_words[i].words, strlen(option_words[i].words));
        }
    }
}

/* --to=QUEUE2. false: it has another form. */
static bool offer_joined_value(const so_far *line, const char *word)
{
    char name[64];
    char prefix[72];
    const char *equals = strchr(word, '=');
    if (strncmp(word, "--", 2) != 0 || equals == NULL) {
        return false;
    }
    snprintf(name, sizeof name, "%.*s", (int)(equals - word), word);
    snprintf(prefix, sizeof prefix, "%s=", name);
    offer_value(line, find_option(name), equals + 1, prefix);
    return true;
}

/* The word for the operand of this number: the last one stands for all behind it. NULL: none. */
static const char *operand_word(const char *words, int number, size_t *length)
{
    for (;;) {
        words += strspn(words, " [");
        *length = strcspn(words, " []");
        if (*length == 0) {
            return NULL;
        }
        const bool repeats = *length > 3 && strncmp(words + *length - 3, "...", 3) == 0;
        if (number-- == 0 || repeats) {
            *length -= repeats ? 3 : 0;
            return words;
        }
        words += *length + strspn(words + *length, "]");
    }
}

static bool is(const char *word, size_t length, const char *wanted)
{
    return strlen(wanted) == length && strncmp(word, wanted, length) == 0;
}

static void offer_operand(const so_far *line, const char *begin)
{
    size_t length;
    const char *word = operand_word(line->command->operands, line->operands, &length);
    if (line->operands > 0 && strstr(line->command->operands, "-- COMMAND") != NULL) {
        puts(line->operands == 1 ? ":commands" : ":files");
        return;
    }
    if (word == NULL) {
        return;
    }
    if (is(word, length, "QUEUE")) {
        offer_queues(line->url, begin, "");
    } else if (is(word, length, "QUEUE2")) {
        offer_queues(line->to_url != NULL ? line->to_url : line->url, begin, "");
    } else if (is(word, length, "URL2")) {
        puts(":folders");
    } else if (is(word, length, "COMMAND")) {
        offer_commands(begin);
    } else if (word[0] >= 'a' && word[0] <= 'z') {
        offer_words(begin, "", word, length);
    }
}

void candidates_print(int count, char **words)
{
    const so_far line = read_words(count, words);
    const char *last = count > 0 ? words[count - 1] : "";
    if (line.pending >= 0) {
        offer_value(&line, line.pending, last, "");
    } else if (last[0] == '-' && !line.dashed) {
        if (!offer_joined_value(&line, last)) {
            offer_options(&line, last);
        }
    } else if (line.command == NULL) {
        offer_commands(last);
    } else {
        offer_operand(&line, last);
    }
}

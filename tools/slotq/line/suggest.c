/* suggest.c: near commands (suggest.h): words of other tools first, then the smallest edit.
 */
#include "suggest.h"

#include <stddef.h>
#include <string.h>

#include "commands.h"

static const struct {
    const char *word;
    const char *command;
} synonyms[] = {
    {"list", "ls"},
    {"queues", "ls"},
    {"delete", "rm"},
    {"del", "rm"},
    {"drop", "rm"},
    {"new", "create"},
    {"make", "create"},
    {"init", "create"},
    {"add", "push"},
    {"put", "push"},
    {"send", "push"},
    {"enqueue", "push"},
    {"get", "reserve"},
    {"pop", "reserve"},
    {"take", "reserve"},
    {"receive", "reserve"},
    {"dequeue", "reserve"},
    {"done", "ack"},
    {"finish", "ack"},
    {"fail", "nack"},
    {"reject", "nack"},
    {"retry", "nack"},
    {"touch", "extend"},
    {"worker", "work"},
    {"run", "work"},
    {"consume", "work"},
    {"info", "stats"},
    {"show", "peek"},
    {"clear", "purge"},
    {"flush", "purge"},
    {"empty", "purge"},
    {"stop", "pause"},
    {"start", "resume"},
    {"redrive", "dead"},
    {"verify", "check"},
    {"fsck", "check"},
    {"backup", "export"},
    {"restore", "import"},
    {"cp", "copy"},
    {"mv", "copy"},
    {"prometheus", "metrics"},
};

enum { WORD_MAX = 16, FAR = 100 };

static size_t least_of(size_t one, size_t other)
{
    return one < other ? one : other;
}

/* Letters to insert, delete, replace or swap with the next until one word is the other. */
static size_t distance(const char *word, const char *name)
{
    size_t rows[WORD_MAX + 1][WORD_MAX + 1];
    const size_t word_length = strlen(word);
    const size_t name_length = strlen(name);
    if (word_length > WORD_MAX || name_length > WORD_MAX) {
        return FAR;
    }
    for (size_t i = 0; i <= word_length; i++) {
        for (size_t j = 0; j <= name_length; j++) {
            if (i == 0 || j == 0) {
                rows[i][j] = i + j;
                continue;
            }
            const size_t replaced = rows[i - 1][j - 1] + (word[i - 1] != name[j - 1]);
            rows[i][j] = least_of(replaced, 1 + least_of(rows[i - 1][j], rows[i][j - 1]));
            if (i > 1 && j > 1 && word[i - 1] == name[j - 2] && word[i - 2] == name[j - 1]) {
                rows[i][j] = least_of(rows[i][j], rows[i - 2][j - 2] + 1);
            }
        }
    }
    return rows[word_length][name_length];
}

const char *suggest_command(const char *word)
{
    const char *nearest = NULL;
    size_t least = strlen(word) < 4 ? 2 : 3; /* an edit of every letter is not a likeness */
    for (size_t i = 0; i < sizeof synonyms / sizeof synonyms[0]; i++) {
        if (strcmp(word, synonyms[i].word) == 0) {
            return synonyms[i].command;
        }
    }
    for (int i = 0; i < command_count; i++) {
        const size_t edits = distance(word, command_table[i].name);
        if (edits < least && edits < strlen(command_table[i].name)) {
            least = edits;
            nearest = command_table[i].name;
        }
    }
    return nearest;
}

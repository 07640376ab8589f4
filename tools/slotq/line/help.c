/* help.c: help and version, from the tables.
 */
#include <stdio.h>
#include <string.h>

#include "command_line.h"
#include "help.h"
#include "../say/output.h"
#include "../say/report.h"
#include "slotq_redis_tls.h"

static void print_option(const option_entry *entry, const char *help)
{
    char left[64];
    if (entry->letter != 0) {
        snprintf(left, sizeof left, "-%c, --%s%s%s", entry->letter, entry->name,
                 entry->value_word != NULL ? " " : "",
                 entry->value_word != NULL ? entry->value_word : "");
    } else {
        snprintf(left, sizeof left, "    --%s%s%s", entry->name,
                 entry->value_word != NULL ? " " : "",
                 entry->value_word != NULL ? entry->value_word : "");
    }
    enum { TEXT_COLUMN = 26 };
    printf("  %-22s  ", left);
    output_wrapped(help, TEXT_COLUMN, TEXT_COLUMN);
}

static void print_options(const command_entry *command, bool common)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (command_takes(command, i) && option_is_common(i) == common) {
            print_option(&option_table[i], command_option_help(command, (option_id)i));
        }
    }
}

static bool has_own_options(const command_entry *command)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (command_takes(command, i) && !option_is_common(i)) {
            return true;
        }
    }
    return false;
}

static bool takes_times(const command_entry *command)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        const option_kind kind = option_table[i].kind;
        if (command_takes(command, i) && (kind == KIND_TIME || kind == KIND_TIMES)) {
            return true;
        }
    }
    return false;
}

int help_command(const command_entry *command)
{
    const bool has_own = has_own_options(command);
    printf("slotq %s%s%s%s\n\n", command->name, has_own ? " [options]" : "",
           command->operands[0] != '\0' ? " " : "", command->operands);
    printf("%s.\n", command->summary);
    if (command->text[0] != '\0') {
        printf("\n%s\n", command->text);
    }
    if (has_own) {
        printf("\noptions:\n");
        print_options(command, false);
        if (takes_times(command)) {
            printf("times: 500ms, 30s, 5m, 2h, 1d or 1m30s\n");
        }
    }
    printf("\nfor every command:\n");
    print_options(command, true);
    return EXIT_CODE_OK;
}

int help_overview(void)
{
    printf("slotq: a reliable work queue in one value: a file, or a string in Redis\n\n"
           "slotq [-u URL] COMMAND QUEUE ...   options may be anywhere\n\n");
    for (int i = 0; i < command_count; i++) {
        printf("  %s%-10s%s  %s\n", output_bold(), command_table[i].name, output_plain(),
               command_table[i].summary);
    }
    printf("\nfor every command:\n");
    print_options(command_find("ls"), true);
    printf("\nexit codes:\n");
#define SLOTQ_EXIT(name, number, text) printf("  %3d  %s\n", number, text);
#include "errors.def"
#undef SLOTQ_EXIT
    printf("\nfirst steps:\n"
           "  slotq create jobs\n"
           "  slotq push jobs hello world\n"
           "  slotq work jobs --drain -- sh -c 'echo \"$SLOTQ_ID: $(cat)\"'\n"
           "The same in Redis: export SLOTQ_URL=redis://localhost\n\n"
           "slotq help COMMAND prints more.\n");
    return EXIT_CODE_OK;
}

/* "help dead ls": the second word is one that the command takes. */
static bool takes_word(const command_entry *command, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = strstr(command->operands, word); at != NULL && length != 0;
         at = strstr(at + 1, word)) {
        const bool begins = at == command->operands || strchr("[|", at[-1]) != NULL;
        if (begins && strchr("]| ", at[length]) != NULL) {
            return true;
        }
    }
    return false;
}

int run_help(const command_line *line)
{
    if (line->count == 0) {
        return help_overview();
    }
    const command_entry *command = command_find(line->operands[0]);
    if (command == NULL) {
        return complain_command(line->operands[0]);
    }
    if (line->count == 2 && !takes_word(command, line->operands[1])) {
        complain("%s has no command %s; its operands are: %s", command->name, line->operands[1],
                 command->operands[0] != '\0' ? command->operands : "none");
        return EXIT_CODE_USAGE;
    }
    return help_command(command);
}

int run_version(const command_line *line)
{
    if (given(line, OPTION_JSON)) {
        output_json(json_pack("{s:s, s:i, s:s?}", "version", slotq_version(), "format", 1, "tls",
                              slotq_redis_tls_library()));
    } else {
        const char *tls = slotq_redis_tls_library();
        printf("slotq %s, format version 1, %s\n", slotq_version(),
               tls != NULL ? tls : "built without TLS");
    }
    return EXIT_CODE_OK;
}

/* arguments.c: see arguments.h.
 */
#include "arguments.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static bool is_flag(const arguments_option *option)
{
    return option->max == 0;
}

static void print_help(const char *about, const arguments_option *options, uint32_t option_count)
{
    int width = (int)strlen("--help");
    for (uint32_t i = 0; i < option_count; i++) {
        const int name_bytes = (int)strlen(options[i].name) + (is_flag(&options[i]) ? 0 : 2);
        width = name_bytes > width ? name_bytes : width;
    }
    printf("%s: %s\n\n", program_invocation_short_name, about);
    for (uint32_t i = 0; i < option_count; i++) {
        if (is_flag(&options[i])) {
            printf("  %-*s  %s\n", width, options[i].name, options[i].help);
            continue;
        }
        printf("  %-*s N  %s (%" PRIu32 " to %" PRIu32 "; default %" PRIu32 ")\n", width - 2,
               options[i].name, options[i].help, options[i].min, options[i].max, *options[i].value);
    }
    printf("  %-*s  print this\n\n"
           "exit codes: 0 the proof holds, 1 it does not, or something failed, 2 a wrong option,\n"
           "3 there is no redis-server\n",
           width, "--help");
}

__attribute__((noreturn)) static void refuse(const char *word, const char *why)
{
    (void)fprintf(stderr, "%s: %s: %s; see --help\n", program_invocation_short_name, word, why);
    exit(2);
}

static uint32_t number_of(const char *text, const arguments_option *option)
{
    char why[100];
    char *end = NULL;
    errno = 0;
    const unsigned long long number = text == NULL ? 0 : strtoull(text, &end, 10);
    if (text == NULL || text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
        number < option->min || number > option->max) {
        (void)snprintf(why, sizeof why, "needs a number, %" PRIu32 " to %" PRIu32, option->min,
                       option->max);
        refuse(option->name, why);
    }
    return (uint32_t)number;
}

void arguments_read(int count, char **words, const char *about, const arguments_option *options,
                    uint32_t option_count)
{
    for (int i = 1; i < count; i++) {
        uint32_t found = 0;
        if (strcmp(words[i], "--help") == 0) {
            print_help(about, options, option_count);
            exit(report_exit(true));
        }
        while (found < option_count && strcmp(words[i], options[found].name) != 0) {
            found++;
        }
        if (found == option_count) {
            refuse(words[i], "unknown option");
        }
        if (is_flag(&options[found])) {
            *options[found].value = 1;
            continue;
        }
        i++;
        *options[found].value = number_of(i < count ? words[i] : NULL, &options[found]);
    }
}

/* arguments.h: the options of an example: numbers with a range, and --help made from the same
 * table. Knows command lines; must not know what the numbers mean.
 */
#ifndef EXAMPLES_TERMINAL_ARGUMENTS_H
#define EXAMPLES_TERMINAL_ARGUMENTS_H

#include <stdint.h>

typedef struct arguments_option {
    const char *name; /* "--users" */
    const char *help; /* one line */
    uint32_t *value;  /* has the default before */
    uint32_t min;     /* to max; both 0: it takes no number, and sets the value to 1 */
    uint32_t max;
} arguments_option;

/* Read the words of main into the values. --help prints about and the table, and exits with 0; a
 * wrong word is named on stderr, and the program exits with 2. */
void arguments_read(int count, char **words, const char *about, const arguments_option *options,
                    uint32_t option_count);

#endif

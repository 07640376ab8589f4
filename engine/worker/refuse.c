/* refuse.c: see refuse.h. Does not know its callers.
 */
#include "refuse.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

slotq_outcome refuse(slotq_error *error, slotq_outcome outcome, const char *format, ...)
{
    if (error != NULL) {
        va_list values;
        memset(error, 0, sizeof *error);
        error->outcome = outcome;
        va_start(values, format);
        vsnprintf(error->text, sizeof error->text, format, values);
        va_end(values);
    }
    return outcome;
}

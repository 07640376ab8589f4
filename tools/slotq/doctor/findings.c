/* findings.c: see findings.h.
 */
#include "findings.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "../say/output.h"
#include "../say/texts.h"

static void print_finding(doctor *self, const char *about, const char *kind, const char *color,
                          const char *format, va_list values)
{
    char text[640];
    vsnprintf(text, sizeof text, format, values);
    if (given(self->line, OPTION_JSON)) {
        output_json(json_pack("{s:s, s:s, s:s}", "about", plain_word(about).text, "kind", kind,
                              "text", plain_word(text).text));
    } else {
        enum { BEFORE = 9 };
        char line[2 * sizeof(word_text) + 8];
        snprintf(line, sizeof line, "%s: %s", plain_word(about).text, plain_word(text).text);
        printf("%s%-7s%s  ", color, kind, output_plain());
        output_wrapped(line, BEFORE, BEFORE);
    }
}

void doctor_find(doctor *self, const char *about, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    print_finding(self, about, "BAD", output_red(), format, values);
    va_end(values);
    self->findings++;
}

void doctor_note(doctor *self, const char *about, const char *format, ...)
{
    va_list values;
    if (self->is_brief) {
        return;
    }
    va_start(values, format);
    print_finding(self, about, "ok", output_green(), format, values);
    va_end(values);
}

void doctor_unknown(doctor *self, const char *about, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    print_finding(self, about, "unknown", output_bold(), format, values);
    va_end(values);
    self->unknown++;
}

void doctor_summarise(const doctor *self)
{
    if (given(self->line, OPTION_JSON)) {
        return;
    }
    printf("%" PRIu32 " finding%s", self->findings, self->findings == 1 ? "" : "s");
    if (self->unknown != 0) {
        printf(", %" PRIu32 " unknown", self->unknown);
    }
    putchar('\n');
}

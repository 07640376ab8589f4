/* top.c: the command top: looks at the queues at intervals, and lets keys choose and change.
 */
#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../say/report.h"
#include "../clock/clock.h"
#include "../say/texts.h"
#include "watch.h"

enum { ROWS_LEAST = 12, COLUMNS_LEAST = 60 };

static void say(watch *self, look how, const char *format, va_list values)
{
    vsnprintf(self->said, sizeof self->said, format, values);
    self->how = how;
    self->has_message = true;
}

void watch_say(watch *self, look how, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    say(self, how, format, values);
    va_end(values);
}

figures_queue *watch_queue(watch *self)
{
    return self->name != NULL ? figures_find(&self->all, self->name) : NULL;
}

static void draw_last(const watch *self)
{
    const char *help =
        self->is_inside
            ? "1-3 tab  k kick  d remove  r redrive  R all  p pause  u resume  l limit  Esc"
            : "Enter look  s sort  p pause  u resume  R redrive  l limit  q quit";
    draw_row(draw_rows() - 1, self->has_message ? self->how : LOOK_DIM,
             self->has_message ? self->said : help);
}

static void draw(watch *self)
{
    draw_clear();
    if (draw_rows() < ROWS_LEAST || draw_columns() < COLUMNS_LEAST) {
        draw_row(0, LOOK_TROUBLE, "too small: 60 x 12 at least");
    } else if (self->is_inside) {
        queue_draw(self);
        draw_last(self);
    } else {
        list_draw(self);
        draw_last(self);
    }
    draw_show();
}

bool watch_confirm(watch *self, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    say(self, LOOK_STRONG, format, values);
    va_end(values);
    timeout(-1);
    int key;
    do {
        draw(self);
        key = getch();
    } while (key == KEY_RESIZE);
    self->has_message = false;
    return key == 'y' || key == 'Y';
}

bool watch_read(watch *self, const char *question, char *text, size_t bytes)
{
    size_t length = 0;
    text[0] = '\0';
    timeout(-1);
    for (;;) {
        watch_say(self, LOOK_STRONG, "%s%s_", question, text);
        draw(self);
        const int key = getch();
        if (key == '\n' || key == KEY_ENTER || key == 27) {
            self->has_message = false;
            return key != 27 && length != 0;
        }
        if ((key == KEY_BACKSPACE || key == 127 || key == 8) && length > 0) {
            text[--length] = '\0';
        } else if (key > ' ' && key < 127 && length + 1 < bytes) {
            text[length++] = (char)key;
            text[length] = '\0';
        }
    }
}

/* false: the view ends. */
static bool take_key(watch *self, int key, bool *looks_again)
{
    self->has_message = false;
    if (key == 'q') {
        return false;
    }
    if (self->is_inside ? queue_key(self, key) : list_key(self, key)) {
        return true;
    }
    *looks_again = action_key(self, key) || key == 'g';
    return true;
}

static int run(watch *self, uint64_t every_ms)
{
    uint64_t look_at_ms = 0;
    while (report_signal() == 0) {
        const uint64_t now_ms = clock_ms();
        if (now_ms >= look_at_ms) {
            if (!figures_look(&self->all, self->is_inside ? self->name : NULL)) {
                return EXIT_CODE_FAILURE;
            }
            look_at_ms = clock_ms() + every_ms;
        }
        draw(self);
        const uint64_t left_ms = look_at_ms - clock_ms();
        timeout(left_ms < every_ms ? (int)left_ms : 0);
        const int key = getch();
        bool looks_again = false;
        if (key != ERR && key != KEY_RESIZE && !take_key(self, key, &looks_again)) {
            return EXIT_CODE_OK;
        }
        look_at_ms = looks_again ? 0 : look_at_ms;
    }
    return report_interrupted();
}

int run_top(const command_line *line)
{
    watch self = {.line = line, .batch = slotq_batch_new()};
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        complain("top needs a terminal; without one: slotq ls, or slotq stats QUEUE --watch");
        slotq_batch_free(self.batch);
        return EXIT_CODE_USAGE;
    }
    if (self.batch == NULL || !draw_begin()) {
        complain(self.batch == NULL ? "out of memory"
                                    : "this terminal cannot show top: is TERM set right?");
        slotq_batch_free(self.batch);
        return EXIT_CODE_FAILURE;
    }
    if (line->count == 1) {
        self.name = strdup(line->operands[0]);
        self.is_inside = self.name != NULL;
    }
    report_catch_signals();
    figures_begin(&self.all, line);
    const int code = run(&self, option_number(line, OPTION_EVERY, 1000));
    draw_end();
    if (code == EXIT_CODE_FAILURE) {
        complain("out of memory");
    }
    figures_end(&self.all);
    slotq_batch_free(self.batch);
    free(self.name);
    return code;
}

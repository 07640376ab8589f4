/* draw.h: text, colours and bars on the terminal's screen. Knows curses and columns; no queue.
 */
#ifndef SLOTQ_TOOLS_WATCH_DRAW_H
#define SLOTQ_TOOLS_WATCH_DRAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How something looks; without colours by its weight alone. */
typedef enum look {
    LOOK_PLAIN,
    LOOK_STRONG,
    LOOK_DIM,
    LOOK_SELECTED,
    LOOK_TROUBLE,
    LOOK_READY,
    LOOK_LEASED,
    LOOK_WAITING
} look;

/* The screen begins and ends; false: this terminal has none. */
bool draw_begin(void);
void draw_end(void);
int draw_rows(void);
int draw_columns(void);
void draw_clear(void);
/* What was drawn is shown. */
void draw_show(void);

/* Text from this column on, in `columns` columns, cut or filled with blanks; negative: to the
 * right. Control bytes and bytes that are not UTF-8 are written as \xNN. */
void draw_text(int row, int column, int columns, look how, const char *text);
/* The same of bytes, which may hold anything; not filled. */
void draw_bytes(int row, int column, int columns, look how, const void *bytes, size_t size);
/* A whole row in this look. */
void draw_row(int row, look how, const char *text);

/* Parts of a whole in `columns` cells: a part that is not 0 has a cell if there is one. */
typedef struct draw_part {
    uint32_t count;
    char mark;
    look how;
} draw_part;
void draw_strip(int row, int column, int columns, const draw_part *parts, size_t count);

/* A count in at most six columns: 65,534, 1.2M. */
typedef struct short_text {
    char text[16];
} short_text;
short_text short_count(uint64_t value);
short_text short_rate(bool known, double per_s);
/* In at most seven columns: 350ms, 12s, 3m05s, 4h05m, 12d03h. */
short_text short_age(uint64_t ms);

#endif

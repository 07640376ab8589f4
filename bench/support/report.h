/* report.h: figures as text for people (stdout and figures.md) and as CSV for plots. Knows tables,
 * not what is in them.
 */
#ifndef SLOTQ_BENCH_REPORT_H
#define SLOTQ_BENCH_REPORT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

enum { REPORT_COLUMNS = 16, REPORT_ROWS = 48, REPORT_CELL_BYTES = 40 };

/* Zero before its first row. */
typedef struct report_table {
    uint32_t columns;
    uint32_t rows; /* the first is the head */
    char cells[REPORT_ROWS][REPORT_COLUMNS][REPORT_CELL_BYTES];
} report_table;

/* Results go to folder, which must exist; figures.md there is begun anew. */
void report_open(const char *folder);
void report_close(void);

/* A paragraph or heading, to stdout and figures.md. */
void report_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Begin a row; then its cells from left to right. */
void report_row(report_table *table);
void report_cell(report_table *table, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* As a Markdown table whose columns are lined up; the first is text, the rest are numbers. */
void report_table_print(const report_table *table);

/* The same as NAME.csv in the folder. */
void report_table_csv(const report_table *table, const char *name);

/* One line on stderr, only on a terminal; done of all. */
void report_progress(const char *what, uint32_t done, uint32_t all);

#endif

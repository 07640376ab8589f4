/* report.c: where figures are written: stdout, figures.md, CSV files. Knows no figure.
 */
#include "report.h"
#include "sure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *report_folder;
static FILE *report_file;

static FILE *open_in_folder(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", report_folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    return file;
}

static void close_or_end(FILE *file)
{
    if (fclose(file) != 0) {
        perror("bench: the results could not be written");
        exit(1);
    }
}

void report_open(const char *folder)
{
    report_folder = folder;
    report_file = open_in_folder("figures.md");
}

void report_close(void)
{
    close_or_end(report_file);
}

static void write_text(const char *text)
{
    fputs(text, stdout);
    fputs(text, report_file);
}

void report_text(const char *format, ...)
{
    char text[2048];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    write_text(text);
}

void report_row(report_table *table)
{
    bench_need(table->rows < REPORT_ROWS, "a table with so many rows");
    table->rows++;
}

void report_cell(report_table *table, const char *format, ...)
{
    char(*row)[REPORT_CELL_BYTES] = table->cells[table->rows - 1];
    uint32_t at = 0;
    while (at < REPORT_COLUMNS && row[at][0] != '\0') {
        at++;
    }
    bench_need(at < REPORT_COLUMNS, "a table with so many columns");
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(row[at], REPORT_CELL_BYTES, format, arguments);
    va_end(arguments);
    if (row[at][0] == '\0') {
        memcpy(row[at], " ", sizeof " "); /* an empty cell is a cell */
    }
    table->columns = at + 1 > table->columns ? at + 1 : table->columns;
}

static int column_width(const report_table *table, uint32_t column)
{
    size_t width = 3;
    for (uint32_t row = 0; row < table->rows; row++) {
        const size_t length = strlen(table->cells[row][column]);
        width = length > width ? length : width;
    }
    return (int)width;
}

void report_table_print(const report_table *table)
{
    char line[1024];
    for (uint32_t row = 0; row < table->rows; row++) {
        size_t used = 0;
        for (uint32_t column = 0; column < table->columns; column++) {
            const int width = column_width(table, column);
            used += (size_t)snprintf(line + used, sizeof line - used,
                                     column == 0 ? "| %-*s " : "| %*s ", width,
                                     table->cells[row][column]);
        }
        snprintf(line + used, sizeof line - used, "|\n");
        write_text(line);
        if (row == 0) {
            for (uint32_t column = 0; column < table->columns; column++) {
                const int width = column_width(table, column);
                char dashes[64];
                memset(dashes, '-', sizeof dashes);
                dashes[width + 1] = '\0';
                report_text(column == 0 ? "|%s-" : "|%s:", dashes);
            }
            write_text("|\n");
        }
    }
    write_text("\n");
}

void report_table_csv(const report_table *table, const char *name)
{
    char file_name[64];
    snprintf(file_name, sizeof file_name, "%s.csv", name);
    FILE *file = open_in_folder(file_name);
    for (uint32_t row = 0; row < table->rows; row++) {
        for (uint32_t column = 0; column < table->columns; column++) {
            const char *cell = table->cells[row][column];
            const char *quote = strchr(cell, ',') != NULL ? "\"" : "";
            fprintf(file, "%s%s%s%s", column == 0 ? "" : ",", quote,
                    strcmp(cell, " ") == 0 ? "" : cell, quote);
        }
        fputc('\n', file);
    }
    close_or_end(file);
}

void report_progress(const char *what, uint32_t done, uint32_t all)
{
    enum { WIDTH = 40 };
    if (!isatty(STDERR_FILENO)) {
        return;
    }
    const uint32_t filled = done * WIDTH / all;
    fprintf(stderr, "\r%-8s [%.*s%*s] %3u %%", what, (int)filled,
            "########################################", (int)(WIDTH - filled), "",
            (unsigned)(done * 100 / all));
    if (done == all) {
        fprintf(stderr, "\r%*s\r", WIDTH + 24, "");
    }
}

/* tables.c: prints a document with its marked tables made anew from the .def files that the engine
 * is compiled with, the heads of lua/, and texts made elsewhere. Knows the shape of tables and
 * marks, no meaning.
 *
 * tables DOCUMENT [SCRIPT.lua | NAME.region]…    marks: tables.sh
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 4, ROWS_MAX = 64, LINE_BYTES = 4096, MAN_COLUMNS = 68 };

typedef struct table {
    const char *name;
    const char *head[COLUMNS_MAX]; /* NULL ends it */
    const char *cells[ROWS_MAX][COLUMNS_MAX];
    size_t rows;
} table;

static table tables[] = {
    {.name = "fields-header", .head = {"offset", "type", "field", "meaning"}},
    {.name = "fields-geometry", .head = {"offset", "type", "field", "meaning"}},
    {.name = "fields-shared", .head = {"offset", "type", "field", "meaning"}},
    {.name = "fields-group", .head = {"offset", "type", "field", "meaning"}},
    {.name = "fields-limit", .head = {"offset", "type", "field", "meaning"}},
    {.name = "fields-aside", .head = {"offset", "type", "field", "meaning"}},
    {.name = "fields-dead", .head = {"offset", "type", "field", "meaning"}},
    {.name = "fields-later", .head = {"offset", "type", "field", "meaning"}},
    {.name = "fields-key", .head = {"offset", "type", "field", "meaning"}},
    {.name = "fields-aside_key", .head = {"offset", "type", "field", "meaning"}},
    {.name = "fields-later_key", .head = {"offset", "type", "field", "meaning"}},
    {.name = "outcomes", .head = {"outcome", "number", "exit", "meaning"}},
    {.name = "exits", .head = {"exit", "meaning"}},
    {.name = "verbs", .head = {"verb", "bytes", "after a lost reply", "script"}},
    {.name = "refusals", .head = {"the error begins with", "outcome", "what the library does"}},
    {.name = "scripts", .head = {"script", "ARGV", "reply", "errors"}},
};
enum { TABLE_COUNT = sizeof tables / sizeof tables[0] };

static int fail(const char *path, size_t line, const char *text, const char *about)
{
    (void)fprintf(stderr, "%s:%zu: %s%s\n", path, line, text, about);
    return EXIT_FAILURE;
}

static table *table_named(const char *name)
{
    for (size_t i = 0; i < TABLE_COUNT; i++) {
        if (strcmp(tables[i].name, name) == 0) {
            return &tables[i];
        }
    }
    return NULL;
}

static void add(const char *name, const char *a, const char *b, const char *c, const char *d)
{
    table *at = table_named(name);
    if (at == NULL || at->rows == ROWS_MAX) {
        (void)fprintf(stderr, "tables.c: no room for a row of %s\n", name);
        exit(EXIT_FAILURE);
    }
    const char *row[COLUMNS_MAX] = {a, b, c, d};
    memcpy(at->cells[at->rows++], row, sizeof row);
}

/* Kept until the program ends. */
static const char *kept(const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = malloc(bytes);
    if (copy == NULL) {
        exit(EXIT_FAILURE);
    }
    return memcpy(copy, text, bytes);
}

static const char *number(unsigned value)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u", value);
    return kept(text);
}

/* ---- rows from the definitions ---- */

static const char *type_of(unsigned bytes)
{
    static const char *const types[] = {"", "u8", "u16", "", "u32", "", "u48", "", "u64"};
    return types[bytes];
}

static void add_field(const char *part, const char *field, unsigned offset, unsigned bytes,
                      const char *meaning)
{
    char name[32];
    (void)snprintf(name, sizeof name, "fields-%s", part);
    add(name, number(offset), type_of(bytes), strncmp(field, "reserved_", 9) == 0 ? "–" : field,
        meaning);
}

static void add_fields(void)
{
#define SLOTQ_FIELD(part, name, offset, bytes, meaning)                                            \
    add_field(#part, #name, offset, bytes, meaning);
#include "layout/fields.def"
#undef SLOTQ_FIELD
}

static void add_codes(void)
{
    enum {
#define SLOTQ_EXIT(name, number, text) CODE_##name = (number),
#include "errors.def"
#undef SLOTQ_EXIT
    };
#define SLOTQ_EXIT(name, code, text) add("exits", number(code), text, "", "");
#include "errors.def"
#undef SLOTQ_EXIT
#define SLOTQ_CODE(name, code, kind, exit_code, text)                                              \
    add("outcomes", #name, number(code), number(CODE_##exit_code), text);
#include "errors.def"
#undef SLOTQ_CODE
}

static void add_verbs(void)
{
    static const char *const READS = "reads";
    static const char *const WRITES = "writes";
    static const char *const TWICE = "sent again";
    static const char *const ONCE = "unknown";
#define SLOTQ_VERB(NAME, number, name, effect, repeat, script, step)                               \
    add("verbs", #name, effect, repeat, "`" #script "`");
#include "verbs.def"
#undef SLOTQ_VERB
}

static void add_refusals(void)
{
    static const char *const PASSES = "waits and sends again";
    static const char *const MOVES = "waits, dials and sends again";
    static const char *const ELSEWHERE = "sends it to the node that is named";
    static const char *const STAYS = "reports it";
#define REDIS_REFUSAL(words, outcome, cause, fate, remedy)                                         \
    add("refusals", words[0] == '\0' ? "anything else" : "`" words "`", #outcome, fate, "");
#include "backend/redis/call/refusals.def"
#undef REDIS_REFUSAL
}

/* ---- rows and texts from files ---- */

/* The next line without its end; false at the end of the file. */
static bool next_line(FILE *file, char *line)
{
    if (fgets(line, LINE_BYTES, file) == NULL) {
        return false;
    }
    line[strcspn(line, "\r\n")] = '\0';
    return true;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static bool is_called(const char *path, const char *ending)
{
    const size_t length = strlen(path);
    const size_t tail = strlen(ending);
    return length > tail && strcmp(path + length - tail, ending) == 0;
}

/* The head of a verb's script: -- args: …, -- reply: …, -- errors: … */
static int add_script(const char *path)
{
    static const char *const marks[] = {"-- args: ", "-- reply: ", "-- errors: "};
    const char *found[3] = {"", "", ""};
    char line[LINE_BYTES];
    char name[LINE_BYTES];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return fail(path, 0, "cannot be read", "");
    }
    size_t open = 3; /* the mark that lines of `--   ` continue */
    while (next_line(file, line)) {
        if (open < 3 && strncmp(line, "--   ", 5) == 0) {
            char whole[2 * LINE_BYTES];
            (void)snprintf(whole, sizeof whole, "%s %s", found[open], line + 5);
            found[open] = kept(whole);
            continue;
        }
        open = 3;
        for (size_t i = 0; i < 3; i++) {
            const size_t length = strlen(marks[i]);
            if (strncmp(line, marks[i], length) == 0) {
                found[i] = kept(line + length);
                open = i;
            }
        }
    }
    (void)fclose(file);
    (void)snprintf(name, sizeof name, "%s", base_of(path));
    name[strlen(name) - strlen(".lua")] = '\0';
    add("scripts", kept(name), found[0], found[1], found[2]);
    return EXIT_SUCCESS;
}

static int print_file(const char *path)
{
    char line[LINE_BYTES];
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return fail(path, 0, "cannot be read", "");
    }
    while (fgets(line, sizeof line, file) != NULL) {
        (void)fputs(line, stdout);
    }
    return fclose(file) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- tables as text ---- */

static size_t width_of(const table *from)
{
    size_t width = 0;
    while (width < COLUMNS_MAX && from->head[width] != NULL) {
        width++;
    }
    return width;
}

static void print_markdown(const table *from)
{
    const size_t width = width_of(from);
    (void)putchar('|');
    for (size_t c = 0; c < width; c++) {
        printf(" %s |", from->head[c]);
    }
    printf("\n|");
    for (size_t c = 0; c < width; c++) {
        printf("---|");
    }
    for (size_t r = 0; r < from->rows; r++) {
        printf("\n|");
        for (size_t c = 0; c < width; c++) {
            printf(" %s |", from->cells[r][c]);
        }
    }
    (void)putchar('\n');
}

/* Columns that UTF-8 text takes. */
static size_t columns_of(const char *text)
{
    size_t columns = 0;
    for (; *text != '\0'; text++) {
        columns += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return columns;
}

/* The last column of a man page's table, broken between words; before it are indent columns. */
static void print_wrapped(const char *text, size_t indent)
{
    size_t used = indent;
    bool first = true;
    while (*text != '\0') {
        const size_t length = strcspn(text, " ");
        if (!first && used + 1 + length > MAN_COLUMNS) {
            printf("\n%*s", (int)indent, "");
            used = indent;
            first = true;
        }
        printf("%s%.*s", first ? "" : " ", (int)length, text);
        used += length + !first;
        first = false;
        text += length + (text[length] == ' ');
    }
    (void)putchar('\n');
}

/* Man pages: a literal block of aligned columns, the last one wrapped, for pages 80 wide. */
static void print_scdoc(const table *from)
{
    const size_t width = width_of(from);
    size_t widths[COLUMNS_MAX] = {0};
    for (size_t c = 0; c + 1 < width; c++) {
        widths[c] = columns_of(from->head[c]);
        for (size_t r = 0; r < from->rows; r++) {
            const size_t columns = columns_of(from->cells[r][c]);
            widths[c] = columns > widths[c] ? columns : widths[c];
        }
    }
    printf("```\n");
    for (size_t r = 0; r <= from->rows; r++) {
        const char *const *row = r == 0 ? from->head : from->cells[r - 1];
        size_t indent = 0;
        for (size_t c = 0; c + 1 < width; c++) {
            const char *text = strcmp(row[c], "–") == 0 ? "-" : row[c];
            printf("%s%*s", text, (int)(widths[c] - columns_of(text) + 2), "");
            indent += widths[c] + 2;
        }
        print_wrapped(row[width - 1], indent);
    }
    printf("```\n");
}

/* ---- the document ---- */

/* The NAME of "<!-- generated: NAME -->" or "; generated: NAME", else NULL. */
static const char *mark_of(char *line)
{
    static const char *const begins[] = {"<!-- generated: ", "; generated: "};
    for (size_t i = 0; i < 2; i++) {
        const size_t length = strlen(begins[i]);
        if (strncmp(line, begins[i], length) == 0) {
            line[length + strcspn(line + length, " ")] = '\0';
            return line + length;
        }
    }
    return NULL;
}

static bool is_end(const char *line)
{
    return strncmp(line, "<!-- end generated", 18) == 0 ||
           strncmp(line, "; end generated", 15) == 0;
}

/* What stands under the mark: a region's text, or a table. */
static int print_marked(const char *path, size_t line, const char *name, char **sources, int count)
{
    for (int i = 0; i < count; i++) {
        const char *base = base_of(sources[i]);
        const size_t length = strlen(name);
        if (is_called(base, ".region") && strncmp(base, name, length) == 0 && base[length] == '.') {
            return print_file(sources[i]);
        }
    }
    const table *from = table_named(name);
    if (from == NULL) {
        return fail(path, line, "no table is called ", name);
    }
    if (is_called(path, ".scd")) {
        print_scdoc(from);
    } else {
        print_markdown(from);
    }
    return EXIT_SUCCESS;
}

static int print_document(const char *path, char **sources, int count)
{
    char line[LINE_BYTES];
    size_t at = 0;
    size_t skipping = 0;
    int code = EXIT_SUCCESS;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return fail(path, 0, "cannot be read", "");
    }
    while (code == EXIT_SUCCESS && next_line(file, line)) {
        at++;
        skipping = is_end(line) ? 0 : skipping;
        if (skipping == 0) {
            printf("%s\n", line);
        }
        const char *name = mark_of(line);
        if (name != NULL) {
            skipping = at;
            code = print_marked(path, at, name, sources, count);
        }
    }
    (void)fclose(file);
    return code == EXIT_SUCCESS && skipping != 0 ? fail(path, skipping, "this mark has no end", "")
                                                 : code;
}

int main(int count, char **arguments)
{
    if (count < 2) {
        (void)fprintf(stderr, "usage: tables DOCUMENT [SCRIPT.lua | NAME.region]...\n");
        return EXIT_FAILURE;
    }
    add_fields();
    add_codes();
    add_verbs();
    add_refusals();
    for (int i = 2; i < count; i++) {
        if (is_called(arguments[i], ".lua") && add_script(arguments[i]) != EXIT_SUCCESS) {
            return EXIT_FAILURE;
        }
    }
    return print_document(arguments[1], arguments + 2, count - 2);
}

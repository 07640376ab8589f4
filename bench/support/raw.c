/* raw.c: see raw.h. What is there is kept as text of its first five fields, and looked through:
 * a whole matrix has some ten thousand lines.
 */
#include "raw.h"
#include "sure.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 512 };

static FILE *raw_file;
static char *known; /* "family,contender,case,,round\n" of each measurement */
static size_t known_bytes;
static size_t known_room;

static void write_key(char *key, const char *family, const char *contender, const char *case_words,
                      uint32_t round)
{
    const int length = snprintf(key, LINE_BYTES, "\n%s,%s,%s,%u\n", family, contender, case_words,
                                (unsigned)round);
    bench_need(length > 0 && length < LINE_BYTES, "a line of so many bytes");
}

static void remember(const char *key)
{
    const size_t length = strlen(key);
    if (known_room < known_bytes + length + 1) {
        known_room = 2 * known_room + length + LINE_BYTES;
        known = realloc(known, known_room);
        bench_need(known != NULL, "realloc");
    }
    memcpy(known + known_bytes, key, length + 1);
    known_bytes += length;
}

static bool is_known(const char *key)
{
    return known != NULL && strstr(known, key) != NULL;
}

/* The line without its metric and value. */
static void remember_line(char *line)
{
    char key[LINE_BYTES];
    char *fields[6];
    uint32_t count = 0;
    for (char *field = strtok(line, ",\n"); field != NULL && count < 6;
         field = strtok(NULL, ",\n")) {
        fields[count++] = field;
    }
    if (count == 6 && strcmp(fields[4], "round") != 0) {
        write_key(key, fields[0], fields[1], fields[2], (uint32_t)strtoul(fields[4], NULL, 10));
        if (!is_known(key)) {
            remember(key);
        }
    }
}

/* Half a line may be what a killed run left: its value could have lost digits. */
static void drop_behind(long whole_bytes, const char *path)
{
    bench_need(whole_bytes >= 0 && ftruncate(fileno(raw_file), whole_bytes) == 0, path);
}

/* Two at work on one file would drop and double each other's lines. Ends with this process. */
static void lock_alone(const char *path)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(fileno(raw_file), F_SETLK, &whole) != 0) {
        fprintf(stderr, "bench: %s: another bench is using it\n", path);
        exit(1);
    }
}

void raw_open(const char *path)
{
    char line[LINE_BYTES];
    long whole_bytes = 0;
    raw_file = fopen(path, "a+");
    bench_need(raw_file != NULL, path);
    lock_alone(path);
    rewind(raw_file);
    while (fgets(line, sizeof line, raw_file) != NULL && strchr(line, '\n') != NULL) {
        remember_line(line);
        whole_bytes = ftell(raw_file);
    }
    drop_behind(whole_bytes, path);
    bench_need(fseek(raw_file, 0, SEEK_END) == 0, path);
    if (whole_bytes == 0) {
        fputs("family,contender,case,metric,round,value\n", raw_file);
    }
}

void raw_close(void)
{
    bench_need(fclose(raw_file) == 0, "writing raw.csv");
    raw_file = NULL;
    free(known);
    known = NULL;
    known_bytes = 0;
    known_room = 0;
}

bool raw_has(const char *family, const char *contender, const char *case_words, uint32_t round)
{
    char key[LINE_BYTES];
    write_key(key, family, contender, case_words, round);
    return is_known(key);
}

void raw_add(const char *family, const char *contender, const char *case_words, const char *metric,
             uint32_t round, double value)
{
    fprintf(raw_file, "%s,%s,%s,%s,%u,%.6g\n", family, contender, case_words, metric,
            (unsigned)round, value);
}

void raw_flush(void)
{
    bench_need(fflush(raw_file) == 0, "writing raw.csv");
}

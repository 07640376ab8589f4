/* transfer.c: the commands export, import and copy: a queue's bytes, whole.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../line/command_line.h"
#include "open.h"
#include "sharded.h"
#include "slotq_core.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"

/* An image on its way. */
typedef struct cargo {
    uint8_t *bytes; /* to be freed */
    uint64_t size;
} cargo;

/* A consistent copy of a queue; bytes is NULL after a message. */
static int load(const command_line *line, const char *name, cargo *loaded)
{
    slotq *queue;
    loaded->bytes = NULL;
    int code = open_to_look(line, name, &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (sharded_is_whole(queue)) {
        complain("%s is a sharded queue, and not one value: pause it, %s each shard by its key "
                 "(%s), and call shards repair where the copies are",
                 name, line->command->name, shown_command(line, "shards ls", name).text);
        slotq_close(queue);
        return EXIT_CODE_REFUSED;
    }
    loaded->size = slotq_image_bytes(queue);
    loaded->bytes = malloc((size_t)loaded->size);
    if (loaded->bytes == NULL) {
        complain("out of memory for %s", bytes_text(loaded->size).text);
        code = EXIT_CODE_FAILURE;
    } else if (slotq_export(queue, loaded->bytes, loaded->size) != SLOTQ_OK) {
        code = complain_queue(queue, name);
        free(loaded->bytes);
        loaded->bytes = NULL;
    }
    slotq_close(queue);
    return code;
}

int run_export(const command_line *line)
{
    const char *name = line->operands[0];
    if (output_is_terminal()) {
        complain("export does not write bytes to a terminal: %s > BACKUP",
                 shown_command(line, "export", name).text);
        return EXIT_CODE_USAGE;
    }
    cargo image;
    int code = load(line, name, &image);
    if (code == EXIT_CODE_OK && fwrite(image.bytes, 1, (size_t)image.size, stdout) != image.size) {
        code = output_failed();
    }
    free(image.bytes);
    return code;
}

/* Make a queue of an image. On a server where it would not be safe, which opening it tells, it is
 * not left. */
static slotq_outcome put(const command_line *line, const char *url, const char *name,
                         const cargo *image, slotq_error *error)
{
    slotq *queue;
    open_settings settings;
    slotq_error ignored;
    slotq_outcome outcome = slotq_import(url, name, image->bytes, image->size, error);
    if (outcome != SLOTQ_OK || !open_is_server(url) ||
        open_options(line, &settings, &ignored) != EXIT_CODE_OK) {
        return outcome;
    }
    outcome = slotq_open(url, name, &settings.options, &queue, error);
    slotq_close(queue);
    if (outcome == SLOTQ_UNSUPPORTED) {
        (void)slotq_remove_queue(url, name, &ignored);
        return outcome;
    }
    return SLOTQ_OK;
}

/* What the copy holds, as it was copied: a moment later both go their own ways. */
static void tell_copied(const command_line *line, const char *url, const char *name,
                        const cargo *image)
{
    slotq *queue;
    slotq_stats stats = {0};
    uint64_t ready = 0;
    uint64_t leased = 0;
    uint64_t waiting = 0;
    if (slotq_open_memory(image->bytes, image->size, NULL, NULL, &queue, NULL) != SLOTQ_OK) {
        return; /* it was checked when it was imported */
    }
    for (uint8_t group = 0; group < slotq_geometry_of(queue)->groups; group++) {
        if (slotq_get_stats(queue, group, &stats) == SLOTQ_OK) {
            ready += stats.ready;
            leased += stats.leased;
            waiting += stats.waiting;
        }
    }
    slotq_close(queue);
    if (given(line, OPTION_JSON)) {
        output_done(NULL);
        output_json_merged(output_json_queue(name),
                           json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "url", shown_url(url).text,
                                     "bytes", (json_int_t)image->size, "ready", (json_int_t)ready,
                                     "leased", (json_int_t)leased, "waiting", (json_int_t)waiting,
                                     "dead", (json_int_t)stats.dead));
        return;
    }
    remark("created %s in %s: %s ready, %s leased, %s waiting, %s dead", name, shown_url(url).text,
           count_text(ready).text, count_text(leased).text, count_text(waiting).text,
           count_text(stats.dead).text);
    if (leased != 0) {
        remark("leases and tokens are valid in both queues: let workers use only one of the two");
    }
}

int run_copy(const command_line *line)
{
    const char *name = line->operands[0];
    const char *url = line->operands[1];
    const char *target = line->count == 3 ? line->operands[2] : name;
    command_line here = *line;
    slotq_error error;
    cargo image;
    option_value *sync = &here.options[OPTION_SYNC];
    if (open_is_server(line->url) && !open_is_server(url) && sync->given &&
        strcmp(sync->text, "always") == 0) {
        sync->given = false; /* it is for the file, which an import writes through */
    }
    int code = load(&here, name, &image);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    /* a memory queue wants its buffer aligned to 8, which malloc's is */
    if (put(line, url, target, &image, &error) != SLOTQ_OK) {
        code = complain_at(url, target, &error);
        complain("nothing was copied");
    } else {
        tell_copied(line, url, target, &image);
    }
    free(image.bytes);
    return code;
}

/* All of stdin, one byte more than the largest queue at most; NULL after a message. */
static uint8_t *read_image(size_t *size)
{
    enum { CHUNK_BYTES = 1 << 20 };
    const size_t most = (size_t)SLOTQ_IMAGE_BYTES_MAX + 1;
    struct stat status;
    const uint64_t total =
        fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
    uint8_t *image = NULL;
    size_t room = 0;
    *size = 0;
    while (*size < most) {
        if (*size == room) {
            room = room == 0 ? CHUNK_BYTES : room * 2;
            uint8_t *larger = realloc(image, room);
            if (larger == NULL) {
                complain("out of memory for %s", bytes_text(room).text);
                free(image);
                return NULL;
            }
            image = larger;
        }
        const size_t want = room - *size < CHUNK_BYTES ? room - *size : CHUNK_BYTES;
        const ssize_t got = read(STDIN_FILENO, image + *size, want);
        if (got < 0 && errno != EINTR) {
            complain("cannot read stdin: %s; nothing was created", strerror(errno));
            free(image);
            return NULL;
        }
        if (got == 0) {
            break;
        }
        *size += got > 0 ? (size_t)got : 0;
        progress_show("read", *size, total);
    }
    progress_end();
    return image;
}

/* redis-cli GET writes a newline behind the value. It is left out only where the bytes before it
 * are a whole queue and the bytes with it are not. */
static size_t without_newline(const uint8_t *image, size_t size)
{
    slotq_view view;
    slotq_damage damage;
    if (size < 2 || image[size - 1] != '\n' ||
        slotq_core_open(&view, image, size, &damage) == SLOTQ_OK ||
        slotq_core_open(&view, image, size - 1, &damage) != SLOTQ_OK) {
        return size;
    }
    return size - 1;
}

static void tell_imported(const command_line *line, const char *name, size_t size)
{
    if (given(line, OPTION_JSON)) {
        output_done(NULL);
        output_json_merged(output_json_queue(name), json_pack("{s:I}", "bytes", (json_int_t)size));
    } else {
        remark("created %s from %s bytes", name, count_text(size).text);
    }
}

int run_import(const command_line *line)
{
    const char *name = line->operands[0];
    if (isatty(STDIN_FILENO)) {
        complain("import reads exported bytes from stdin: %s < BACKUP",
                 shown_command(line, "import", name).text);
        return EXIT_CODE_USAGE;
    }
    size_t size;
    uint8_t *image = read_image(&size);
    if (image == NULL) {
        return EXIT_CODE_FAILURE;
    }
    slotq_error error;
    int code = EXIT_CODE_OK;
    size = without_newline(image, size);
    if (size == 0) {
        complain("stdin is empty; nothing was created. import reads exported bytes: %s < BACKUP",
                 shown_command(line, "import", name).text);
        code = EXIT_CODE_CORRUPT;
    } else if (size > SLOTQ_IMAGE_BYTES_MAX) {
        complain("stdin has more than %s, the limit of a queue; nothing was created",
                 bytes_text(SLOTQ_IMAGE_BYTES_MAX).text);
        code = EXIT_CODE_CORRUPT;
    } else if (put(line, line->url, name, &(cargo){image, size}, &error) != SLOTQ_OK) {
        code = complain_at(line->url, name, &error);
    } else {
        tell_imported(line, name, size);
    }
    free(image);
    return code;
}

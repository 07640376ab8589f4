/* transfer.c: the commands export and import: a queue's bytes, whole.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command_line.h"
#include "open.h"
#include "output.h"
#include "report.h"
#include "values.h"

int run_export(const command_line *line)
{
    const char *name = line->operands[0];
    if (output_is_terminal()) {
        complain("export writes bytes; send them to a file: slotq export %s > %s.backup", name,
                 name);
        return EXIT_CODE_USAGE;
    }
    slotq *queue;
    int code = open_to_look(line, name, &queue);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    const uint64_t bytes = slotq_image_bytes(queue);
    uint8_t *image = malloc((size_t)bytes);
    if (image == NULL) {
        complain("out of memory for %s", bytes_text(bytes).text);
        code = EXIT_CODE_FAILURE;
    } else if (slotq_export(queue, image, bytes) != SLOTQ_OK) {
        code = complain_queue(queue, name);
    } else if (fwrite(image, 1, (size_t)bytes, stdout) != bytes) {
        complain("cannot write all %s to stdout: %s", bytes_text(bytes).text, strerror(errno));
        code = EXIT_CODE_FAILURE;
    }
    free(image);
    slotq_close(queue);
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
            complain("cannot read stdin: %s; nothing was made", strerror(errno));
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

int run_import(const command_line *line)
{
    const char *name = line->operands[0];
    if (isatty(STDIN_FILENO)) {
        complain("import reads exported bytes: slotq import %s < %s.backup", name, name);
        return EXIT_CODE_USAGE;
    }
    size_t size;
    uint8_t *image = read_image(&size);
    if (image == NULL) {
        return EXIT_CODE_FAILURE;
    }
    slotq_error error;
    int code = EXIT_CODE_OK;
    if (size > SLOTQ_IMAGE_BYTES_MAX) {
        complain("stdin has more than %s, the largest queue; nothing was made",
                 bytes_text(SLOTQ_IMAGE_BYTES_MAX).text);
        code = EXIT_CODE_CORRUPT;
    } else if (slotq_import(line->url, name, image, size, &error) != SLOTQ_OK) {
        code = complain_about(name, &error);
    } else {
        remark("%s is made of %s bytes", name, count_text(size).text);
    }
    free(image);
    return code;
}

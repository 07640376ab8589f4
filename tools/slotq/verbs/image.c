/* image.c: loads and checks the bytes of a queue (image.h).
 */
#include "image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layout/descriptor.h"
#include "open.h"
#include "sharded.h"
#include "../say/report.h"
#include "server.h"
#include "../say/texts.h"

static int out_of_memory(uint64_t bytes)
{
    complain("out of memory for %s", bytes_text(bytes).text);
    return EXIT_CODE_FAILURE;
}

/* A consistent copy of an open queue. */
static int load_export(slotq *queue, const char *name, image *loaded)
{
    loaded->size = slotq_image_bytes(queue);
    loaded->bytes = malloc((size_t)loaded->size);
    if (loaded->bytes == NULL) {
        return out_of_memory(loaded->size);
    }
    const slotq_outcome outcome = slotq_export(queue, loaded->bytes, loaded->size);
    return outcome == SLOTQ_OK ? EXIT_CODE_OK : complain_queue(queue, name);
}

static int read_all(int descriptor, const char *path, image *loaded)
{
    struct stat status;
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        complain("%s is not a regular file", shown_url(path).text);
        return EXIT_CODE_FAILURE;
    }
    const uint64_t most = SLOTQ_IMAGE_BYTES_MAX + UINT64_C(1);
    loaded->size = (uint64_t)status.st_size < most ? (uint64_t)status.st_size : most;
    loaded->bytes = malloc(loaded->size != 0 ? (size_t)loaded->size : 1);
    if (loaded->bytes == NULL) {
        return out_of_memory(loaded->size);
    }
    uint64_t done = 0;
    while (done < loaded->size) {
        const ssize_t got =
            pread(descriptor, loaded->bytes + done, (size_t)(loaded->size - done), (off_t)done);
        if (got < 0 && errno != EINTR) {
            complain("cannot read %s at %s: %s", shown_url(path).text, count_text(done).text,
                     strerror(errno));
            return EXIT_CODE_FAILURE;
        }
        if (got == 0) {
            loaded->size = done;
        }
        done += got > 0 ? (uint64_t)got : 0;
    }
    return EXIT_CODE_OK;
}

static int load_path(const char *path, image *loaded)
{
    int code = EXIT_CODE_FAILURE;
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        complain("cannot open %s: %s", shown_url(path).text, strerror(errno));
    } else {
        code = read_all(descriptor, path, loaded);
        close(descriptor);
    }
    return code;
}

/* As the file has them, without a lock: another process may be writing. */
static int load_file(const command_line *line, const char *name, image *loaded)
{
    char *path = open_path(line->url, name);
    const int code = path != NULL ? load_path(path, loaded) : out_of_memory(0);
    free(path);
    return code;
}

/* A damaged file that was moved away is named by its path. */
static bool is_file(const command_line *line, const char *name)
{
    struct stat status;
    return !open_is_server(line->url) && stat(name, &status) == 0 && S_ISREG(status.st_mode);
}

/* As the key has them: whatever string it is. */
static int load_key(const command_line *line, const char *name, image *loaded)
{
    slotq_redis_connection *server;
    slotq_error error;
    if (open_server(line, name, &server, &error) != SLOTQ_OK) {
        return complain_error(shown_url(line->url).text, &error);
    }
    int code = EXIT_CODE_FAILURE;
    redisReply *reply = server_ask(server, "GET", name);
    if (reply == NULL || reply->type != REDIS_REPLY_STRING) {
        complain("%s cannot be read: %s", name,
                 reply == NULL                      ? "the connection is lost"
                 : reply->type == REDIS_REPLY_ERROR ? reply->str
                                                    : "the key does not exist or is not a string");
    } else {
        loaded->size = reply->len;
        loaded->bytes = malloc(loaded->size != 0 ? (size_t)loaded->size : 1);
        if (loaded->bytes == NULL) {
            code = out_of_memory(loaded->size);
        } else {
            memcpy(loaded->bytes, reply->str, (size_t)loaded->size);
            code = EXIT_CODE_OK;
        }
    }
    freeReplyObject(reply);
    slotq_redis_close(server);
    return code;
}

/* The library reads it once more. Of a file that was moved away it has no name. */
static void judge_descriptor(const command_line *line, const char *name, image *loaded)
{
    static slotq_error error; /* its text outlives the call */
    loaded->outcome = sharded_look(line, name, &error);
    if (loaded->outcome != SLOTQ_OK) {
        loaded->damage = (slotq_damage){.offset = error.offset, .what = error.text};
    }
}

int image_load(const command_line *line, const char *name, image *loaded)
{
    slotq *queue = NULL;
    slotq_error error;
    memset(loaded, 0, sizeof *loaded);
    const bool is_name = sharded_look(line, name, &error) == SLOTQ_OK;
    const slotq_outcome outcome =
        is_name ? SLOTQ_OK : open_quietly(line, name, true, &queue, &error);
    int code;
    if (is_name) {
        code = open_is_server(line->url) ? load_key(line, name, loaded)
                                         : load_file(line, name, loaded);
    } else if (outcome == SLOTQ_OK) {
        code = load_export(queue, name, loaded);
        slotq_close(queue);
    } else if ((outcome == SLOTQ_NOQUEUE || outcome == SLOTQ_INVALID) && is_file(line, name)) {
        code = load_path(name, loaded);
    } else if (outcome == SLOTQ_NOQUEUE || outcome == SLOTQ_INVALID ||
               outcome == SLOTQ_UNSUPPORTED || outcome == SLOTQ_CONNECT) {
        return complain_open(line, name, &error);
    } else if (open_is_server(line->url)) {
        const bool damaged = outcome == SLOTQ_CORRUPT || outcome == SLOTQ_VERSION;
        code = damaged ? load_key(line, name, loaded) : complain_open(line, name, &error);
    } else {
        code = load_file(line, name, loaded);
        if (code == EXIT_CODE_OK && outcome != SLOTQ_CORRUPT && outcome != SLOTQ_VERSION) {
            complain("%s; its bytes are shown as they are now, and other processes may be writing",
                     error.text);
        }
    }
    if (code != EXIT_CODE_OK) {
        image_free(loaded);
        return code;
    }
    loaded->is_descriptor = bytes_begin_descriptor(loaded->bytes, loaded->size);
    if (loaded->is_descriptor) {
        judge_descriptor(line, name, loaded);
        return EXIT_CODE_OK;
    }
    loaded->outcome = slotq_core_open(&loaded->view, loaded->bytes, loaded->size, &loaded->damage);
    loaded->opened = loaded->outcome == SLOTQ_OK;
    if (loaded->opened) {
        loaded->outcome = slotq_core_check(&loaded->view, &loaded->damage);
    }
    return EXIT_CODE_OK;
}

void image_free(image *loaded)
{
    free(loaded->bytes);
    loaded->bytes = NULL;
}

/* output.c: payloads, JSON lines and colour on stdout (output.h).
 */
#include "output.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report.h"
#include "texts.h"

bool output_is_terminal(void)
{
    return isatty(STDOUT_FILENO) == 1;
}

unsigned output_columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40) {
        return size.ws_col;
    }
    return 80;
}

void output_payload(const void *bytes, size_t size, unsigned most_columns)
{
    if (size != 0 && !output_is_terminal()) {
        fwrite(bytes, 1, size, stdout);
    } else {
        output_note(bytes, size, most_columns);
    }
}

void output_note(const void *bytes, size_t size, unsigned most_columns)
{
    const uint8_t *at = bytes;
    unsigned columns = 0;
    for (size_t done = 0; done < size;) {
        const size_t length = visible_bytes(at + done, size - done);
        const unsigned width = length != 0 ? (unsigned)character_columns(at + done, length) : 4;
        if (most_columns != 0 && columns + width + 3 > most_columns) {
            fputs("...", stdout);
            return;
        }
        if (length != 0) {
            fwrite(at + done, 1, length, stdout);
        } else {
            printf("\\x%02x", at[done]);
        }
        columns += width;
        done += length != 0 ? length : 1;
    }
}

void output_wrapped(const char *text, unsigned used, unsigned indent)
{
    const size_t columns = output_columns();
    size_t at = used;
    while (output_is_terminal() && at + strlen(text) > columns && at < columns) {
        const char *end = text + (columns - at);
        while (end > text && *end != ' ') {
            end--;
        }
        if (end == text && at == indent) { /* one long word */
            break;
        }
        printf("%.*s\n%*s", (int)(end - text), text, (int)indent, "");
        text = *end == ' ' ? end + 1 : end;
        at = indent;
    }
    puts(text);
}

static char *base64(const uint8_t *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc((size + 2) / 3 * 4 + 1);
    size_t used = 0;
    for (size_t i = 0; text != NULL && i < size; i += 3) {
        const size_t left = size - i;
        const uint32_t three = (uint32_t)bytes[i] << 16 |
                               (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                               (left > 2 ? (uint32_t)bytes[i + 2] : 0);
        text[used++] = digits[three >> 18];
        text[used++] = digits[three >> 12 & 63];
        text[used++] = left > 1 ? digits[three >> 6 & 63] : '=';
        text[used++] = left > 2 ? digits[three & 63] : '=';
    }
    if (text != NULL) {
        text[used] = '\0';
    }
    return text;
}

void output_json_bytes(json_t *object, const char *name, const char *base64_name, const void *bytes,
                       size_t size)
{
    json_t *text = json_stringn(size != 0 ? bytes : "", size);
    if (text != NULL) {
        json_object_set_new(object, name, text);
        return;
    }
    char *encoded = base64(bytes, size);
    json_object_set_new(object, base64_name, json_string(encoded));
    free(encoded);
}

void output_json_payload(json_t *object, const void *bytes, size_t size)
{
    output_json_bytes(object, "payload", "payload_base64", bytes, size);
}

void output_json_note(json_t *object, const void *bytes, size_t size)
{
    if (size != 0) {
        output_json_bytes(object, "note", "note_base64", bytes, size);
    }
}

json_t *output_json_id(uint64_t id)
{
    return id <= SLOTQ_ID_MAX ? json_integer((json_int_t)id) : json_string(id_text(id).text);
}

json_t *output_json_queue(const char *name)
{
    json_t *object = json_object();
    output_json_bytes(object, "queue", "queue_base64", name, strlen(name));
    return object;
}

void output_json_merged(json_t *object, json_t *more)
{
    if (object != NULL && more != NULL && json_object_update(object, more) == 0) {
        json_decref(more);
        output_json(object);
        return;
    }
    json_decref(object);
    json_decref(more);
    output_json(NULL);
}

static char done_text[160];
static int write_errno; /* of JSON that could not be written after a change */

void output_done(const char *format, ...)
{
    if (format == NULL) {
        snprintf(done_text, sizeof done_text, "what was asked for was done");
        return;
    }
    va_list values;
    va_start(values, format);
    vsnprintf(done_text, sizeof done_text, format, values);
    va_end(values);
}

void output_json(json_t *object)
{
    const size_t flags = JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(6);
    if (object == NULL) {
        complain("cannot write JSON: out of memory");
        exit(EXIT_CODE_FAILURE);
    }
    if (json_dumpf(object, stdout, flags) != 0) {
        write_errno = errno;
        if (done_text[0] == '\0') { /* nothing is left to be done, or told */
            exit(output_failed());
        }
    }
    putchar('\n');
    json_decref(object);
}

static const char *sequence(const char *text)
{
    const char *no_color = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    const bool wanted = output_is_terminal() && (no_color == NULL || no_color[0] == '\0') &&
                        (terminal == NULL || strcmp(terminal, "dumb") != 0);
    return wanted ? text : "";
}

const char *output_bold(void)
{
    return sequence("\033[1m");
}

const char *output_red(void)
{
    return sequence("\033[31m");
}

const char *output_green(void)
{
    return sequence("\033[32m");
}

const char *output_dim(void)
{
    return sequence("\033[2m");
}

const char *output_plain(void)
{
    return sequence("\033[0m");
}

int output_failed(void)
{
    static bool told; /* stdout stays broken, and is looked at again at the end */
    const int why = write_errno != 0 ? write_errno : errno != 0 ? errno : EIO;
    if (!told) {
        complain("cannot write to stdout: %s%s%s", strerror(why), done_text[0] != '\0' ? "; " : "",
                 done_text);
    }
    told = true;
    return EXIT_CODE_FAILURE;
}

int output_finish(int code)
{
    errno = 0;
    return fflush(stdout) != 0 || ferror(stdout) ? worse_exit(code, output_failed()) : code;
}

bool output_confirm(bool said_yes, const char *question)
{
    if (said_yes || !isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
        return true;
    }
    fprintf(stderr, "%s [y/N] ", question);
    fflush(stderr);
    const int first = getchar();
    for (int rest = first; rest != '\n' && rest != EOF;) {
        rest = getchar();
    }
    return first == 'y' || first == 'Y';
}

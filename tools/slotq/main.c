/* main.c: reads the command line and runs the command it names.
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "line/command_line.h"
#include "line/help.h"
#include "verbs/open.h"
#include "say/output.h"
#include "say/report.h"
#include "say/texts.h"

/* 0, 1 and 2 must be taken, or a queue's file could become stdout. A stdin that was closed refuses
 * reads: a payload that never came must not look like an empty one. A stdout that was closed
 * refuses what is written: a token that is not printed must not look like success. */
static void hold_standard_descriptors(void)
{
    static const int modes[] = {O_WRONLY, O_RDONLY, O_RDWR};
    for (int descriptor = STDIN_FILENO; descriptor <= STDERR_FILENO; descriptor++) {
        if (fcntl(descriptor, F_GETFD) < 0) {
            (void)open("/dev/null", modes[descriptor]);
        }
    }
}

/* Only a file that was truncated can raise it; confirmed changes are not undone. */
static void file_was_shortened(int number)
{
    static const char text[] =
        "slotq: the queue's file was truncated while it was open. Restore it from a backup (slotq "
        "import), and let only slotq write to it\n";
    (void)number;
    (void)!write(STDERR_FILENO, text, sizeof text - 1);
    _exit(EXIT_CODE_CORRUPT);
}

static void size_limit_reached(int number)
{
    (void)number;
}

/* A file-size limit is an error with a text, not the end of the process. A handler is undone by
 * exec, so that commands of work begin as this process did: ignored signals stay ignored. */
static void survive_size_limits(void)
{
    struct sigaction before;
    if (sigaction(SIGXFSZ, NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
        signal(SIGXFSZ, size_limit_reached);
    }
}

/* Users who mean a server often write localhost:6379 first. */
static void hint_at_servers(const command_line *line)
{
    if (strchr(line->url, ':') != NULL && slotq_url_kind(line->url) == SLOTQ_PLACE_FOLDER &&
        access(line->url, F_OK) != 0) {
        complain("no such folder: %s; the URL of a server begins with redis:// or unix://",
                 shown_url(line->url).text);
    }
}

/* A URL is kept in a script, and what it leaves out is forgotten. */
static bool is_insecure(const char *url)
{
    const slotq_place place = slotq_url_kind(url);
    const char *query = strchr(url, '?');
    return (place == SLOTQ_PLACE_TLS || place == SLOTQ_PLACE_SENTINEL_TLS) && query != NULL &&
           strstr(query, "insecure=1") != NULL;
}

/* Once, whichever of the command's URLs it is. */
static void warn_of_insecurity(const command_line *line)
{
    const bool copies = strcmp(line->command->name, "copy") == 0 && line->count > 1;
    if (is_insecure(line->url) || (copies && is_insecure(line->operands[1])) ||
        (given(line, OPTION_TO_URL) && is_insecure(line->options[OPTION_TO_URL].text))) {
        remark("warning: insecure=1: the server's certificate is not verified");
    }
}

int main(int argc, char **argv)
{
    hold_standard_descriptors();
    signal(SIGBUS, file_was_shortened);
    setlocale(LC_CTYPE, "");
    survive_size_limits();
    command_line line;
    int code = command_line_read(&line, argc, argv);
    if (given(&line, OPTION_QUIET)) {
        report_be_quiet();
    }
    if (code != EXIT_CODE_OK) {
        /* said already */
    } else if (given(&line, OPTION_HELP)) {
        code = line.command != NULL ? help_command(line.command) : help_overview();
    } else if (line.command == NULL) {
        (void)help_overview();
        code = EXIT_CODE_USAGE; /* a script that lost its command must not go on */
    } else {
        warn_of_insecurity(&line);
        code = line.command->run(&line);
        if (code != EXIT_CODE_OK) {
            hint_at_servers(&line);
        }
    }
    progress_end();
    free(line.operands);
    free(line.texts);
    return output_finish(code);
}

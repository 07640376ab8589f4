/* check.c: the command check: every byte of a queue held against the format, and what to do.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../line/command_line.h"
#include "open.h"
#include "sharded.h"
#include "../say/output.h"
#include "../say/report.h"
#include "../say/texts.h"

/* Set it aside, and put a backup in its place. */
static void complain_remedy(const command_line *line, const char *name)
{
    char *path = open_is_server(line->url) ? strdup(name) : open_path(line->url, name);
    char *aside = NULL;
    if (path != NULL && asprintf(&aside, "%s.damaged", path) >= 0) {
        complain("to see every field: %s; to restore a backup: %s %s %s; %s < BACKUP. The damaged "
                 "bytes are shown by %s then",
                 shown_command(line, "dump", name).text,
                 open_is_server(line->url) ? "redis-cli RENAMENX" : "mv", shell_word(path).text,
                 shell_word(aside).text, shown_command(line, "import", name).text,
                 shown_command(line, "dump", aside).text);
    }
    free(aside);
    free(path);
}

static int complain_damaged(const command_line *line, const char *name, const slotq_error *error)
{
    if (given(line, OPTION_JSON)) {
        output_json_merged(output_json_queue(name),
                           json_pack("{s:s, s:I, s:s}", "verdict", "damaged", "offset",
                                     (json_int_t)error->offset, "what",
                                     plain_word(error->text).text));
    }
    complain_error(NULL, error);
    /* where it is the journal, the text says what to do */
    if (error->outcome == SLOTQ_CORRUPT && error->cause != SLOTQ_CAUSE_JOURNAL) {
        complain_remedy(line, name);
    }
    return slotq_outcome_exit(error->outcome);
}

static int print_sound(const command_line *line, const char *name, slotq *queue)
{
    slotq_stats stats = {0};
    uint32_t ready = 0;
    uint32_t leased = 0;
    uint32_t waiting = 0;
    const uint8_t groups = slotq_geometry_of(queue)->groups;
    for (uint8_t group = 0; group < groups; group++) {
        if (slotq_get_stats(queue, group, &stats) != SLOTQ_OK) {
            return complain_queue(queue, name);
        }
        ready += stats.ready;
        leased += stats.leased;
        waiting += stats.waiting;
    }
    if (given(line, OPTION_JSON)) {
        output_json_merged(output_json_queue(name),
                           json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "verdict", "sound",
                                     "bytes", (json_int_t)slotq_image_bytes(queue), "ready",
                                     (json_int_t)ready, "leased", (json_int_t)leased, "waiting",
                                     (json_int_t)waiting, "dead", (json_int_t)stats.dead, "later",
                                     (json_int_t)stats.later));
        return EXIT_CODE_OK;
    }
    printf("%s: %ssound%s, %s bytes; %s ready, %s leased, %s waiting, %s dead%s%s\n",
           plain_word(name).text, output_green(), output_plain(),
           count_text(slotq_image_bytes(queue)).text, count_text(ready).text,
           count_text(leased).text, count_text(waiting).text, count_text(stats.dead).text,
           stats.later_capacity != 0 ? ", scheduled: " : "",
           stats.later_capacity != 0 ? count_text(stats.later).text : "");
    return EXIT_CODE_OK;
}

/* The descriptor of a sharded queue: its shards prove what it must say. */
static int complain_descriptor(const command_line *line, const char *name, const slotq_error *error)
{
    if (given(line, OPTION_JSON)) {
        output_json_merged(output_json_queue(name),
                           json_pack("{s:s, s:I, s:s}", "verdict", "damaged", "offset",
                                     (json_int_t)error->offset, "what",
                                     plain_word(error->text).text));
    }
    complain_error(NULL, error);
    complain("to see every field: %s; to make it anew of its shards: %s",
             shown_command(line, "dump", name).text,
             shown_command(line, "shards repair", name).text);
    return slotq_outcome_exit(error->outcome);
}

static int check_queue(const command_line *line, const char *name);

/* The file of a queue named by its path, FOLDER/QUEUE.slotq: checked as that queue, with its
 * journal and its lock. False: it is not one. */
static bool check_path(const command_line *line, const char *path, int *code)
{
    static const char ending[] = ".slotq";
    const char *slash = strrchr(path, '/');
    const size_t length = strlen(path);
    if (slash == NULL || length <= strlen(ending) || access(path, F_OK) != 0 ||
        strcmp(path + length - strlen(ending), ending) != 0) {
        return false;
    }
    char *folder = strndup(path, slash > path ? (size_t)(slash - path) : 1);
    char *name = strndup(slash + 1, strlen(slash + 1) - strlen(ending));
    *code = EXIT_CODE_FAILURE;
    if (folder == NULL || name == NULL) {
        complain("out of memory");
    } else {
        command_line there = *line;
        there.url = folder;
        there.options[OPTION_URL].given = true; /* in commands that are shown */
        *code = check_queue(&there, name);
    }
    free(folder);
    free(name);
    return true;
}

/* Its descriptor is sound: each shard is checked by its key. */
static int check_shards(const command_line *line, const char *name, const sharded *all)
{
    int code = EXIT_CODE_OK;
    uint32_t checked = 0;
    for (uint32_t i = 0; i < all->count; i++) {
        const shard_row *row = &all->rows[i];
        if (row->state == SLOTQ_SHARD_GONE || row->state == SLOTQ_SHARD_MAKING) {
            continue;
        }
        code = worse_exit(code, check_queue(line, row->key));
        checked++;
    }
    if (code == EXIT_CODE_OK) {
        remark("%s: its descriptor and its %" PRIu32 " shards are sound", name, checked);
    }
    return code;
}

static int check_queue(const command_line *line, const char *name)
{
    slotq *queue;
    slotq_error error;
    sharded all;
    int code;
    const bool may_be_shard = strchr(name, '{') != NULL;
    slotq_outcome outcome = may_be_shard ? SLOTQ_OK : sharded_read(line, name, &all, &error);
    if (outcome == SLOTQ_OK && !may_be_shard) {
        code = check_shards(line, name, &all);
        sharded_free(&all);
        return code;
    }
    if (outcome == SLOTQ_CORRUPT) {
        return complain_descriptor(line, name, &error);
    }
    outcome = open_quietly(line, name, true, &queue, &error);
    if (outcome == SLOTQ_INVALID && !open_is_server(line->url) && check_path(line, name, &code)) {
        return code;
    }
    if (outcome == SLOTQ_CORRUPT || outcome == SLOTQ_VERSION) {
        return complain_damaged(line, name, &error);
    }
    if (outcome != SLOTQ_OK) {
        return complain_open(line, name, &error);
    }
    outcome = slotq_check(queue);
    if (outcome == SLOTQ_OK) {
        code = print_sound(line, name, queue);
    } else if (outcome == SLOTQ_CORRUPT) {
        code = complain_damaged(line, name, slotq_error_of(queue));
    } else {
        code = complain_queue(queue, name);
    }
    slotq_close(queue);
    return code;
}

int run_check(const command_line *line)
{
    return check_queue(line, line->operands[0]);
}

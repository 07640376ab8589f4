/* fuzz_frame.c: any bytes read as the frame of a task: reading stays within them, and what is a
 * frame is written again to the same bytes. A mux, new or with a cache, reads the same.
 */
#include <stdlib.h>
#include <string.h>

#include "../engine/worker/mux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool rule)
{
    if (!rule) {
        abort();
    }
}

static slotq_result run_nothing(void *context, slotq_task *task)
{
    (void)context;
    (void)task;
    return slotq_result_done();
}

/* A frame of form B has been read: its headers are pieces up to an empty one. */
static uint32_t split_headers(const char *at, char names[][SLOTQ_HEADER_NAME_BYTES_MAX + 1],
                              slotq_header *headers)
{
    uint32_t count = 0;
    while (*at != '\0') {
        const size_t name_bytes = strcspn(at, "=");
        require(count < SLOTQ_HEADERS_MAX && name_bytes <= SLOTQ_HEADER_NAME_BYTES_MAX);
        memcpy(names[count], at, name_bytes);
        names[count][name_bytes] = '\0';
        headers[count].name = names[count];
        headers[count].value = at + name_bytes + 1;
        headers[count].bytes = (uint32_t)strlen(at + name_bytes + 1);
        at += strlen(at) + 1;
        count++;
    }
    return count;
}

static void check_headers(const slotq_task_info *info, const slotq_task_spec *task)
{
    const void *value;
    uint32_t bytes;
    for (uint32_t i = 0; i < task->header_count; i++) {
        const slotq_header *header = &task->headers[i];
        require(
            slotq_frame_header(info->payload, info->payload_bytes, header->name, &value, &bytes));
        require((const char *)value <= (const char *)header->value); /* the first of its name */
    }
    require(!slotq_frame_header(info->payload, info->payload_bytes, "", &value, &bytes));
}

/* Written again: the same, but form A where form B has no headers. */
static void check_written(const slotq_task_info *info)
{
    char names[SLOTQ_HEADERS_MAX][SLOTQ_HEADER_NAME_BYTES_MAX + 1];
    slotq_header headers[SLOTQ_HEADERS_MAX];
    const char *payload = info->payload;
    slotq_task_spec task = {
        .type = info->type, .body = info->body, .body_bytes = info->body_bytes, .headers = headers};
    if (payload[0] == 1) {
        task.header_count = split_headers(info->type + info->type_bytes + 1, names, headers);
    }
    const bool loses = payload[0] == 1 && task.header_count == 0;
    const uint32_t bytes = info->payload_bytes - (loses ? 2 : 0);
    char *written = malloc(bytes);
    require(written != NULL);
    require(slotq_frame_write(&task, written, bytes) == bytes);
    if (loses) {
        require(memcmp(written, payload + 1, info->type_bytes + 1u) == 0);
    } else {
        require(memcmp(written, payload, bytes) == 0);
    }
    check_headers(info, &task);
    free(written);
}

static void require_same(const slotq_task_info *found, const slotq_task_info *right)
{
    require(found->type_bytes == right->type_bytes && found->body_bytes == right->body_bytes);
    require(memcmp(found->type, right->type, right->type_bytes + 1u) == 0);
    require(found->body == right->body && found->due_ms == right->due_ms);
}

static void check_mux(const slotq_task_info *info, bool is_frame)
{
    slotq_mux *mux;
    mux_cache cache = {0};
    const slotq_handler handler = {.run = run_nothing};
    require(slotq_mux_new(&mux) == SLOTQ_OK);
    require(!is_frame || slotq_mux_exact(mux, info->type, &handler) == SLOTQ_OK);
    require(slotq_mux_prefix(mux, "ab", &handler) == SLOTQ_OK);
    for (int i = 0; i < 2; i++) { /* the second time its type is in the cache */
        slotq_task_info found = {0};
        const mux_entry *entry =
            mux_find(mux, &cache, SLOTQ_FRAME_AUTO, info->payload, info->payload_bytes, &found);
        require_same(&found, info);
        require(entry == mux_at(mux, is_frame ? 2 : 0));
        entry =
            mux_find(mux, &cache, SLOTQ_FRAME_TYPED, info->payload, info->payload_bytes, &found);
        require_same(&found, info);
        require((entry != NULL) == is_frame);
    }
    slotq_mux_free(mux);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    slotq_task_info info;
    if (size > SLOTQ_PAYLOAD_BYTES_MAX) {
        return 0;
    }
    const slotq_outcome outcome = slotq_frame_read(data, (uint32_t)size, &info);
    require(info.payload == data && info.payload_bytes == size);
    if (outcome == SLOTQ_OK) {
        check_written(&info);
    } else {
        require(outcome == (size > 0 && data[0] == 1 ? SLOTQ_INVALID : SLOTQ_EMPTY));
        require(info.type_bytes == 0 && info.body == data && info.body_bytes == size);
        require(!slotq_frame_header(data, (uint32_t)size, "due", NULL, NULL));
    }
    check_mux(&info, outcome == SLOTQ_OK);
    return 0;
}

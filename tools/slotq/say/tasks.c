/* tasks.c: see tasks.h.
 */
#include "tasks.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "output.h"
#include "slotq_frame.h"

static bool is_task(const void *bytes, size_t size, slotq_task_info *task)
{
    return size <= SLOTQ_PAYLOAD_BYTES_MAX &&
           slotq_frame_read(bytes, (uint32_t)size, task) == SLOTQ_OK;
}

void output_task(const void *bytes, size_t size, unsigned most_columns)
{
    slotq_task_info task;
    if (!is_task(bytes, size, &task)) {
        output_payload(bytes, size, most_columns);
        return;
    }
    if (!output_is_terminal()) {
        printf("%s\t", task.type);
        output_payload(task.body, task.body_bytes, 0);
        return;
    }
    printf("%s", output_bold());
    output_payload(task.type, task.type_bytes, most_columns);
    printf("%s", output_plain());
    if (most_columns == 0 || task.type_bytes + 5 < most_columns) { /* a blank and "..." */
        putchar(' ');
        output_payload(task.body, task.body_bytes,
                       most_columns == 0 ? 0 : most_columns - task.type_bytes - 1);
    }
}

/* The headers of a whole form B: NAME=VALUE, each with a NUL, up to an empty one. */
static json_t *headers_of(const slotq_task_info *task)
{
    json_t *headers = json_object();
    const char *at = task->type + task->type_bytes + 1;
    while (*at != '\0') {
        char name[SLOTQ_HEADER_NAME_BYTES_MAX + 1];
        char base64_name[sizeof name + sizeof "_base64"]; /* no header can have an underscore */
        const size_t name_bytes = strcspn(at, "=");
        const char *value = at + name_bytes + 1;
        snprintf(name, sizeof name, "%.*s", (int)name_bytes, at);
        snprintf(base64_name, sizeof base64_name, "%s_base64", name);
        if (json_object_get(headers, name) == NULL && /* the first of a name counts */
            json_object_get(headers, base64_name) == NULL) {
            output_json_bytes(headers, name, base64_name, value, strlen(value));
        }
        at = value + strlen(value) + 1;
    }
    return headers;
}

void output_json_task(json_t *object, const void *bytes, size_t size)
{
    slotq_task_info task;
    if (is_task(bytes, size, &task)) {
        json_object_set_new(object, "type", json_string(task.type));
        if (task.type != bytes && task.type[task.type_bytes + 1] != '\0') {
            json_object_set_new(object, "headers", headers_of(&task));
        }
    }
    output_json_payload(object, bytes, size);
}

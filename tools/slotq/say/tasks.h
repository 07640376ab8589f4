/* tasks.h: payloads on stdout that may be tasks (slotq_frame.h): the type and the body of one that
 * is, any other as output.h shows it. Knows no queue.
 */
#ifndef SLOTQ_TOOLS_SAY_TASKS_H
#define SLOTQ_TOOLS_SAY_TASKS_H

#include <jansson.h>
#include <stddef.h>

/* As output_payload. A task is its type, a blank (in a pipe a tab), and its body. */
void output_task(const void *bytes, size_t size, unsigned most_columns);

/* Set "type" and "headers" of a task, then as output_json_payload, frame included. */
void output_json_task(json_t *object, const void *bytes, size_t size);

#endif

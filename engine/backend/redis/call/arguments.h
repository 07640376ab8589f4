/* arguments.h: the arguments of a command, put one after another: keys, numbers, texts, packed
 * bytes. Knows how each is written; no script.
 */
#ifndef SLOTQ_BACKEND_REDIS_CALL_ARGUMENTS_H
#define SLOTQ_BACKEND_REDIS_CALL_ARGUMENTS_H

#include "redis_script_names.h"
#include "request.h"

/* Begin with the key and the first argument: what the handle knows of the geometry, then the time.
 * other: the queue of a second key, or NULL. false: no memory. */
bool arguments_begin(redis_request *request, const redis_terms *terms, const redis_terms *other,
                     redis_script_index script, uint64_t now_ms);

/* The room is there: begin has made more than any script but push takes. */
void arguments_put(redis_request *request, const void *bytes, size_t length);
void arguments_put_text(redis_request *request, const char *text);
void arguments_put_number(redis_request *request, uint64_t value);
/* An id, or one that was never issued for an id that is too large. */
void arguments_put_id(redis_request *request, uint64_t id);

/* request->packed has room for so many bytes; what it had is lost. false: no memory. */
bool arguments_have_packed(redis_request *request, size_t bytes);

/* Low 32 bits of a push's tick by the clock that counts. */
uint32_t arguments_stamp(const redis_terms *terms, uint64_t now_ms);

#endif

/* request_move.c: the arguments of the script move (request.h), which has two keys and no call.
 */
#include "../../../core/limits.h"
#include "../../../layout/bytes.h"
#include "../../../layout/fields.h"
#include "arguments.h"
#include "packed.h"

/* Its slot in the target. */
static void put_slot(redis_request *request, const redis_terms *terms, const redis_terms *target,
                     const store_move *move)
{
    uint8_t *slot = request->packed;
    const redis_terms there = {.view = target->view,
                               .own_clock = terms->own_clock,
                               .server_ahead_ms = terms->server_ahead_ms};
    const uint32_t stamp = arguments_stamp(&there, move->now_ms);
    arguments_put_text(request, "slot");
    arguments_put(request, slot,
                  packed_store_slots(slot, target->view, stamp, move->data, 1, true));
}

slotq_outcome redis_request_move(redis_request *request, const redis_terms *terms,
                                 const redis_terms *target, store_move *move)
{
    push_size size;
    const push_limit limit =
        move->data != NULL ? push_judge(&target->view->geometry, move->data, 1, &size) : PUSH_FITS;
    if (limit != PUSH_FITS) { /* the target has other sizes now */
        move->target_refused = true;
        return push_limit_outcome(limit);
    }
    if (!arguments_begin(request, terms, target, REDIS_SCRIPT_move, move->now_ms) ||
        !arguments_have_packed(request, (size_t)target->view->stride)) {
        return SLOTQ_NOMEMORY;
    }
    arguments_put(request, target->geometry, GEOMETRY_BYTES);
    arguments_put_number(request, move->group);
    arguments_put_id(request, move->id);
    arguments_put_number(request, move->token);
    if (move->data != NULL) {
        arguments_put(request, NULL, 0); /* no key: one step moves it once */
        put_slot(request, terms, target, move);
    }
    return SLOTQ_OK;
}

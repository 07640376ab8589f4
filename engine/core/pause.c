/* pause.c: pause and resume of pushing (in) and reserving (out); a closed queue, and its end.
 */
#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "verbs.h"
#include "wakes.h"

slotq_outcome pause_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    slotq_step *step = frame->step;
    const uint32_t what = call->pause.what;
    if (what < SLOTQ_PAUSE_IN || what > SLOTQ_PAUSE_ALL) {
        return SLOTQ_INVALID;
    }
    const uint32_t before = frame->front.paused;
    const uint32_t after = call->verb == SLOTQ_PAUSE ? before | what : before & ~what;
    if (after != before) { /* a store of one byte is atomic: no journal */
        uint8_t *byte = step_scratch(step, BYTES_shared_paused);
        *byte = (uint8_t)after;
        step_patch_scratch(step, AT_shared_paused, byte, BYTES_shared_paused);
        if (call->verb == SLOTQ_RESUME && ((before ^ after) & SLOTQ_PAUSE_BOTH)) {
            wakes_deliver(frame, wakes_all_groups(view), WAKES_MANY);
        }
    }
    return frame_commit(frame, SLOTQ_OK);
}

slotq_outcome finish_step(verb_frame *frame)
{
    const front_block *front = &frame->front;
    const uint32_t later_count = load_u16(frame->view->bytes + AT_shared_later_count);
    if (!(front->paused & SLOTQ_PAUSE_CLOSED) || front->head != front->tail ||
        front->aside_count + front->dead_count + later_count != 0) {
        return SLOTQ_UNFINISHED;
    }
    frame->call->finish.last_id = front->last_id;
    return SLOTQ_OK;
}

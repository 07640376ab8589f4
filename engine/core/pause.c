/* pause.c: pause and resume of pushing (in) and reserving (out).
 */
#include "../layout/fields.h"
#include "verbs.h"
#include "wakes.h"

slotq_outcome pause_step(verb_frame *frame)
{
    const slotq_view *view = frame->view;
    slotq_call *call = frame->call;
    slotq_step *step = frame->step;
    const uint32_t what = call->pause.what;
    if (what < SLOTQ_PAUSE_IN || what > SLOTQ_PAUSE_BOTH) {
        return SLOTQ_INVALID;
    }
    const uint32_t before = frame->front.paused;
    const uint32_t after = call->verb == SLOTQ_PAUSE ? before | what : before & ~what;
    if (after != before) { /* a store of one byte is atomic: no journal */
        uint8_t *byte = step_scratch(step, BYTES_shared_paused);
        *byte = (uint8_t)after;
        step_patch_scratch(step, AT_shared_paused, byte, BYTES_shared_paused);
        if (call->verb == SLOTQ_RESUME) {
            wakes_deliver(frame, wakes_all_groups(view), WAKES_MANY);
        }
    }
    return frame_commit(frame, SLOTQ_OK);
}

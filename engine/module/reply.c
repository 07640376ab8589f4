/* reply.c: see call.h. Here: replies.
 */
#include <string.h>

#include "../layout/bytes.h"
#include "../layout/fields.h"
#include "call.h"

/* The counter is that of the bytes: in a queue with places the core counts what is not written. */
static void tell_owed(module_call *call)
{
    if (call->owed.need == 0 || call->is_told) {
        return;
    }
    call->is_told = true;
    server.ReplyWithArray(call->context, 5);
    server.ReplyWithSimpleString(call->context, "RING");
    server.ReplyWithLongLong(call->context,
                             load_u32(call->bytes + AT_shared_wake) / WAKE_COUNT_ONE);
    if (call->owed.group == SLOTQ_ALL_GROUPS) {
        server.ReplyWithSimpleString(call->context, "all");
    } else {
        server.ReplyWithLongLong(call->context, call->owed.group);
    }
    server.ReplyWithLongLong(call->context, call->owed.need);
}

void reply_line(module_call *call, const char *text)
{
    tell_owed(call);
    server.ReplyWithSimpleString(call->context, text);
}

void reply_status(module_call *call, slotq_outcome outcome)
{
    reply_line(call, outcome_name(outcome));
}

void reply_signed(module_call *call, int64_t value)
{
    tell_owed(call);
    server.ReplyWithLongLong(call->context, (long long)value);
}

void reply_number(module_call *call, uint64_t value)
{
    reply_signed(call, (int64_t)value);
}

void reply_bytes(module_call *call, const void *bytes, size_t length)
{
    tell_owed(call);
    server.ReplyWithStringBuffer(call->context, bytes, length);
}

void reply_text(module_call *call, const char *text)
{
    reply_bytes(call, text, strlen(text));
}

void reply_array(module_call *call, long count)
{
    tell_owed(call);
    server.ReplyWithArray(call->context, count);
}

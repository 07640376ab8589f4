/* reply.c: see call.h. Here: replies.
 */
#include <string.h>

#include "call.h"

void reply_status(module_call *call, slotq_outcome outcome)
{
    server.ReplyWithSimpleString(call->context, outcome_name(outcome));
}

void reply_number(module_call *call, uint64_t value)
{
    server.ReplyWithLongLong(call->context, (long long)value);
}

void reply_bytes(module_call *call, const void *bytes, size_t length)
{
    server.ReplyWithStringBuffer(call->context, bytes, length);
}

void reply_text(module_call *call, const char *text)
{
    reply_bytes(call, text, strlen(text));
}

void reply_array(module_call *call, long count)
{
    server.ReplyWithArray(call->context, count);
}

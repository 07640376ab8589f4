/* served.c: see served.h. Without the reply no client knows the tokens, so a release harms none. A
 * lease that has ended or was settled meanwhile has another token, and stays.
 */
#include "served.h"

#include <string.h>

#include "reserve.h"

struct module_served {
    server_string *key_name;
    uint64_t group;
    uint32_t run_count;
    slotq_run runs[];
};

static module_call call_of_release;
static uint32_t releases;

module_served *served_note(const module_call *call, uint64_t group)
{
    size_t length;
    const char *name = server.StringPtrLen(call->key_name, &length);
    const slotq_run *runs;
    const uint32_t run_count = reserve_runs(&runs);
    const size_t run_bytes = (size_t)run_count * sizeof *runs;
    module_served *served = server.Alloc(sizeof *served + run_bytes);
    served->key_name = server.CreateString(NULL, name, length);
    served->group = group;
    served->run_count = run_count;
    memcpy(served->runs, runs, run_bytes);
    return served;
}

void served_forget(module_served *served)
{
    server.FreeString(NULL, served->key_name);
    server.Free(served);
}

static void release(module_call *call, const module_served *served)
{
    static uint8_t outcomes[SLOTQ_CALL_MESSAGES_MAX];
    static uint32_t tokens[SLOTQ_CALL_MESSAGES_MAX];
    call_verb(call, SLOTQ_RELEASE);
    call->verb.settle = (slotq_call_settle){.runs = served->runs,
                                            .run_count = served->run_count,
                                            .group = (uint8_t)served->group,
                                            .outcomes = outcomes,
                                            .tokens = tokens};
    call_run(call); /* no client hears what it says */
}

/* The context of a timer may replicate; that of a client that has gone may not. */
static void on_time(server_context *context, void *data)
{
    static const module_command command = {.name = "release"};
    module_served *served = data;
    module_call *call = &call_of_release;
    call_reset(call, context, &command);
    call->key_name = served->key_name;
    call->is_silent = true;
    if (call_open(call) && served->group < call->view.geometry.groups) {
        release(call, served);
    }
    call_end(call);
    served_forget(served);
    releases--;
}

void served_give_back(server_context *context, module_served *served)
{
    releases++;
    server.CreateTimer(context, 0, on_time, served);
}

bool served_is_busy(void)
{
    return releases > 0;
}

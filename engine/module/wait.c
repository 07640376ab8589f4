/* wait.c: see wait.h. The server keeps the clients of a key in the order in which they came, and
 * offers a key that is ready to one after another, in the turn of the command that changed it. The
 * first of a group that finds nothing answers for those behind it, until the key is offered again.
 * A command of the module says whether a message may go now, and when one may go without a call;
 * any other change of the key lets a client of each group look.
 */
#include "wait.h"

#include <string.h>

#include "../layout/bytes.h"
#include "../layout/fields.h"

enum { WAIT_MS_MAX = 1000000000 }; /* a timer; then the client looks again */

typedef struct module_waiter module_waiter;

/* A key for which clients wait. */
typedef struct module_watch {
    server_string *name;
    module_waiter *first;
    int database;
    uint32_t empty_groups; /* that have nothing since the key was last offered for a reason */
    uint64_t timer;
    uint64_t timer_ms; /* when it ends; UINT64_MAX: there is none */
} module_watch;

struct module_waiter {
    module_watch *watch;
    module_waiter *next;
    server_client *client;
    module_reserve asked;
};

/* By database and name. */
static server_dict *watches;
static uint32_t watch_count;
static module_call call_of_waiter;

/* The event is of a command of the module, which says more by wait_changed. */
static bool tells_itself;

/* The context of a client that has gone has no database. */
static server_context *own_context;

/* ---- keys ---- */

/* What a watch is found by: the database stands before the name. */
static server_string *index_of(int database, server_string *name)
{
    size_t length;
    const char *bytes = server.StringPtrLen(name, &length);
    server_string *index = server.CreateString(NULL, (const char *)&database, sizeof database);
    server.StringAppendBuffer(NULL, index, bytes, length);
    return index;
}

/* NULL: no client waits for it. */
static void find_watch(int database, server_string *name, module_watch **found)
{
    size_t length;
    server_string *index = index_of(database, name);
    const char *bytes = server.StringPtrLen(index, &length);
    *found = server.DictGetC(watches, bytes, length, NULL);
    server.FreeString(NULL, index);
}

static module_watch *make_watch(int database, server_string *name)
{
    size_t length;
    const char *bytes = server.StringPtrLen(name, &length);
    module_watch *made = server.Alloc(sizeof *made);
    *made = (module_watch){.name = server.CreateString(NULL, bytes, length),
                           .database = database,
                           .timer_ms = UINT64_MAX};
    server_string *index = index_of(database, name);
    bytes = server.StringPtrLen(index, &length);
    server.DictSetC(watches, bytes, length, made);
    server.FreeString(NULL, index);
    watch_count++;
    return made;
}

static void free_watch(module_watch *watch)
{
    size_t length;
    server_string *index = index_of(watch->database, watch->name);
    const char *bytes = server.StringPtrLen(index, &length);
    server.DictDelC(watches, bytes, length, NULL);
    server.FreeString(NULL, index);
    server.FreeString(NULL, watch->name);
    server.Free(watch);
    watch_count--;
}

/* Its clients look again, behind the command that runs. */
static void signal_watch(module_watch *watch)
{
    watch->empty_groups = 0;
    server.SelectDb(own_context, watch->database);
    server.SignalKeyAsReady(own_context, watch->name);
}

/* ---- timers ---- */

static void on_timer(server_context *context, void *data)
{
    module_watch *watch = data;
    (void)context;
    watch->timer_ms = UINT64_MAX;
    signal_watch(watch);
}

static void stop_timer(module_watch *watch)
{
    if (watch->timer_ms != UINT64_MAX) {
        server.StopTimer(own_context, watch->timer, NULL);
        watch->timer_ms = UINT64_MAX;
    }
}

/* A lease, a delay or a limit ends then, or a scheduled message is due. */
static void look_at(module_watch *watch, uint64_t due_ms, uint64_t now_ms)
{
    if (due_ms >= watch->timer_ms) {
        return;
    }
    const uint64_t left_ms = due_ms > now_ms ? due_ms - now_ms : 1;
    const uint64_t sleep_ms = left_ms < WAIT_MS_MAX ? left_ms : WAIT_MS_MAX;
    stop_timer(watch);
    watch->timer = server.CreateTimer(own_context, (long long)sleep_ms, on_timer, watch);
    watch->timer_ms = now_ms + sleep_ms;
}

/* A lower bound of the times at which a message may go without a call. */
static uint64_t soonest(const module_call *call)
{
    const slotq_geometry *geometry = &call->view.geometry;
    uint64_t soonest_ms = load_u48(call->bytes + AT_shared_later_due_ms);
    for (uint32_t group = 0; group < geometry->groups; group++) {
        const uint64_t due = load_u48(call->bytes + group_offset(group) + AT_group_due);
        const uint64_t due_ms = due == DUE_NONE ? UINT64_MAX : due * geometry->tick_ms;
        soonest_ms = due_ms < soonest_ms ? due_ms : soonest_ms;
    }
    return soonest_ms < DUE_NONE ? soonest_ms : UINT64_MAX;
}

void wait_changed(module_call *call)
{
    if (watch_count == 0) {
        return;
    }
    module_watch *watch;
    find_watch(server.GetSelectedDb(call->context), call->key_name, &watch);
    if (watch == NULL) {
        return;
    }
    if (call->news.groups != 0 || call->verb.verb == SLOTQ_PAUSE) {
        signal_watch(watch);
    }
    look_at(watch, soonest(call), call_now(call));
}

/* ---- clients ---- */

static const module_command waiting = {.name = "reserve"};

static void begin(server_context *context, const module_waiter *waiter)
{
    call_reset(&call_of_waiter, context, &waiting);
    call_of_waiter.key_name = waiter->watch->name;
}

/* The key may have messages: OK if the client has its reply. */
static int on_ready(server_context *context, server_string **words, int count)
{
    (void)words;
    (void)count;
    module_call *call = &call_of_waiter;
    module_waiter *waiter = server.GetBlockedClientPrivateData(context);
    const uint32_t group = UINT32_C(1) << waiter->asked.group;
    uint64_t due_ms;
    if (waiter->watch->empty_groups & group) {
        return SERVER_ERR;
    }
    begin(context, waiter);
    bool refused = true;
    slotq_outcome outcome = SLOTQ_INVALID;
    if (call_open(call) && call_expect_group(call, waiter->asked.group) &&
        call_expect_duration(call, "lease_ms", waiter->asked.lease_ms)) {
        outcome = reserve_payloads(call, &waiter->asked, &due_ms);
        refused = outcome != SLOTQ_OK && reserve_refused(call, outcome);
    }
    if (outcome != SLOTQ_OK && !refused) {
        look_at(waiter->watch, due_ms, call_now(call));
    }
    const bool left = call->news.groups & group;
    call_end(call);
    if (!refused && !left) { /* those behind it would find nothing */
        waiter->watch->empty_groups |= group;
    }
    return outcome == SLOTQ_OK || refused ? SERVER_OK : SERVER_ERR;
}

/* Its time is over; or the key is gone, which the queue says when it is opened. */
static int on_timeout(server_context *context, server_string **words, int count)
{
    (void)words;
    (void)count;
    module_waiter *waiter = server.GetBlockedClientPrivateData(context);
    begin(context, waiter);
    if (call_open(&call_of_waiter)) {
        reply_array(&call_of_waiter, 0);
    }
    call_end(&call_of_waiter);
    return SERVER_OK;
}

static void unlink_waiter(module_waiter *waiter)
{
    module_waiter **at = &waiter->watch->first;
    while (*at != waiter) {
        at = &(*at)->next;
    }
    *at = waiter->next;
}

/* It was served, or has gone. */
static void free_waiter(server_context *context, void *data)
{
    module_waiter *waiter = data;
    (void)context;
    unlink_waiter(waiter);
    if (waiter->watch->first == NULL) {
        stop_timer(waiter->watch);
        free_watch(waiter->watch);
    }
    server.Free(waiter);
}

void wait_begin(module_call *call, const module_reserve *asked, uint64_t block_ms, uint64_t due_ms)
{
    const int database = server.GetSelectedDb(call->context);
    module_watch *watch;
    find_watch(database, call->key_name, &watch);
    watch = watch != NULL ? watch : make_watch(database, call->key_name);
    module_waiter *waiter = server.Alloc(sizeof *waiter);
    *waiter = (module_waiter){.watch = watch, .next = watch->first, .asked = *asked};
    watch->first = waiter;
    waiter->client = server.BlockClientOnKeys(call->context, on_ready, on_timeout, free_waiter,
                                              (long long)block_ms, &call->key_name, 1, waiter);
    look_at(watch, due_ms, call_now(call));
}

/* ---- changes ---- */

/* The server does not offer a key that is gone. */
static void end_all(module_watch *watch)
{
    for (module_waiter *waiter = watch->first; waiter != NULL; waiter = waiter->next) {
        server.UnblockClient(waiter->client, waiter);
    }
}

static int on_change(server_context *context, int type, const char *event, server_string *key)
{
    (void)event;
    if (watch_count == 0 || tells_itself) {
        return SERVER_OK;
    }
    module_watch *watch;
    find_watch(server.GetSelectedDb(context), key, &watch);
    if (watch == NULL) {
        return SERVER_OK;
    }
    if (type != SERVER_NOTIFY_STRING) {
        server_key *open = server.OpenKey(context, key, SERVER_READ);
        if (open == NULL) {
            end_all(watch);
            return SERVER_OK;
        }
        server.CloseKey(open);
    }
    signal_watch(watch);
    return SERVER_OK;
}

void wait_tell(server_context *context, server_string *key_name)
{
    tells_itself = true;
    server.NotifyKeyspaceEvent(context, SERVER_NOTIFY_STRING, "setrange", key_name);
    tells_itself = false;
}

bool wait_listen(server_context *context)
{
    const int types = SERVER_NOTIFY_STRING | SERVER_NOTIFY_GENERIC | SERVER_NOTIFY_EXPIRED |
                      SERVER_NOTIFY_EVICTED;
    own_context = server.GetThreadSafeContext(NULL);
    watches = server.CreateDict(NULL);
    return server.SubscribeToKeyspaceEvents(context, types, on_change) == SERVER_OK;
}

void wait_end(void)
{
    server.FreeDict(NULL, watches);
    server.FreeThreadSafeContext(own_context);
}

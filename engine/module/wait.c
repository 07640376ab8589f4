/* wait.c: see wait.h. The server keeps the clients of a key in the order in which they came, and
 * offers a key that is ready to one after another, in the turn of the command that changed it. The
 * first of a group that finds nothing answers for those behind it, until the key is offered again.
 * A command of the module says whether a message may go now, and when one may go without a call;
 * any other change of the key lets a client of each group look.
 */
#include "wait.h"

#include <string.h>

#include "served.h"

#include "../layout/bytes.h"
#include "../layout/fields.h"

enum {
    WAIT_MS_MAX = 1000000000, /* a timer; then the client looks again */
    INDEX_BYTES = 256,
    ALL_DATABASES = -1
};

typedef struct module_waiter module_waiter;

/* A key for which clients wait. */
typedef struct module_watch {
    struct module_watch *next;
    struct module_watch *before;
    server_string *name;
    module_waiter *first;
    int database;
    uint32_t empty_groups; /* that have nothing since the key was last offered for a reason */
    uint64_t timer;
    uint64_t timer_ms; /* when it ends; UINT64_MAX: there is none */
    bool is_late;      /* it was last offered outside of a command, so just before replies go */
} module_watch;

struct module_waiter {
    module_watch *watch;
    module_waiter *next;
    server_client *client;
    module_served *served; /* what it may not get yet; NULL: nothing */
    module_reserve asked;
};

/* By database and name. */
static server_dict *watches;
static module_watch *first_watch;
static module_call call_of_waiter;

/* The key that is being opened for one of its clients. If it expires by that, the others are told
 * behind this one: its callback would be entered again. */
static module_watch *opening;
static bool is_gone;

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

/* NULL: no client waits for it. Every command may ask, so names of usual length are not copied by
 * the server. */
static module_watch *find_watch(int database, server_string *name)
{
    char short_index[INDEX_BYTES];
    size_t length;
    const char *bytes = server.StringPtrLen(name, &length);
    if (length <= sizeof short_index - sizeof database) {
        memcpy(short_index, &database, sizeof database);
        memcpy(short_index + sizeof database, bytes, length);
        /* cppcheck-suppress returnDanglingLifetime ; the dictionary returns what was put in */
        return server.DictGetC(watches, short_index, sizeof database + length, NULL);
    }
    server_string *index = index_of(database, name);
    bytes = server.StringPtrLen(index, &length);
    module_watch *found = server.DictGetC(watches, bytes, length, NULL);
    server.FreeString(NULL, index);
    /* cppcheck-suppress returnDanglingLifetime */
    return found;
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
    made->next = first_watch;
    if (first_watch != NULL) {
        first_watch->before = made;
    }
    first_watch = made;
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
    if (watch->next != NULL) {
        watch->next->before = watch->before;
    }
    *(watch->before != NULL ? &watch->before->next : &first_watch) = watch->next;
    server.Free(watch);
}

/* Its clients look again, behind the command that runs. */
static void signal_watch(module_watch *watch, bool is_late)
{
    watch->empty_groups = 0;
    watch->is_late = is_late;
    server.SelectDb(own_context, watch->database);
    server.SignalKeyAsReady(own_context, watch->name);
}

/* ---- timers ---- */

static void on_timer(server_context *context, void *data)
{
    module_watch *watch = data;
    (void)context;
    watch->timer_ms = UINT64_MAX;
    signal_watch(watch, true);
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
    if (first_watch == NULL) {
        return;
    }
    module_watch *watch = find_watch(server.GetSelectedDb(call->context), call->key_name);
    if (watch == NULL) {
        return;
    }
    if (call->news.groups != 0 || call->verb.verb == SLOTQ_PAUSE) {
        signal_watch(watch, call == &call_of_waiter ? watch->is_late : call->is_silent);
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

/* The server does not offer a key that is gone. */
static void end_all(module_watch *watch, const module_waiter *but)
{
    for (module_waiter *waiter = watch->first; waiter != NULL; waiter = waiter->next) {
        if (waiter != but) {
            server.UnblockClient(waiter->client, waiter);
        }
    }
}

/* The client was answered, or sleeps on. */
static void end(module_call *call, const module_waiter *waiter)
{
    const bool tells_others = is_gone;
    is_gone = false;
    call_end(call);
    if (tells_others) {
        end_all(waiter->watch, waiter);
    }
}

static bool open_for(module_call *call, const module_waiter *waiter)
{
    opening = waiter->watch;
    const bool is_open = call_open(call);
    opening = NULL;
    return is_open;
}

/* The key may have messages: OK if the client has its reply. */
static int on_ready(server_context *context, server_string **words, int count)
{
    (void)words;
    (void)count;
    module_call *call = &call_of_waiter;
    module_waiter *waiter = server.GetBlockedClientPrivateData(context);
    const uint32_t group = UINT32_C(1) << waiter->asked.group;
    uint64_t due_ms = 0;
    if (waiter->watch->empty_groups & group) {
        return SERVER_ERR;
    }
    begin(context, waiter);
    bool refused = true;
    slotq_outcome outcome = SLOTQ_INVALID;
    if (open_for(call, waiter) && call_expect_group(call, waiter->asked.group) &&
        call_expect_duration(call, "lease_ms", waiter->asked.lease_ms)) {
        outcome = reserve_and_reply(call, &waiter->asked, &due_ms);
        refused = outcome != SLOTQ_OK && reserve_refused(call, outcome);
    }
    if (outcome == SLOTQ_OK && !waiter->watch->is_late) {
        waiter->served = served_note(call, waiter->asked.group);
    }
    if (outcome != SLOTQ_OK && !refused) {
        look_at(waiter->watch, due_ms, call_now(call));
    }
    const bool left = call->news.groups & group;
    end(call, waiter);
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
    if (open_for(&call_of_waiter, waiter)) {
        reply_array(&call_of_waiter, 0);
    }
    end(&call_of_waiter, waiter);
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

/* The server sends replies behind this; a client that has gone before is not sent anything. */
static void end_served(server_context *context, module_waiter *waiter)
{
    if (waiter->served == NULL) {
        return;
    }
    if (server.BlockedClientDisconnected(context)) {
        server.SelectDb(own_context, waiter->watch->database);
        served_give_back(own_context, waiter->served);
    } else {
        served_forget(waiter->served);
    }
}

/* It was served, or has gone. */
static void free_waiter(server_context *context, void *data)
{
    module_waiter *waiter = data;
    end_served(context, waiter);
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
    module_watch *watch = find_watch(database, call->key_name);
    watch = watch != NULL ? watch : make_watch(database, call->key_name);
    module_waiter *waiter = server.Alloc(sizeof *waiter);
    *waiter = (module_waiter){.watch = watch, .next = watch->first, .asked = *asked};
    watch->first = waiter;
    waiter->client = server.BlockClientOnKeys(call->context, on_ready, on_timeout, free_waiter,
                                              (long long)block_ms, &call->key_name, 1, waiter);
    look_at(watch, due_ms, call_now(call));
}

/* ---- changes ---- */

/* Whatever was done to its key. */
static void look_anew(server_context *context, module_watch *watch)
{
    server_key *open = server.OpenKey(context, watch->name, SERVER_READ);
    if (open == NULL) {
        end_all(watch, NULL);
        return;
    }
    server.CloseKey(open);
    signal_watch(watch, false);
}

static int on_change(server_context *context, int type, const char *event, server_string *key)
{
    (void)event;
    if (first_watch == NULL || tells_itself) {
        return SERVER_OK;
    }
    module_watch *watch = find_watch(server.GetSelectedDb(context), key);
    if (watch != NULL && watch == opening) {
        is_gone = true;
    } else if (watch != NULL && type == SERVER_NOTIFY_STRING) {
        signal_watch(watch, false);
    } else if (watch != NULL) {
        look_anew(context, watch);
    }
    return SERVER_OK;
}

static void look_in(int database)
{
    for (module_watch *watch = first_watch; watch != NULL; watch = watch->next) {
        if (database == watch->database || database == ALL_DATABASES) {
            server.SelectDb(own_context, watch->database);
            look_anew(own_context, watch);
        }
    }
}

/* FLUSHALL, FLUSHDB and SWAPDB are no events of a key. What the server tells of them begins with
 * its version. */
static void on_event(server_context *context, server_event event, uint64_t part, void *data)
{
    struct {
        uint64_t version;
        int32_t first; /* of a flush: whether it is at once */
        int32_t second;
    } told;
    (void)context;
    memcpy(&told, data, sizeof told);
    if (event.id == SERVER_EVENT_SWAP) {
        look_in(told.first);
        look_in(told.second);
    } else if (part == SERVER_FLUSH_END) {
        look_in(told.second < 0 ? ALL_DATABASES : told.second);
    }
}

void wait_tell(server_context *context, server_string *key_name)
{
    tells_itself = true;
    server.NotifyKeyspaceEvent(context, SERVER_NOTIFY_STRING, "setrange", key_name);
    tells_itself = false;
}

bool wait_listen(server_context *context)
{
    /* the last three: commands that store a value of that type in the place of any other */
    const int types = SERVER_NOTIFY_STRING | SERVER_NOTIFY_GENERIC | SERVER_NOTIFY_EXPIRED |
                      SERVER_NOTIFY_EVICTED | SERVER_NOTIFY_LIST | SERVER_NOTIFY_SET |
                      SERVER_NOTIFY_ZSET;
    const server_event flush = {SERVER_EVENT_FLUSH, SERVER_EVENT_VERSION};
    const server_event swap = {SERVER_EVENT_SWAP, SERVER_EVENT_VERSION};
    own_context = server.GetThreadSafeContext(NULL);
    watches = server.CreateDict(NULL);
    if (server.SubscribeToServerEvent != NULL) {
        server.SubscribeToServerEvent(context, flush, on_event);
        server.SubscribeToServerEvent(context, swap, on_event);
    }
    return server.SubscribeToKeyspaceEvents(context, types, on_change) == SERVER_OK;
}

bool wait_end(void)
{
    if (first_watch != NULL || served_is_busy()) {
        return false;
    }
    server.FreeDict(NULL, watches);
    server.FreeThreadSafeContext(own_context);
    return true;
}

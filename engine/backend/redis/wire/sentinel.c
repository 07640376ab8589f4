/* sentinel.c: see sentinel.h. Sentinels that are connected are asked first and all at once. Others
 * are dialled only while a majority is missing, those that were away lately last.
 */
#include "sentinel.h"

#include <string.h>

#include "../../system/monotonic.h"

enum {
    LISTEN_EVERY_MS = 5,
    LOOK_EVERY_MS = 1000,
    CONNECT_MS = 1000,     /* one Sentinel must not take the time of all */
    LATE_CONNECT_MS = 100, /* the same while a majority has answered */
    ANSWER_MS = 1000,      /* the same */
    SHARES = 4,            /* of the time for all, for connecting to one */
    PAUSE_MS = 5,
    LATE_ANSWER_MS = 20, /* for answers that are not needed any more */
    MOVING_MS = 10000,   /* how long a failover keeps callers from the primary there was */
    OLD_EPOCH_MS = 10000 /* how long an older configuration is not believed */
};

/* A look that is under way. */
typedef struct look {
    redis_sentinel *self;
    uint64_t deadline_ms;
    uint32_t answered;
    uint32_t ignorant;
    uint32_t sentinels; /* the most that one knows of */
    bool is_moving;     /* says one of those with the newest configuration */
    char ids[SENTINELS_MAX][SENTINEL_ID_BYTES]; /* of those that answered */
    store_fault *fault;                         /* why the last one did not answer */
    bool has_fault;
    bool asked[SENTINELS_MAX];
} look;

static uint32_t majority(uint32_t count)
{
    return count / 2 + 1;
}

static bool is_enough(const look *at)
{
    return at->answered > 0 && at->answered >= majority(at->sentinels);
}

/* ---- the Sentinels there are ---- */

static bool is_same_place(const sentinel_place *one, const sentinel_place *other)
{
    const bool same_id = one->id[0] != '\0' && strcmp(one->id, other->id) == 0;
    return same_id || (one->port == other->port && strcmp(one->host, other->host) == 0);
}

void redis_sentinel_add(redis_sentinel *self, const sentinel_place *place)
{
    uint32_t at = 0;
    while (at < self->count && !is_same_place(&self->peers[at].place, place)) {
        at++;
    }
    if (at == self->count && self->count < SENTINELS_MAX) {
        self->peers[self->count++] = (sentinel_peer){.place = *place};
    }
}

void redis_sentinel_copy(redis_sentinel *to, const redis_sentinel *from)
{
    *to = *from;
    for (uint32_t i = 0; i < to->count; i++) {
        to->peers[i] = (sentinel_peer){.place = from->peers[i].place};
    }
    to->looked_ms = 0;
    to->listened_ms = 0;
}

void redis_sentinel_leave(redis_sentinel *self)
{
    for (uint32_t i = 0; i < self->count; i++) {
        sentinel_peer_leave(&self->peers[i]);
    }
}

/* ---- judging answers ---- */

/* One Sentinel under two names has one voice. */
static bool has_voted(look *at, const sentinel_place *place)
{
    for (uint32_t i = 0; i < at->answered && place->id[0] != '\0'; i++) {
        if (strcmp(at->ids[i], place->id) == 0) {
            return true;
        }
    }
    memcpy(at->ids[at->answered], place->id, sizeof place->id);
    return false;
}

static void count(look *at, const sentinel_place *place, const sentinel_answer *answer)
{
    sentinel_answer *best = &at->self->best;
    if (has_voted(at, place)) {
        return;
    }
    const bool is_newer = at->answered == 0 || answer->epoch > best->epoch;
    if (is_newer) {
        *best = *answer;
    }
    if (answer->epoch == best->epoch) {
        at->is_moving = answer->is_moving || (at->is_moving && !is_newer);
    }
    at->answered++;
    at->sentinels = answer->sentinels > at->sentinels ? answer->sentinels : at->sentinels;
    for (uint32_t i = 0; i < answer->other_count; i++) {
        redis_sentinel_add(at->self, &answer->others[i]);
    }
}

static uint32_t left_ms(const look *at, uint32_t most)
{
    const uint64_t now_ms = monotonic_ms();
    const uint64_t left = now_ms < at->deadline_ms ? at->deadline_ms - now_ms : 0;
    return left < most ? (uint32_t)left : most;
}

static void read_one(look *at, sentinel_peer *peer, uint64_t deadline_ms)
{
    store_fault fault;
    sentinel_answer *answer = &at->self->newest;
    const sentinel_word word = sentinel_peer_read(peer, deadline_ms, answer, &fault);
    if (word == SENTINEL_ANSWERED) {
        count(at, &peer->place, answer);
    } else if (word == SENTINEL_IGNORANT) {
        at->ignorant++;
    } else if (!at->has_fault || word == SENTINEL_REFUSED) {
        *at->fault = fault;
        at->has_fault = true;
    }
}

/* One that hangs must not take the time of all. */
static void ask_one(look *at, uint32_t index)
{
    store_fault fault;
    redis_sentinel *self = at->self;
    const uint32_t share_ms = left_ms(at, CONNECT_MS * SHARES) / SHARES;
    const uint32_t connect_ms = is_enough(at) ? LATE_CONNECT_MS : share_ms;
    at->asked[index] = true;
    if (!sentinel_peer_ask(&self->peers[index], &self->login, self->master,
                           connect_ms > 0 ? connect_ms : 1, &fault) &&
        !at->has_fault) {
        *at->fault = fault;
        at->has_fault = true;
    }
}

/* Reads what is ready. NULL: nothing is awaited any more; otherwise one that is. */
static sentinel_peer *read_ready(look *at, uint64_t deadline_ms)
{
    redis_sentinel *self = at->self;
    sentinel_peer *slow = NULL;
    for (uint32_t i = 0; i < self->count; i++) {
        sentinel_peer *peer = &self->peers[i];
        if (peer->is_out && sentinel_peer_is_ready(peer, 0)) {
            read_one(at, peer, deadline_ms);
        } else if (peer->is_out) {
            slow = peer;
        }
    }
    return slow;
}

/* Reads the answers as they come. The last ones get little time once a majority has answered. */
static void gather(look *at)
{
    redis_sentinel *self = at->self;
    uint64_t deadline_ms = monotonic_ms() + left_ms(at, ANSWER_MS);
    bool is_late = false;
    sentinel_peer *slow = read_ready(at, deadline_ms);
    while (slow != NULL && monotonic_ms() < deadline_ms) {
        (void)sentinel_peer_is_ready(slow, PAUSE_MS);
        slow = read_ready(at, deadline_ms);
        if (is_enough(at) && !is_late) {
            is_late = true;
            deadline_ms = monotonic_ms() + left_ms(at, LATE_ANSWER_MS);
        }
    }
    for (uint32_t i = 0; i < self->count; i++) {
        if (self->peers[i].is_out) { /* it is given up */
            read_one(at, &self->peers[i], 0);
        }
    }
}

static void ask_near(look *at)
{
    redis_sentinel *self = at->self;
    for (uint32_t i = 0; i < self->count; i++) {
        if (sentinel_peer_is_near(&self->peers[i])) {
            ask_one(at, i);
        }
    }
    gather(at);
}

/* Those that are not connected; the list may have grown by what was answered. */
static void ask_far(look *at, bool also_away)
{
    redis_sentinel *self = at->self;
    for (uint32_t i = 0; i < self->count && left_ms(at, 1) > 0; i++) {
        const bool is_away = monotonic_ms() < self->peers[i].away_until_ms;
        if (!at->asked[i] && (also_away ? !is_enough(at) : !is_away)) {
            ask_one(at, i);
        }
    }
    gather(at);
}

/* ---- what it means ---- */

static slotq_outcome refuse_unknown(const redis_sentinel *self, store_fault *fault)
{
    return fault_say(fault, SLOTQ_CONNECT,
                     "the Sentinels know no primary named %.200s: correct the name in the URL "
                     "(SENTINEL MASTERS lists those that they watch)",
                     self->master);
}

static slotq_outcome refuse_few(const look *at, store_fault *fault)
{
    const redis_sentinel *self = at->self;
    char why[FAULT_TEXT_BYTES];
    const bool passes = !at->has_fault || fault->cause != SLOTQ_CAUSE_RIGHTS;
    const slotq_cause cause = passes ? SLOTQ_CAUSE_AWAY : fault->cause;
    memcpy(why, at->has_fault ? fault->text : "", at->has_fault ? strlen(fault->text) + 1 : 1);
    if (at->answered == 0) {
        fault_say(fault, SLOTQ_CONNECT, "no Sentinel of %.200s answered: %.400s", self->master,
                  why);
    } else {
        fault_say(fault, SLOTQ_CONNECT,
                  "%lu of %lu Sentinels of %.200s answered, and a majority must before anything is "
                  "written%s%.400s",
                  (unsigned long)at->answered, (unsigned long)at->sentinels, self->master,
                  at->has_fault ? ": " : "", why);
    }
    fault->cause = cause;
    fault->passes = passes;
    return SLOTQ_CONNECT;
}

/* An older configuration than one that was believed: some Sentinels have not heard of the newer one
 * yet. Not believed for a while, unless all say so. */
static bool is_old(const look *at)
{
    const redis_sentinel *self = at->self;
    return self->best.epoch < self->epoch && at->answered < at->sentinels &&
           monotonic_ms() < self->epoch_until_ms;
}

/* What is written until the replica is promoted would be lost. */
static bool is_moving(const look *at)
{
    redis_sentinel *self = at->self;
    const uint64_t now_ms = monotonic_ms();
    if (!at->is_moving) {
        self->moving_ms = 0;
    } else if (self->moving_ms == 0) {
        self->moving_ms = now_ms;
    }
    return at->is_moving && now_ms - self->moving_ms < MOVING_MS;
}

static slotq_outcome judge(look *at, store_fault *fault)
{
    redis_sentinel *self = at->self;
    const bool may_be_few = self->only_reads && at->answered > 0;
    if (at->answered == 0 && at->ignorant > 0) {
        return refuse_unknown(self, fault);
    }
    if (!is_enough(at) && !may_be_few) {
        return refuse_few(at, fault);
    }
    if (is_old(at) && !self->only_reads) {
        fault_say(fault, SLOTQ_CONNECT,
                  "the Sentinels of %.200s that answer have an older configuration than one before "
                  "(epoch %llu after %llu): a failover is under way",
                  self->master, (unsigned long long)self->best.epoch,
                  (unsigned long long)self->epoch);
        return fault_away(fault);
    }
    if (is_moving(at) && !self->only_reads) {
        fault_say(fault, SLOTQ_CONNECT,
                  "a Sentinel promotes a replica of %.200s now: writing waits for the new primary",
                  self->master);
        return fault_away(fault);
    }
    self->epoch = self->best.epoch;
    self->epoch_until_ms = monotonic_ms() + OLD_EPOCH_MS;
    return SLOTQ_OK;
}

slotq_outcome redis_sentinel_find(redis_sentinel *self, uint32_t wait_ms, redis_address *address,
                                  store_fault *fault)
{
    look at = {.self = self, .deadline_ms = monotonic_ms() + wait_ms, .fault = fault};
    self->looked_ms = monotonic_ms();
    self->listened_ms = self->looked_ms;
    ask_near(&at);
    ask_far(&at, false); /* those of the URL */
    ask_far(&at, false); /* those that they named */
    ask_far(&at, true);
    self->sight = (sentinel_sight){.reached = at.answered,
                                   .sentinels = at.sentinels,
                                   .quorum = at.answered > 0 ? self->best.quorum : 0};
    const slotq_outcome outcome = judge(&at, fault);
    if (outcome == SLOTQ_OK) {
        memcpy(address->host, self->best.host, strlen(self->best.host) + 1);
        address->port = self->best.port;
    }
    return outcome;
}

bool redis_sentinel_has_majority(const redis_sentinel *self)
{
    const sentinel_sight *sight = &self->sight;
    return sight->reached > 0 && sight->reached >= majority(sight->sentinels);
}

bool redis_sentinel_is_due(redis_sentinel *self)
{
    const uint64_t now_ms = monotonic_ms();
    bool heard = false;
    if (now_ms - self->listened_ms < LISTEN_EVERY_MS) {
        return false;
    }
    self->listened_ms = now_ms;
    for (uint32_t i = 0; i < self->count; i++) {
        heard = sentinel_peer_has_news(&self->peers[i]) || heard;
    }
    return heard || now_ms - self->looked_ms >= LOOK_EVERY_MS;
}

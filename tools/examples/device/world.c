/* world.c: the test of the device. It lets the device work until its ring has been round and is
 * nearly full, keeps a copy of that memory, and then lets it work on from the copy again and again:
 * with the power cut after 0 bytes, after 1 byte, and so on, until the work is done before the cut
 * would come. The life after a cut is cut as well, at some store of its recovery or of its work.
 *
 * What must hold, as the world sees it from outside:
 *   - a sample whose push returned OK is in the queue, or the radio got it, or it is dead;
 *   - a sample whose ack returned OK is never handed out again;
 *   - a sample is handed out as it was measured;
 *   - every byte of the queue keeps the rules of the format (the device checks at each start).
 */
#include <string.h>

#include "board.h"
#include "world.h"

enum { SAMPLES_MAX = 1000, MEMORY_BYTES_MAX = 16384, NEVER = 0x7fffffff, BEGUN = 0x4e474542 };
/* Seconds: until the ring is nearly round; then without the radio until it is nearly full; then
 * with samples that fail, one of which holds the ring; then of the work that is cut: in it that
 * sample steps aside and dies, others die, and the ring is full at first. */
enum { ROUND_S = 395, DEAF_S = 396, BUSY_S = 34, WORK_S = 14, DEAD_MOST = 8 };
enum { RECOVERY_CUTS = 89 }; /* the second cut is after up to so many bytes */
enum { SENT = 1, ACKED = 2, DIED = 4 };

/* What is known of the device, beside its memory. */
typedef struct record {
    uint32_t second;
    uint32_t accepted; /* the newest sample whose push returned OK */
    uint32_t sends;
    uint32_t repeats;
    uint8_t fate[SAMPLES_MAX + 1];
} record;

static NON_VOLATILE struct world {
    uint32_t begun;
    uint32_t end_second;
    uint32_t stored; /* bytes that have reached the memory in this run */
    uint32_t cut_at; /* of them; then the power goes */
    uint32_t run;    /* the first cut of this run; NEVER: before the first one */
    uint32_t cuts;   /* in this run */
    uint32_t cuts_of_all;
    uint32_t repeats_of_all;
    uint32_t aside_most; /* of a run, and dead ones */
    uint32_t dead_most;
    record now;
    record aged;
    uint8_t aged_memory[MEMORY_BYTES_MAX];
    uint8_t before[MEMORY_BYTES_MAX]; /* the bytes that a patch is written over */
} world;

/* ---- text ---- */

static void say_number(uint64_t number)
{
    char text[24];
    char *at = text + sizeof text - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    board_say(at);
}

static void say(const char *before, uint64_t number, const char *behind)
{
    board_say(before);
    say_number(number);
    board_say(behind);
}

void world_fail(const char *what, uint64_t number)
{
    board_say("  FAILS   ");
    board_say(what);
    say(": ", number, "");
    if (world.run != NEVER) {
        say(", when the power went after byte ", world.run, "");
    }
    board_say("\n");
    board_exit(1);
}

/* ---- power ---- */

static _Noreturn void cut_power(void)
{
    memset(device_ram, 0xa5, device_ram_bytes); /* as it comes up */
    world.cuts++;
    world.cuts_of_all++;
    world.cut_at = world.cuts == 1 ? world.stored + 1 + world.run % RECOVERY_CUTS : NEVER;
    board_cut_power();
}

/* The bytes of a patch arrive in order; at a cut those behind it stay as they were. */
void world_patch(uint8_t *bytes, const slotq_view *view, const slotq_step *step,
                 const slotq_patch *patch)
{
    uint8_t *place = bytes + patch->offset;
    const uint32_t left = world.cut_at - world.stored;
    if (left >= patch->length) {
        slotq_core_apply_patch(bytes, view, step, patch);
        world.stored += patch->length;
        return;
    }
    memcpy(world.before, place, patch->length);
    slotq_core_apply_patch(bytes, view, step, patch);
    memcpy(place + left, world.before + left, patch->length - left);
    world.stored = world.cut_at;
    cut_power();
}

void world_store(volatile uint32_t *place, uint32_t value)
{
    if (world.stored == world.cut_at) {
        cut_power();
    }
    *place = value;
    world.stored++; /* it is all there, or nothing of it */
}

/* ---- sensor, radio, clock ---- */

uint64_t world_now_ms(void)
{
    return UINT64_C(1700000000000) + world.now.second * UINT64_C(1000);
}

bool world_goes_on(void)
{
    if (world.now.second == world.end_second) {
        return false;
    }
    world.now.second++;
    return true;
}

sample world_sensor(uint32_t number)
{
    sample measured = {.number = number};
    for (uint32_t i = 0; i < sizeof measured.readings / sizeof measured.readings[0]; i++) {
        measured.readings[i] = (int16_t)(number * 37 + i * 101);
    }
    return measured;
}

bool world_radio_is_up(void)
{
    const uint32_t second = world.now.second;
    return second <= ROUND_S || (second > ROUND_S + DEAF_S && second % 6 != 0);
}

/* Some samples never get through, some only at the second try. */
bool world_radio(const sample *sent)
{
    const uint32_t number = sent->number;
    const sample measured = world_sensor(number);
    if (number > SAMPLES_MAX || memcmp(sent, &measured, sizeof measured) != 0) {
        world_fail("another sample was handed out than measured", number);
    }
    const bool is_easy = number <= ROUND_S || (number % 50 != ROUND_S % 50 + 1 && number % 8 != 1);
    if (!is_easy && (number % 8 != 1 || world.now.second % 2 == 0)) {
        return false;
    }
    world.now.sends++;
    world.now.repeats += (world.now.fate[number] & SENT) != 0;
    world.now.fate[number] |= SENT;
    return true;
}

/* ---- what the device says ---- */

static uint8_t *fate_of(uint64_t id)
{
    if (id == 0 || id > SAMPLES_MAX) {
        world_fail("handed out, but never pushed", id);
    }
    return &world.now.fate[id];
}

/* A push whose OK the device did not come to see may have been done; now it knows. */
void world_started(uint64_t newest_id)
{
    if (newest_id < world.now.accepted || newest_id > world.now.accepted + 1) {
        world_fail("the newest sample after a start", newest_id);
    }
    world.now.accepted = (uint32_t)newest_id;
}

void world_pushed(uint64_t id)
{
    (void)fate_of(id);
    if (id != world.now.accepted + 1) {
        world_fail("a sample was pushed as", id);
    }
    world.now.accepted = (uint32_t)id;
}

void world_reserved(uint64_t id)
{
    if (*fate_of(id) & (ACKED | DIED)) {
        world_fail("handed out after its end", id);
    }
}

void world_acked(uint64_t id)
{
    *fate_of(id) |= ACKED;
}

void world_died(uint64_t id)
{
    *fate_of(id) |= DIED;
}

/* ---- the account at the end of a run ---- */

static void note_dead(void)
{
    static slotq_item items[DEAD_MOST];
    static slotq_call call;
    slotq_core_begin(&call, SLOTQ_DEAD_LIST, world_now_ms());
    call.look = (slotq_call_look){.items = items, .capacity = DEAD_MOST, .group = 0};
    const slotq_outcome outcome = device_run(&call);
    for (uint32_t i = 0; outcome == SLOTQ_OK && i < call.look.count; i++) {
        *fate_of(items[i].id) |= DIED;
    }
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static void account(void)
{
    static slotq_call call;
    note_dead();
    slotq_core_begin(&call, SLOTQ_STATS, world_now_ms());
    call.stats.group = 0;
    if (device_run(&call) != SLOTQ_OK) {
        world_fail("stats fails at sample", world.now.accepted);
    }
    world.aside_most = larger(world.aside_most, call.stats.stats.aside);
    world.dead_most = larger(world.dead_most, call.stats.stats.dead);
    for (uint32_t id = 1; id <= world.now.accepted; id++) {
        const uint8_t fate = world.now.fate[id];
        slotq_core_begin(&call, SLOTQ_STATUS, world_now_ms());
        call.status = (slotq_call_status){.id = id, .group = 0};
        const slotq_outcome outcome = device_run(&call);
        const bool is_there = outcome == SLOTQ_OK && call.status.status.state != SLOTQ_STATE_DONE;
        if (outcome != SLOTQ_OK && outcome != SLOTQ_FINISHED) {
            world_fail("lost", id);
        }
        if (!is_there && (fate & (SENT | DIED)) == 0) {
            world_fail("finished, but never sent", id);
        }
        if (is_there && (fate & (ACKED | DIED)) != 0) {
            world_fail("there after its end", id);
        }
    }
}

/* ---- the runs ---- */

static void begin(void)
{
    memset(&world, 0, sizeof world);
    memset(device_memory, 0xa5, device_memory_bytes); /* as memory comes up */
    world.begun = BEGUN;
    world.run = NEVER;
    world.cut_at = NEVER;
    world.end_second = ROUND_S + DEAF_S + BUSY_S;
}

static void begin_run(uint32_t cut_at)
{
    memcpy(device_memory, world.aged_memory, device_memory_bytes);
    world.now = world.aged;
    world.run = cut_at;
    world.cut_at = cut_at;
    world.stored = 0;
    world.cuts = 0;
}

/* Returns whether the work had what it is for. */
static bool report(void)
{
    const bool tried = world.aside_most > 0 && world.dead_most > 0;
    board_say("A sensor whose power goes after each byte that reaches its memory\n");
    say("  the work        ", world.now.accepted - world.aged.accepted, " samples pushed, ");
    say("", world.now.sends - world.aged.sends, " sent; of those that fail ");
    say("", world.aside_most, " aside, ");
    say("", world.dead_most, " dead\n");
    say("  cuts            ", world.cuts_of_all, ": after each of ");
    say("", world.stored, " bytes, and again in the next life\n");
    say("  sent twice      ", world.repeats_of_all, ", where power went between radio and ack\n");
    say("  non-volatile    ", device_memory_bytes, " bytes, ");
    say("", sizeof(slotq_step), " of them for the step that is applied\n");
    say("  RAM             ", device_ram_bytes, " bytes\n");
    if (board_flash_bytes() > 0) {
        say("  flash           ", board_flash_bytes(), " bytes, the test included\n");
        say("  stack           ", board_stack_bytes(), " bytes at most\n");
    }
    board_say("  holds   no sample whose push was acknowledged is lost\n"
              "  holds   no sample is handed out again after its ack\n"
              "  holds   every byte of the queue keeps the rules, in each life\n");
    board_say(tried ? "  holds   " : "  FAILS   ");
    board_say("in the work a sample stepped aside, and others died\n");
    return tried;
}

/* From each power-on. */
int world_main(void)
{
    if (world.begun != BEGUN) {
        begin();
    }
    for (;;) {
        device_live();
        account();
        world.repeats_of_all += world.now.repeats;
        if (world.run == NEVER) {
            memcpy(world.aged_memory, device_memory, device_memory_bytes);
            world.aged = world.now;
            world.end_second += WORK_S;
            begin_run(0);
        } else if (world.cuts > 0) {
            begin_run(world.run + 1);
        } else {
            return report() ? 0 : 1;
        }
    }
}

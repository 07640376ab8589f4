/* main.c: prints the conformance vectors: calls of the scripts with the replies and the bytes that
 * the C core gives, a line of JSON each (lua/README.md, "Writing a client"). Knows the queues and
 * which verbs each of them is told; all chance comes from one fixed number.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verbs.h"

enum { STEPS = 84 }; /* a queue */

static const story stories[] = {
    {"plain",
     {.ring_slots = 9,
      .payload_bytes = 16,
      .dead_slots = 3,
      .tick_ms = 100,
      .groups = 1,
      .flags = SLOTQ_FLAG_STAMPS,
      .max_attempts = 3,
      .note_bytes = 9,
      .generation = 7},
     "pppppqqrrrrrsssssssStttimkcdDRaoogx",
     false},
    {"keys",
     {.ring_slots = 11,
      .payload_bytes = 12,
      .dead_slots = 3,
      .tick_ms = 20,
      .groups = 1,
      .flags = SLOTQ_FLAG_STAMPS | SLOTQ_FLAG_KEYS,
      .max_attempts = 2,
      .generation = 8},
     "uuuuuuupqrrrrsssssttffffkmdRz",
     false},
    {"later",
     {.ring_slots = 7,
      .payload_bytes = 8,
      .later_slots = 6,
      .dead_slots = 2,
      .tick_ms = 10,
      .groups = 1,
      .flags = SLOTQ_FLAG_KEYS,
      .max_attempts = 0,
      .generation = 9},
     "lllllvvvwwwjhhpprrrrsssstiff",
     false},
    {"aside",
     {.ring_slots = 5,
      .payload_bytes = 10,
      .dead_slots = 2,
      .tick_ms = 1,
      .groups = 1,
      .flags = 0,
      .max_attempts = 2,
      .aside_slots = 3,
      .note_bytes = 20,
      .generation = 10},
     "ppppppprrrrrsssstiimkcdDR",
     false},
    {"groups",
     {.ring_slots = 8,
      .payload_bytes = 20,
      .dead_slots = 3,
      .tick_ms = 1000,
      .groups = 3,
      .flags = SLOTQ_FLAG_STAMPS | SLOTQ_FLAG_DEAD_OVERWRITE,
      .max_attempts = 2,
      .note_bytes = 5,
      .generation = 11},
     "pppqrrrrrrrssssssssStttimkcdDRggeeaoo",
     false},
    {"overwrite",
     {.ring_slots = 4,
      .payload_bytes = 6,
      .tick_ms = 60000,
      .groups = 2,
      .flags = SLOTQ_FLAG_OVERWRITE | SLOTQ_FLAG_STAMPS,
      .generation = 12},
     "pppppqrrrrssssttime",
     false},
    {"checks",
     {.ring_slots = 10,
      .payload_bytes = 24,
      .dead_slots = 2,
      .tick_ms = 50,
      .groups = 1,
      .flags = SLOTQ_FLAG_STAMPS | SLOTQ_FLAG_CHECKS,
      .max_attempts = 2,
      .generation = 13},
     "ppppprrrrrSSSSSSttick",
     true},
};

static void look_or_manage(char letter)
{
    switch (letter) {
    case 't':
        ask_status();
        return;
    case 'i':
        ask_stats();
        return;
    case 'e':
        peek();
        return;
    case 'm':
        finish_message();
        return;
    case 'k':
        kick(false);
        return;
    case 'h':
        kick(true);
        return;
    case 'w':
        cancel();
        return;
    case 'j':
        later_list();
        return;
    case 'f':
        find();
        return;
    case 'c':
        reclaim();
        return;
    case 'R':
        redrive();
        return;
    case 'd':
        dead_list();
        return;
    case 'D':
        dead_remove();
        return;
    case 'g':
        limit();
        return;
    case 'a':
        pause_or_resume(SLOTQ_PAUSE);
        return;
    case 'o':
        pause_or_resume(SLOTQ_RESUME);
        return;
    case 'x':
        empty(SLOTQ_PURGE);
        return;
    default:
        empty(SLOTQ_DEAD_PURGE);
    }
}

/* What each letter of a story's verbs stands for. */
static void tell(char letter)
{
    const bool packs = now_in->packs;
    switch (letter) {
    case 'p':
        push(packs, false);
        return;
    case 'q':
        push(true, false);
        return;
    case 'u':
        push(false, true);
        return;
    case 'r':
        reserve(packs || one_in(5));
        return;
    case 's':
        settle(false);
        return;
    case 'S':
        settle(true);
        return;
    case 'l':
        schedule(false);
        return;
    case 'v':
        schedule(true);
        return;
    default:
        look_or_manage(letter);
    }
}

/* A fresh queue: all of its bytes are new. */
static bool create(const story *which)
{
    const slotq_geometry *shape = &which->geometry;
    now_in = which;
    now_ms = UINT64_C(1700000000000) + shape->generation;
    image_bytes = slotq_core_image_bytes(shape, NULL);
    if (image_bytes == 0 || image_bytes > IMAGE_MAX || shape->payload_bytes > PAYLOAD_MAX) {
        return false;
    }
    memset(image, 0, sizeof image);
    slotq_damage damage;
    if (slotq_core_create(image, image_bytes, shape) != SLOTQ_OK ||
        slotq_core_open(&queue_view, image, image_bytes, &damage) != SLOTQ_OK) {
        return false;
    }
    forget_leases();
    last_id = last_later_id = 0;
    begin_line("create");
    const uint64_t numbers[] = {shape->ring_slots,   shape->payload_bytes, shape->later_slots,
                                shape->dead_slots,   shape->groups,        shape->flags,
                                shape->max_attempts, shape->tick_ms,       shape->aside_slots,
                                shape->places,       shape->note_bytes,    shape->generation};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        argue(numbers[i]);
    }
    printf("],\"reply\":{\"status\":\"OK\"},\"value\":\"");
    for (uint32_t at = 0; at < image_bytes; at++) {
        printf("%02x", image[at]);
    }
    printf("\"}\n");
    memcpy(before, image, image_bytes);
    return true;
}

int main(void)
{
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++) {
        if (!create(&stories[i])) {
            (void)fprintf(stderr, "vectors: %s: its geometry is out of range\n", stories[i].name);
            return EXIT_FAILURE;
        }
        for (uint32_t k = 0; k < STEPS; k++) {
            now_ms += below(6u * now_in->geometry.tick_ms + 2);
            tell(now_in->verbs[below((uint32_t)strlen(now_in->verbs))]);
            end_line();
        }
    }
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

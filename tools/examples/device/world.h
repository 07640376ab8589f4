/* world.h: what is outside of the device: a sensor, a radio, a clock that goes on without power,
 * and a switch that cuts the power and remembers what the device has said. Knows samples and verbs;
 * must not know how the device keeps its queue.
 */
#ifndef WORLD_H
#define WORLD_H

#include "slotq_core.h"

/* What the sensor measures; its number is the id of its message. */
typedef struct sample {
    uint32_t number;
    int16_t readings[6];
} sample;

/* ---- for the device ---- */

uint64_t world_now_ms(void);
sample world_sensor(uint32_t number);
bool world_radio_is_up(void);
bool world_radio(const sample *sent); /* false: it did not get through */

/* The device says what it believes; the world fails the run where that is not so. */
void world_started(uint64_t newest_id);
void world_pushed(uint64_t id);
void world_reserved(uint64_t id);
void world_acked(uint64_t id);
void world_died(uint64_t id);

/* Print what failed, with a number (of the sample, or where), and end with code 1. */
_Noreturn void world_fail(const char *what, uint64_t number);

/* A second passes. False: the device shall stop, and will be asked what it has. */
bool world_goes_on(void);

/* Each store to non-volatile memory goes through the world, which may cut the power in the middle
 * of one. */
void world_patch(uint8_t *bytes, const slotq_view *view, const slotq_step *step,
                 const slotq_patch *patch);
void world_store(volatile uint32_t *place, uint32_t value);

/* ---- of the device ---- */

extern void *const device_memory; /* the non-volatile one */
extern const uint32_t device_memory_bytes;
extern void *const device_ram; /* lost with the power */
extern const uint32_t device_ram_bytes;

void device_live(void);                     /* from power-on until the world stops it */
slotq_outcome device_run(slotq_call *call); /* a verb that only reads */

#endif

/* board.h: what the example wants of the machine below it: arm/startup.c gives it on a Cortex-M,
 * host.c on a host. At each power-on the board calls world_main. Knows no queue.
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

/* The whole example. Returns its exit code: 0 if everything held. */
int world_main(void);

void board_say(const char *text);
_Noreturn void board_exit(int code);

/* Lose all RAM but what is marked NON_VOLATILE, and start world_main again. */
_Noreturn void board_cut_power(void);

/* Of the program on this machine; 0 = not known here. The stack: the most it has used. */
uint32_t board_flash_bytes(void);
uint32_t board_stack_bytes(void);

#if __STDC_HOSTED__
#define NON_VOLATILE
#else
#define NON_VOLATILE __attribute__((section(".noinit")))
#endif

#endif

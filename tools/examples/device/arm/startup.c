/* startup.c: the board of the example on a Cortex-M: vectors, memory, and what a C library and the
 * compiler's run-time library would give. Output and exit are calls of the debugger (semihosting),
 * which qemu answers. Knows no queue.
 */
#include <stddef.h>
#include <stdint.h>

#include "../board.h"

extern uint32_t bss_start[], bss_end[], stack_start[], stack_end[], flash_end[];

enum { PAINT = 0x57ac57ac };
static NON_VOLATILE uint32_t painted;

/* ---- the debugger ---- */

enum { CALL_WRITE0 = 4, CALL_EXIT_EXTENDED = 0x20, EXIT_APPLICATION = 0x20026 };

static void debugger(uint32_t call, const void *argument)
{
    register uint32_t r0 __asm__("r0") = call;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

void board_say(const char *text)
{
    debugger(CALL_WRITE0, text);
}

void board_exit(int code)
{
    const uint32_t words[2] = {EXIT_APPLICATION, (uint32_t)code};
    debugger(CALL_EXIT_EXTENDED, words);
    for (;;) {
    }
}

/* ---- power ---- */

void board_reset(void);

/* What the processor does at a reset: load the stack pointer, and begin. (SYSRESETREQ would leave
 * the same; qemu takes 5 ms for it, as it translates the program anew.) */
void board_cut_power(void)
{
    __asm__ volatile("msr msp, %0\n\tbx %1" : : "r"(stack_end), "r"(board_reset));
    __builtin_unreachable();
}

static void board_start(void)
{
    if (painted != PAINT) { /* the stack below this call, once */
        const uint32_t *const used = (const uint32_t *)__builtin_frame_address(0) - 32;
        painted = PAINT;
        for (volatile uint32_t *word = stack_start; word < used; word++) {
            *word = PAINT;
        }
    }
    for (volatile uint32_t *word = bss_start; word < bss_end; word++) {
        *word = 0;
    }
    board_exit(world_main());
}

static void board_fault(void)
{
    board_say("the processor met a fault\n");
    board_exit(3);
}

void board_reset(void)
{
    board_start();
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))(uintptr_t)stack_end,
    board_reset,
    board_fault,
    board_fault,
    board_fault,
    board_fault,
    board_fault,
};

uint32_t board_flash_bytes(void)
{
    return (uint32_t)(uintptr_t)flash_end; /* flash begins at 0 */
}

uint32_t board_stack_bytes(void)
{
    const uint32_t *word = stack_start;
    while (word < stack_end && *word == PAINT) {
        word++;
    }
    return (uint32_t)((const char *)stack_end - (const char *)word);
}

/* host.c: the board of the example as a program: lost power is a jump to the start, output is
 * stdout. Knows no queue.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board.h"
#include "world.h"

static jmp_buf power_on;

static const char help[] =
    "device: a sensor whose power is cut at every store, with the core of slotq in 16 KiB\n"
    "\n"
    "device            cut the power at each store of some work, and check what is left;\n"
    "                  exits 0 if nothing was lost or handed out again after its ack\n"
    "device --help     print this\n"
    "\n"
    "tools/examples/device/run.sh runs the same source on a Cortex-M3 in qemu.\n";

void board_say(const char *text)
{
    fputs(text, stdout);
}

void board_exit(int code)
{
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        fputs("device: cannot write to stdout: the proof is not complete\n", stderr);
        code = 1;
    }
    exit(code);
}

void board_cut_power(void)
{
    longjmp(power_on, 1);
}

uint32_t board_flash_bytes(void)
{
    return 0;
}

uint32_t board_stack_bytes(void)
{
    return 0;
}

int main(int count, char **words)
{
    if (count > 1) {
        if (count == 2 && strcmp(words[1], "--help") == 0) {
            fputs(help, stdout);
            board_exit(0);
        }
        fprintf(stderr, "device: %s: unknown option; see --help\n", words[1]);
        return 2;
    }
    (void)setjmp(power_on);
    board_exit(world_main());
}

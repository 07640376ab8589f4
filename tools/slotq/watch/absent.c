/* absent.c: the command top in a build without curses.
 */
#include "../line/command_line.h"
#include "../say/report.h"

int run_top(const command_line *line)
{
    (void)line;
    complain("this slotq was built without ncurses, so it has no top; instead: slotq ls, or slotq "
             "stats QUEUE --watch");
    return EXIT_CODE_FAILURE;
}

/* folder.h: a temporary folder that goes with the program, also when a signal ends it. Knows no
 * server.
 */
#ifndef EXAMPLES_SERVER_FOLDER_H
#define EXAMPLES_SERVER_FOLDER_H

#include <stdbool.h>

/* mkdtemp, and from then on end is called by SIGINT, SIGTERM, SIGHUP and SIGPIPE: no signal comes
 * between the two. False: errno. */
bool folder_make(char *pattern, void (*end)(int number));

/* What these signals call. */
void folder_catch_signals(void (*handler)(int number));

/* Remove the folder, its files, and the folders in it with their files. A signal handler may call
 * it. What is not there, or cannot be removed, stays so. */
void folder_remove(const char *path);

#endif

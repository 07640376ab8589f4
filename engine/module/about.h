/* about.h: the command by which a client finds the module when it meets a server. Knows the scripts
 * that have commands, and their words; no queue.
 */
#ifndef SLOTQ_MODULE_ABOUT_H
#define SLOTQ_MODULE_ABOUT_H

#include "server.h"

/* SLOTQ.ABOUT: the module's version, then of each command NAME.AT `NAME SUM`. A client calls it in
 * place of the script of that name if it has the same sum. */
bool about_add(server_context *context);

#endif

/* suggest.h: which command was meant by a word that is not one. Knows the table and common words of
 * other tools.
 */
#ifndef SLOTQ_TOOLS_LINE_SUGGEST_H
#define SLOTQ_TOOLS_LINE_SUGGEST_H

/* A command's name, or NULL when none is near. */
const char *suggest_command(const char *word);

#endif

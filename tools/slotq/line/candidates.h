/* candidates.h: what the last word of an unfinished command line may become, for the completion of
 * every shell. Knows the tables, and the names of queues.
 */
#ifndef SLOTQ_TOOLS_LINE_CANDIDATES_H
#define SLOTQ_TOOLS_LINE_CANDIDATES_H

/* Print a line for each: the word, and behind a tab what it means, where there is something to say.
 * Instead one of ":folders", ":files", ":commands": the shell knows those. words: those behind
 * "slotq"; the last one is completed, and may be empty. */
void candidates_print(int count, char **words);

#endif

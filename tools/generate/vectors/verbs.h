/* verbs.h: the verbs, each as one line with arguments by chance. Knows no story. */
#ifndef GENERATE_VECTORS_VERBS_H
#define GENERATE_VECTORS_VERBS_H

#include "line.h"

/* A new queue begins. */
void forget_leases(void);
void push(bool packed, bool keyed);
void reserve(bool packed);
void settle(bool packed);
void schedule(bool keyed);
void ask_status(void);
void ask_stats(void);
void cancel(void);
void kick(bool is_later);
void find(void);
void finish_message(void);
void reclaim(void);
void redrive(void);
void dead_remove(void);
void dead_list(void);
void later_list(void);
void peek(void);
void limit(void);
void pause_or_resume(slotq_verb verb);
void empty(slotq_verb verb);

#endif

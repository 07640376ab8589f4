/* node.h: a Node program beside this file behind lines of JSON. Knows processes and lines; no
 * peer, and not what is asked.
 */
#ifndef SLOTQ_BENCH_PEERS_NODE_NODE_H
#define SLOTQ_BENCH_PEERS_NODE_NODE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct node_process node_process;

/* Starts driver.js for a peer, ended with the bench however it ends. Its scripts and packages lie
 * in the folder node beside the bench's own program. */
node_process *node_start(const char *peer);

/* What is asked, made by json_pack, is taken over; the answer is the caller's (json_decref). NULL:
 * it has ended. An answer that is an error ends the bench. */
json_t *node_try(node_process *self, json_t *request);
/* The same, but it must not have ended. */
json_t *node_ask(node_process *self, json_t *request);
/* For the answer's sake only that there is one. */
void node_do(node_process *self, json_t *request);
/* A line that is not answered. */
void node_tell(node_process *self, const char *line);

/* At once, as a machine that loses its power; NULL is nothing. false: there was no node to run. */
bool node_kill(node_process *self);

/* Why the packages are not there, as install.sh says; "" when it did not say so. */
const char *node_absent(void);

#endif

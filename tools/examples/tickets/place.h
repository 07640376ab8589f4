/* place.h: where the example's queue is: in a private redis-server, or in a temporary folder. Both
 * go when the program ends. Knows folders and servers; must not know tickets.
 */
#ifndef EXAMPLES_TICKETS_PLACE_H
#define EXAMPLES_TICKETS_PLACE_H

#include <stdbool.h>

/* Make the place and return its URL. Once per program. */
const char *place_make(bool in_file);

#endif

/* split_table.h: shows how sums are split, and what is refused. Knows the split alone.
 */
#ifndef EXAMPLES_REDENVELOPE_SPLIT_TABLE_H
#define EXAMPLES_REDENVELOPE_SPLIT_TABLE_H

#include <stdbool.h>

/* Print the splits of 1000.00 by rate. False if a cent is not where it must be, or if a split is
 * not refused that must be. */
bool split_table_show(void);

#endif

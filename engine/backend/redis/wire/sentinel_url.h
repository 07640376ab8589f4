/* sentinel_url.h: a primary and its Sentinels, out of a URL. Knows how such URLs are written; asks
 * nothing.
 */
#ifndef SLOTQ_BACKEND_REDIS_WIRE_SENTINEL_URL_H
#define SLOTQ_BACKEND_REDIS_WIRE_SENTINEL_URL_H

#include "sentinel.h"

/* redis+sentinel://[user:password@]host[:port][,host[:port]...]/PRIMARY[/db][?...], where rest is
 * what stands behind the scheme. Login, database, times and TLS go into address; they are the
 * primary's. The Sentinels have the same TLS, and sentinel_user and sentinel_password of the
 * parameters. options as for redis_address_of. OK, INVALID; the text never has a password. */
slotq_outcome redis_sentinel_parse(const char *rest, bool with_tls, const slotq_options *options,
                                   redis_address *address, redis_sentinel *sentinel,
                                   store_fault *fault);

#endif

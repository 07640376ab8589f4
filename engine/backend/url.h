/* url.h: what kind of place a URL names, decided here alone. Knows how URLs begin; no server and no
 * folder.
 */
#ifndef SLOTQ_BACKEND_URL_H
#define SLOTQ_BACKEND_URL_H

#include "../slotq.h"

/* In a host these may begin a login in the wrong place; in a socket's path ':' and '#' too. */
#define URL_LOGIN_MARKS ",;|&=! \t"

/* rest (may be NULL): what stands behind the scheme and its "://"; the URL itself for a folder. */
slotq_place url_place(const char *url, const char **rest);

#endif

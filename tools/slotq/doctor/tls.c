/* tls.c: the doctor's look at a connection over TLS: what was agreed on, and certificates that end
 * soon.
 */
#include <inttypes.h>
#include <time.h>

#include "looks.h"
#include "slotq_redis_tls.h"
#include "../say/texts.h"

enum { SOON_DAYS = 14, DAY_S = 24 * 60 * 60 };

static void look_at_end(doctor *self, const char *about, const char *whose, int64_t ends_s)
{
    const int64_t left_s = ends_s - (int64_t)time(NULL);
    const value_text date = moment_text(ends_s > 0 ? (uint64_t)ends_s * 1000 : 0);
    if (left_s < 0) {
        doctor_find(self, about, "%s certificate expired at %s; renew it", whose, date.text);
    } else if (left_s < (int64_t)SOON_DAYS * DAY_S) {
        doctor_find(self, about, "%s certificate expires in %" PRId64 " days, at %s; renew it",
                    whose, left_s / DAY_S, date.text);
    } else {
        doctor_note(self, about, "%s certificate expires in %" PRId64 " days, at %s", whose,
                    left_s / DAY_S, date.text);
    }
}

void doctor_look_at_tls(doctor *self, const char *about)
{
    slotq_redis_tls_facts facts;
    if (slotq_redis_tls_look(self->server, &facts, NULL) != SLOTQ_OK) {
        return;
    }
    if (facts.verified) {
        doctor_note(self, about, "%s with %s; its certificate was verified, issued by %s",
                    facts.protocol, facts.cipher, facts.issuer);
    } else {
        doctor_find(self, about,
                    "%s with %s, but insecure=1: its certificate, issued by %s, was not verified, "
                    "and a machine on the way can read and change everything; use ca_file",
                    facts.protocol, facts.cipher, facts.issuer);
    }
    look_at_end(self, about, "its", facts.expires_s);
    if (facts.own_expires_s > 0) {
        look_at_end(self, about, "our", facts.own_expires_s);
    }
}

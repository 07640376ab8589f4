/* descriptors.c: see descriptors.h.
 */
#define _GNU_SOURCE
#include "descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { LOWEST_OWN = STDERR_FILENO + 1 };

int descriptor_lift(int descriptor)
{
    if (descriptor < 0 || descriptor >= LOWEST_OWN) {
        return descriptor;
    }
    const int lifted = fcntl(descriptor, F_DUPFD_CLOEXEC, LOWEST_OWN);
    const int why = errno;
    close(descriptor);
    errno = why;
    return lifted;
}

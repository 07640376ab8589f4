/* whole.c: see whole.h.
 */
#include "whole.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../say/report.h"

int read_whole_stdin(uint32_t payload_bytes, const char *refused, slotq_data *message,
                     uint8_t **bytes)
{
    const size_t most = payload_bytes + (size_t)1;
    size_t size = 0;
    ssize_t got = 1;
    *bytes = malloc(most);
    if (*bytes == NULL) {
        complain("out of memory; %s", refused);
        return EXIT_CODE_FAILURE;
    }
    while (size < most && got != 0) {
        got = read(STDIN_FILENO, *bytes + size, most - size);
        if (got > 0) {
            size += (size_t)got;
        } else if (got < 0 && errno == EAGAIN) { /* another process made stdin non-blocking */
            struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
            (void)poll(&input, 1, -1);
        } else if (got < 0 && errno != EINTR) {
            complain("cannot read stdin: %s; %s", strerror(errno), refused);
            return EXIT_CODE_FAILURE;
        }
    }
    *message = (slotq_data){*bytes, (uint32_t)size};
    return EXIT_CODE_OK;
}

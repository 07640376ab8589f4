/* bare_scripts.h: what bounds any script that keeps a queue in a string: the redis.calls, and the
 * bytes in and out, that the packed scripts have where nothing is special; no check, no
 * arithmetic, no queue.
 */
#ifndef SLOTQ_BENCH_REDIS_SUBJECTS_BARE_SCRIPTS_H
#define SLOTQ_BENCH_REDIS_SUBJECTS_BARE_SCRIPTS_H

/* size, front; slots, header */
#define BARE_PUSH                                                                                  \
    "#!lua flags=allow-oom\n"                                                                      \
    "local call, key = redis.call, KEYS[1]\n"                                                      \
    "call('STRLEN', key) call('GETRANGE', key, '0', '79')\n"                                       \
    "call('SETRANGE', key, '17000', ARGV[3]) call('SETRANGE', key, '0', '12345678')\n"             \
    "return 1\n"

/* size, front, time, slots; words, group */
#define BARE_RESERVE                                                                               \
    "#!lua flags=allow-oom\n"                                                                      \
    "local call, key, count = redis.call, KEYS[1], ARGV[3]\n"                                      \
    "call('STRLEN', key) call('GETRANGE', key, '0', '135') call('TIME')\n"                         \
    "local slots = call('GETRANGE', key, '17000', 16999 + count * 34)\n"                           \
    "call('SETRANGE', key, '136', string.rep('1234', count))\n"                                    \
    "call('SETRANGE', key, '80', '1234567890123456789012345678')\n"                                \
    "return {struct.pack('<I4HI4H', 1, 0, 5, count), slots}\n"

/* size, front, words; group, header */
#define BARE_SETTLE                                                                                \
    "#!lua flags=allow-oom\n"                                                                      \
    "local call, key = redis.call, KEYS[1]\n"                                                      \
    "local count = struct.unpack('<H', ARGV[6], 11)\n"                                             \
    "call('STRLEN', key) call('GETRANGE', key, '0', '135')\n"                                      \
    "call('GETRANGE', key, '136', 135 + 4 * count)\n"                                              \
    "call('SETRANGE', key, '80', '12345678901234567890123456789012')\n"                            \
    "call('SETRANGE', key, '4', '12')\n"                                                           \
    "return string.rep('\\0', count)\n"

#endif

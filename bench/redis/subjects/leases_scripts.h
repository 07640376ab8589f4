/* leases_scripts.h: a lease queue of a list, a sorted set and a hash, each verb one script for many
 * messages. Written for the bench, as short as it can be and keep its promises: a message is in
 * the list or in the set, a finish of what is not leased any more changes nothing.
 *
 * KEYS: ids given so far, ids to be taken, id -> payload, id by the end of its lease in ms.
 */
#ifndef SLOTQ_BENCH_REDIS_SUBJECTS_LEASES_SCRIPTS_H
#define SLOTQ_BENCH_REDIS_SUBJECTS_LEASES_SCRIPTS_H

/* payload … -> the last id */
#define LEASES_PUSH                                                                                \
    "local count = #ARGV\n"                                                                        \
    "local last = redis.call('INCRBY', KEYS[1], count)\n"                                          \
    "local ids, pairs = {}, {}\n"                                                                  \
    "for i = 1, count do\n"                                                                        \
    "  local id = last - count + i\n"                                                              \
    "  ids[i], pairs[2 * i - 1], pairs[2 * i] = id, id, ARGV[i]\n"                                 \
    "end\n"                                                                                        \
    "redis.call('HSET', KEYS[3], unpack(pairs))\n"                                                 \
    "redis.call('RPUSH', KEYS[2], unpack(ids))\n"                                                  \
    "return last\n"

/* most, lease in ms -> ids, payloads */
#define LEASES_TAKE                                                                                \
    "local ids = redis.call('LPOP', KEYS[2], ARGV[1])\n"                                           \
    "if not ids then return {{}, {}} end\n"                                                        \
    "local time = redis.call('TIME')\n"                                                            \
    "local due = string.format('%d', time[1] * 1000 + time[2] / 1000 + ARGV[2])\n"                 \
    "local pairs = {}\n"                                                                           \
    "for i = 1, #ids do pairs[2 * i - 1], pairs[2 * i] = due, ids[i] end\n"                        \
    "redis.call('ZADD', KEYS[4], unpack(pairs))\n"                                                 \
    "return {ids, redis.call('HMGET', KEYS[3], unpack(ids))}\n"

/* id … -> how many were leased, and are finished */
#define LEASES_FINISH                                                                              \
    "local held = redis.call('ZREM', KEYS[4], unpack(ARGV))\n"                                     \
    "if held == #ARGV then\n"                                                                      \
    "  redis.call('HDEL', KEYS[3], unpack(ARGV))\n"                                                \
    "elseif held > 0 then\n"                                                                       \
    "  for _, id in ipairs(ARGV) do\n"                                                             \
    "    if not redis.call('LPOS', KEYS[2], id) then redis.call('HDEL', KEYS[3], id) end\n"        \
    "  end\n"                                                                                      \
    "end\n"                                                                                        \
    "return held\n"

/* most -> how many leases have run out, their messages to be taken first */
#define LEASES_RECOVER                                                                             \
    "local time = redis.call('TIME')\n"                                                            \
    "local now = string.format('%d', time[1] * 1000 + time[2] / 1000)\n"                           \
    "local ids = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, ARGV[1])\n"         \
    "if #ids > 0 then\n"                                                                           \
    "  redis.call('ZREM', KEYS[4], unpack(ids))\n"                                                 \
    "  redis.call('LPUSH', KEYS[2], unpack(ids))\n"                                                \
    "end\n"                                                                                        \
    "return #ids\n"

#endif

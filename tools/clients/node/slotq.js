// slotq.js: queues of slotq in Redis, from Node, on node-redis 4. Each call is one Lua script, one
// round trip. Knows the scripts (lua/README.md) and packs slots; the rules of the queue are theirs.
//
// Outcomes are values (FULL, EMPTY, STALE ...). Failures are errors: Refused, with a code, those of
// node-redis, and OutcomeUnknown: the connection ended after the call was sent.
'use strict';

const { randomInt } = require('crypto');
const {
    asBuffer, packKeys, packRuns, packSlots, readGeometry, unpackMessages,
} = require('./packing');
const { OutcomeUnknown, Refused, Scripts } = require('./scripts');
const { Waiter } = require('./waiting');
const { Worker } = require('./worker');

const REASON_DAMAGED = 255;
const SETTLED = ['OK', 'STALE', 'GONE', 'NOTFOUND', 'DEADFULL'];
const PLACES_OF_KEYS = ['ring', 'aside', 'scheduled'];

const foundOf = (reply, index = 0) => ({
    place: PLACES_OF_KEYS[reply[0]], id: reply[1], unfinished: reply[2] === 1, index,
});

const numbersOf = text => text.split(':')[0].split(' ').slice(1).map(Number);

/** A queue of this name; create makes it. All options may hold nowMs, for tests. */
class Queue {
    constructor(client, name, scripts = new Scripts(client)) {
        this.client = client;
        this.name = asBuffer(name);
        this.scripts = scripts;
        this.known = null; // the geometry
        this.waiter = null;
    }

    /** Make the queue; one with the same geometry may be there. */
    async create(shape = {}) {
        const {
            ringSlots = 1001, payloadBytes = 256, laterSlots = 0, deadSlots = 100, groups = 1,
            flags = 24, maxAttempts = 25, tickMs = 100, asideSlots = 64, places = 255,
            noteBytes = 80,
        } = shape;
        await this.call('create', [
            ringSlots, payloadBytes, laterSlots, deadSlots, groups, flags, maxAttempts, tickMs,
            asideSlots, places, noteBytes, randomInt(1, 2 ** 32)]);
    }

    /** Read once, and again if the queue was made anew. */
    async geometry() {
        if (this.known) {
            return this.known;
        }
        const raw = await this.scripts.send('GETRANGE', this.name, '8', '43');
        if (raw.length < 36) {
            throw new Refused('NOQUEUE', `no such queue: ${this.name}; create it`);
        }
        if (raw.toString('latin1', 0, 4) !== 'SLQ1') {
            await this.call('stats', [0]); // says what it is: SHARDED, VERSION or CORRUPT
            throw new Refused('VERSION', `${this.name} is not a queue of this version`);
        }
        const geometry = readGeometry(raw);
        if (geometry.set !== 0) {
            throw new Refused('SHARDED', `${this.name} is a shard of a sharded queue, which this ` +
                'client does not support');
        }
        this.known = geometry;
        return geometry;
    }

    /** Run any script of the queue on its name; the reply as it is. */
    call(script, args, { nowMs, geometry } = {}) {
        const now = nowMs === undefined ? '' : `${nowMs}`;
        const first = geometry ? Buffer.concat([geometry.raw, Buffer.from(now)]) : now;
        return this.scripts.call(script, [this.name], [
            first, ...args.map(part => (Buffer.isBuffer(part) ? part : `${part}`))]);
    }

    /** A call with the geometry that is known; after REMADE with the new one, but not if ids or
     * tokens of the old queue are in it. */
    async current(script, args, { nowMs, byToken = false }) {
        const geometry = await this.geometry();
        try {
            return await this.call(script, args(geometry), { nowMs, geometry });
        } catch (error) {
            if (error.code !== 'REMADE') {
                throw error;
            }
            this.known = null;
            const fresh = await this.geometry();
            if (byToken && fresh.generation !== geometry.generation) {
                throw error;
            }
            return this.call(script, args(fresh), { nowMs, geometry: fresh });
        }
    }

    /** Push all or none: {outcome, ids, holder, taken}. keys: 8 bytes each, or null; mode: unique,
     * once or resend; timeoutMs: wait so long for room. */
    async push(payloads, options = {}) {
        const { keys, mode = 'unique', timeoutMs = 0, signal, nowMs } = options;
        const messages = payloads.map(asBuffer);
        const packedKeys = packKeys(keys, messages.length);
        const look = async (wait, place) => {
            const script = packedKeys ? 'push_keyed_packed' : 'push_packed';
            const result = await this.pushed(script, geometry => [
                messages.length, packSlots(messages, geometry, nowMs),
                ...(packedKeys ? [mode, packedKeys] : []), wait || '',
                ...(place === null ? [] : [place])], messages.length, nowMs);
            return { found: result.outcome !== 'FULL', result, dueMs: -1, kept: true };
        };
        return timeoutMs > 0 ? this.wait('room', look, timeoutMs, signal)
            : (await look(0, null)).result;
    }

    /** Deliver at dueMs, all or none; the ids are later ids. EMPTY: notPast, and it has passed. */
    schedule(payloads, dueMs, { keys, mode = 'unique', notPast = false, nowMs } = {}) {
        const messages = payloads.map(asBuffer);
        const packedKeys = packKeys(keys, messages.length);
        return this.pushed('schedule_packed', geometry => [
            dueMs, messages.length, packSlots(messages, geometry, nowMs), notPast ? '1' : '',
            ...(packedKeys ? [mode, packedKeys] : [])], messages.length, nowMs);
    }

    async pushed(script, args, count, nowMs) {
        let reply;
        try {
            reply = await this.current(script, args, { nowMs });
        } catch (error) {
            if (!['FULL', 'PAUSED', 'CLOSED'].includes(error.code)) {
                throw error;
            }
            const [id, held, unfinished, group, state, deadFull] = numbersOf(error.message);
            const holder = error.code === 'FULL'
                ? { id, held, unfinished, group, state, deadFull: deadFull === 1 } : undefined;
            return { outcome: error.code, ids: [], holder };
        }
        if (Array.isArray(reply)) {
            return { outcome: 'DUPLICATE', ids: [], taken: foundOf(reply.slice(2), reply[1]) };
        }
        return typeof reply === 'number'
            ? { outcome: 'OK', ids: Array.from({ length: count }, (_, i) => reply + i) }
            : { outcome: reply.toString(), ids: [] };
    }

    /** Lease up to count messages: {outcome, messages, dueMs}. timeoutMs: wait so long for the
     * first one; signal, an AbortSignal, ends the wait. */
    async reserve(count = 1, options = {}) {
        const { timeoutMs = 0, signal, group = 0 } = options;
        const look = async (wait, place) => {
            const { kept, ...result } = await this.reserveOnce(count, { ...options, wait, place });
            const found = result.outcome === 'OK' || result.outcome === 'PAUSED';
            return { found, result, dueMs: result.dueMs, kept };
        };
        return timeoutMs > 0 ? this.wait(`${group}`, look, timeoutMs, signal)
            : (await look(options.wait || 0, null)).result;
    }

    async reserveOnce(count, { leaseMs = 30000, group = 0, wait, place, nowMs }) {
        const nothing = (outcome, dueMs = -1, kept = true) => (
            { outcome, messages: [], dueMs, kept });
        let reply;
        let asked;
        try {
            reply = await this.current('reserve_packed', geometry => {
                asked = geometry;
                return [group, count, leaseMs, wait || '', ...(place === null ? [] : [place])];
            }, { nowMs });
        } catch (error) {
            if (error.code !== 'PAUSED') {
                throw error;
            }
            return nothing('PAUSED');
        }
        if (typeof reply === 'number') {
            return nothing('EMPTY', reply);
        }
        if (Buffer.isBuffer(reply)) { // AGAIN, or AGAIN or LIMITED ms [kept others before]
            const [name, due = '-1', kept = '1'] = reply.toString().split(' ');
            return nothing(name, Number(due), kept === '1');
        }
        if (reply.length === 0 || typeof reply[0] === 'number') {
            return nothing('EMPTY', reply[0], reply.length < 2 || reply[1] === 1);
        }
        const { sound, damaged } = unpackMessages(reply[0], Buffer.concat(reply.slice(1)), group,
            asked);
        if (damaged.length > 0) { // they die; where that is refused, they wait a minute
            const outcomes = await this.kill(damaged, { reason: REASON_DAMAGED, nowMs });
            const left = damaged.filter((_, i) => outcomes[i] === 'DEADFULL');
            await (left.length > 0 ? this.release(left, { delayMs: 60000, nowMs }) : undefined);
        }
        return { ...nothing(sound.length > 0 ? 'OK' : 'AGAIN'), messages: sound };
    }

    /** They are done. An outcome for each: OK, STALE, GONE, NOTFOUND. */
    ack(messages, options = {}) {
        return this.settle('ack', messages, options);
    }

    /** They failed: again after delayMs; dead at the last attempt, with reason and note. */
    nack(messages, options = {}) {
        return this.settle('nack', messages, { ...options, ms: options.delayMs });
    }

    /** Give them back; the attempt does not count. */
    release(messages, options = {}) {
        return this.settle('release', messages, { ...options, ms: options.delayMs });
    }

    /** Move them to the dead section. Also DEADFULL. */
    kill(messages, options = {}) {
        return this.settle('kill', messages, options);
    }

    /** Their leases end leaseMs from now. Each that is OK has a new token. */
    extend(messages, options = {}) {
        const { leaseMs = 30000, nowMs } = options;
        return this.settle('extend', messages, { ms: leaseMs, nowMs });
    }

    async settle(verb, messages, { ms = 0, reason = 0, note = '', nowMs }) {
        const { generation } = await this.geometry();
        // a token of a queue that is gone could be one of the queue that has its name now
        const there = messages.filter(message => message.generation === generation);
        const outcomes = new Map();
        if (new Set(there.map(message => message.group)).size > 1) {
            throw new Refused('INVALID', 'messages of several groups; settle each group apart');
        }
        if (there.length > 0) {
            const text = Buffer.from(note).subarray(0, 255);
            try {
                const reply = await this.current('settle_packed', () => [
                    verb, there[0].group, ms, reason, packRuns(there),
                    ...(text.length > 0 ? [text] : [])], { nowMs, byToken: true });
                there.forEach((message, i) => {
                    outcomes.set(message, settledOf(verb, message, reply, i));
                });
            } catch (error) {
                if (error.code !== 'REMADE') {
                    throw error;
                }
            }
        }
        return messages.map(message => outcomes.get(message) || 'GONE');
    }

    /** The state of messages, by id. */
    async status(ids, { group = 0, nowMs } = {}) {
        const reply = await this.call('status', [group, ...ids], { nowMs });
        return ids.map((_, i) => {
            const [state, why, attempts, deadlineMs, ageMs, position, pushedMs] =
                reply.slice(7 * i, 7 * i + 7);
            return {
                state: state.toString(), why, attempts, deadlineMs, ageMs, position, pushedMs };
        });
    }

    /** The numbers of the queue and of one group in it, by their names in lua/README.md. */
    async stats({ group = 0, nowMs } = {}) {
        const reply = await this.call('stats', [group], { nowMs });
        const stats = {};
        for (let i = 0; i < reply.length; i += 2) {
            stats[reply[i].toString()] = reply[i + 1];
        }
        return stats;
    }

    /** Where the message with this key is, or null. */
    async find(key, { nowMs } = {}) {
        const reply = await this.call('find', [asBuffer(key)], { nowMs });
        return reply[0].toString() === 'OK' ? foundOf(reply.slice(1)) : null;
    }

    /** Take a scheduled message out: OK or NOTFOUND. */
    async cancel(laterId, { nowMs } = {}) {
        const reply = await this.current('cancel', () => [laterId], { nowMs, byToken: true });
        return reply.toString();
    }

    wait(row, look, timeoutMs, signal) {
        this.waiter = this.waiter || new Waiter(this);
        return this.waiter.wait(row, look, timeoutMs, signal);
    }

    /** End the connection that waits. */
    async close() {
        await (this.waiter ? this.waiter.close() : undefined);
        this.waiter = null;
    }
}

function settledOf(verb, message, reply, i) {
    if (verb !== 'extend') {
        return SETTLED[reply[i]];
    }
    const token = reply.readUInt32LE(4 * i);
    if ((token & 3) !== 1) { // of a leased message; else 4 times the outcome
        return SETTLED[token >>> 2];
    }
    message.token = token;
    return 'OK';
}

module.exports = { OutcomeUnknown, Queue, Refused, Scripts, Worker };

// packing.js: many messages in one Buffer, as the packed scripts take and return them. Knows slots,
// runs and keys; sends nothing.
'use strict';

const { Refused } = require('./scripts');

const FLAG_CHECKS = 2;
const FLAG_STAMPS = 16;
const CUT_FROM_BYTES = 1024; // slots of that size and more come cut after their payloads

const rotate = (value, bits) => (value << bits) | (value >>> (32 - bits));

/** XXH32 with seed 0, for queues with checks. */
function xxh32(data) {
    const [p1, p2, p3, p4, p5] = [0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1];
    let at = 0;
    let sum = p5;
    if (data.length >= 16) {
        const lanes = [p1 + p2, p2, 0, -p1];
        for (; at + 16 <= data.length; at += 16) {
            for (let i = 0; i < 4; i++) {
                const word = Math.imul(data.readUInt32LE(at + 4 * i), p2);
                lanes[i] = Math.imul(rotate((lanes[i] + word) | 0, 13), p1);
            }
        }
        sum = [1, 7, 12, 18].reduce((all, turn, i) => (all + rotate(lanes[i], turn)) | 0, 0);
    }
    sum = (sum + data.length) | 0;
    for (; at + 4 <= data.length; at += 4) {
        sum = Math.imul(rotate((sum + Math.imul(data.readUInt32LE(at), p3)) | 0, 17), p4);
    }
    for (; at < data.length; at++) {
        sum = Math.imul(rotate((sum + Math.imul(data[at], p5)) | 0, 11), p1);
    }
    sum = Math.imul(sum ^ (sum >>> 15), p2);
    sum = Math.imul(sum ^ (sum >>> 13), p3);
    return (sum ^ (sum >>> 16)) >>> 0;
}

const asBuffer = data => (Buffer.isBuffer(data) ? data : Buffer.from(data));

function readGeometry(raw) {
    const flags = raw[13];
    return {
        raw, ringSlots: raw.readUInt16LE(4), payloadBytes: raw.readUInt16LE(6),
        laterSlots: raw.readUInt16LE(8), deadSlots: raw.readUInt16LE(10), groups: raw[12], flags,
        maxAttempts: raw[14], asideSlots: raw[15], tickMs: raw.readUInt16LE(16), places: raw[18],
        noteBytes: raw[19], generation: raw.readUInt32LE(20), set: raw.readUInt32LE(24),
        headBytes: 2 + (flags & FLAG_STAMPS ? 4 : 0) + (flags & FLAG_CHECKS ? 4 : 0),
    };
}

/** Slots of the payloads, stamped with the time, each cut after its payload. */
function packSlots(payloads, geometry, nowMs) {
    const head = geometry.headBytes;
    let bytes = 0;
    for (const payload of payloads) {
        if (payload.length > geometry.payloadBytes) {
            throw new Refused('TOOBIG', `a payload has ${payload.length} bytes; the queue takes ` +
                `${geometry.payloadBytes}`);
        }
        bytes += head + payload.length;
    }
    const slots = Buffer.allocUnsafe(bytes);
    const tick = Math.floor((nowMs === undefined ? Date.now() : nowMs) / geometry.tickMs) % 2 ** 32;
    let at = 0;
    for (const payload of payloads) {
        slots.writeUInt16LE(payload.length, at);
        if (geometry.flags & FLAG_STAMPS) {
            slots.writeUInt32LE(tick, at + 2);
        }
        if (geometry.flags & FLAG_CHECKS) {
            slots.writeUInt32LE(xxh32(payload), at + head - 4);
        }
        payload.copy(slots, at + head);
        at += head + payload.length;
    }
    return slots;
}

/** 8 bytes for each message, zeros for none; undefined if no message has a key. */
function packKeys(keys, count) {
    if (!keys || !keys.some(key => key && key.length > 0)) {
        return undefined;
    }
    if (keys.length !== count) {
        throw new Refused('INVALID', `${keys.length} keys for ${count} messages; give one for ` +
            'each, or null');
    }
    return Buffer.concat(keys.map(key => {
        const bytes = key && key.length > 0 ? asBuffer(key) : Buffer.alloc(8);
        if (bytes.length !== 8 || (key && key.length > 0 && bytes[0] === 0)) {
            throw new Refused('INVALID', 'a key must be 8 bytes, the first not 0: ' +
                bytes.toString('hex'));
        }
        return bytes;
    }));
}

/** The messages as runs of ids with one token. */
function packRuns(messages) {
    const runs = [];
    for (const { id, token } of messages) {
        const last = runs[runs.length - 1];
        if (last && id === last.id + last.count && token === last.token) {
            last.count++;
        } else {
            runs.push({ id, token, count: 1 });
        }
    }
    const bytes = Buffer.alloc(12 * runs.length);
    runs.forEach((run, i) => {
        bytes.writeUIntLE(run.id, 12 * i, 6);
        bytes.writeUInt32LE(run.token, 12 * i + 6);
        bytes.writeUInt16LE(run.count, 12 * i + 10);
    });
    return bytes;
}

/** The messages of a reserve_packed, those that are sound and those that are damaged. */
function unpackMessages(runs, slots, group, geometry) {
    const { headBytes: head, payloadBytes: most, flags, generation } = geometry;
    const isCut = head + most >= CUT_FROM_BYTES;
    const sound = [];
    const damaged = [];
    let at = 0;
    for (let run = 0; run < runs.length; run += 12) {
        const first = runs.readUIntLE(run, 6);
        const token = runs.readUInt32LE(run + 6);
        const count = runs.readUInt16LE(run + 10);
        for (let i = 0; i < count; i++) {
            const length = slots.readUInt16LE(at);
            const fits = length <= most;
            const payload = slots.subarray(at + head, at + head + (fits ? length : 0));
            const isSound = fits && (!(flags & FLAG_CHECKS) ||
                xxh32(payload) === slots.readUInt32LE(at + head - 4));
            const attempts = (token >>> 2) & 63;
            (isSound ? sound : damaged).push(
                { id: first + i, token, attempts, payload, generation, group });
            at += head + (isCut ? payload.length : most);
        }
    }
    return { sound, damaged };
}

module.exports = { asBuffer, packKeys, packRuns, packSlots, readGeometry, unpackMessages, xxh32 };

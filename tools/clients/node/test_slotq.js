// test_slotq.js: the Node client on a real server, whose socket SLOTQ_TEST_SOCKET names: the
// conformance vectors by its own verbs, and what they do not show. A line a case. The server must
// be the tests' own: it is emptied.
'use strict';

const assert = require('assert');
const { readFileSync } = require('fs');
const net = require('net');
const path = require('path');
const { createClient } = require('redis');
const slotq = require('./slotq');
const { packRuns, packSlots, unpackMessages, xxh32 } = require('./packing');
const { poll } = require('./waiting');

const root = path.join(__dirname, '..', '..', '..');
const vectors = readFileSync(path.join(root, 'tests', 'golden', 'vectors.jsonl'), 'utf8')
    .trim().split('\n').map(line => JSON.parse(line));
const socket = process.env.SLOTQ_TEST_SOCKET;
const atWake = Number(process.env.SLOTQ_AT_WAKE); // the byte that says what clients wait for
const outcomes = ['OK', 'STALE', 'GONE', 'NOTFOUND', 'DEADFULL'];
const places = ['ring', 'aside', 'scheduled'];
const cases = [];
const test = (name, run) => cases.push({ name, run });
let client;

const connect = async (options = {}) => {
    const made = createClient({ socket: { path: socket }, ...options });
    made.on('error', () => {});
    await made.connect();
    return made;
};

/** Wait until it is true; a safety, not a measure. */
async function comesTrue(condition) {
    for (const until = Date.now() + 60000; Date.now() < until;) {
        if (await condition()) {
            return true;
        }
        await new Promise(resolve => { setTimeout(resolve, 20); });
    }
    return false;
}

async function queueOf(shape = {}) {
    const queue = new slotq.Queue(client, 'jobs');
    await queue.create(shape);
    return queue;
}

const refused = (code, run) => assert.rejects(run, error => error.code === code);
const texts = batch => batch.messages.map(message => message.payload.toString());

// ---- the vectors ----

const bytesOf = text => (typeof text === 'string' ? Buffer.from(text)
    : Buffer.from(text.hex, 'hex'));

/** A reply of the vectors, and one of the server, in one notation. */
function plain(reply) {
    if (Array.isArray(reply)) {
        return reply.map(plain);
    }
    if (Buffer.isBuffer(reply) || typeof reply === 'string') {
        return asHex(reply);
    }
    if (reply !== null && typeof reply === 'object') {
        return reply.error ? reply : asHex(reply.status || bytesOf(reply));
    }
    return reply;
}

const asHex = text => Buffer.from(text).toString('hex');
const error = text => ({ error: text });

function pushedReply({ outcome, ids, holder, taken }) {
    if (outcome === 'OK') {
        return ids[0];
    }
    if (outcome === 'DUPLICATE') {
        return ['DUPLICATE', taken.index, places.indexOf(taken.place), taken.id,
            taken.unfinished ? 1 : 0];
    }
    if (outcome === 'FULL') {
        const { id, held, unfinished, group, state, deadFull } = holder;
        return error(`SLOTQFULL ${id} ${held} ${unfinished} ${group} ${state} ${deadFull ? 1 : 0}`);
    }
    return outcome === 'EMPTY' ? 'EMPTY' : error(`SLOTQ${outcome}`);
}

const every = (list, step, first = 0) => (
    list.filter((_, i) => i >= first && (i - first) % step === 0));
const keyOf = key => (key.length > 0 ? key : null);

/** By script: sends a vector by the verb of the client, and returns what the script would. */
const verbs = {
    async push(queue, args, nowMs) {
        return pushedReply(await queue.push(args, { nowMs }));
    },
    async push_packed(queue, [count, slots], nowMs) {
        const { headBytes, payloadBytes } = await queue.geometry();
        const payloads = Array.from({ length: Number(count) }, (_, i) => {
            const at = i * (headBytes + payloadBytes);
            return slots.subarray(at + headBytes, at + headBytes + slots.readUInt16LE(at));
        });
        return pushedReply(await queue.push(payloads, { nowMs }));
    },
    async push_keyed(queue, [mode, ...pairs], nowMs) {
        return pushedReply(await queue.push(every(pairs, 2, 1), {
            keys: every(pairs, 2).map(keyOf), mode: mode.toString(), nowMs }));
    },
    async schedule(queue, [due, notPast, ...payloads], nowMs) {
        return pushedReply(await queue.schedule(payloads, Number(due), {
            notPast: notPast.toString() === '1', nowMs }));
    },
    async schedule_keyed(queue, [due, notPast, mode, ...pairs], nowMs) {
        return pushedReply(await queue.schedule(every(pairs, 2, 1), Number(due), {
            keys: every(pairs, 2).map(keyOf), mode: mode.toString(),
            notPast: notPast.toString() === '1', nowMs }));
    },
    async reserve(queue, [group, count, leaseMs, wait = ''], nowMs, packed = false) {
        const { outcome, messages, dueMs } = await queue.reserve(Number(count), {
            group: Number(group), leaseMs: Number(leaseMs), wait: Number(wait), nowMs });
        if (outcome === 'PAUSED') {
            return error('SLOTQPAUSED');
        }
        if (outcome === 'EMPTY') {
            return Number(wait) ? dueMs : [];
        }
        if (outcome !== 'OK') {
            return `${outcome} ${dueMs}`;
        }
        return packed
            ? [packRuns(messages), packSlots(messages.map(message => message.payload),
                await queue.geometry(), nowMs)]
            : messages.flatMap(one => [one.id, one.token, one.attempts, one.payload]);
    },
    reserve_packed(queue, args, nowMs) {
        return verbs.reserve(queue, args, nowMs, true);
    },
    async settle(queue, [verb, group, ms, reason, ...rest], nowMs) {
        const hasNote = rest.length > 2 && rest[rest.length - 2].toString() === 'note';
        const numbers = (hasNote ? rest.slice(0, -2) : rest).map(Number);
        const { generation } = await queue.geometry();
        const messages = every(numbers, 2).map((id, i) => (
            { id, token: numbers[2 * i + 1], generation, group: Number(group) }));
        const got = await queue.settle(verb.toString(), messages, {
            ms: Number(ms), reason: Number(reason),
            note: hasNote ? rest[rest.length - 1].toString() : '', nowMs });
        return got.map((outcome, i) => (verb.toString() === 'extend' && outcome === 'OK'
            ? messages[i].token : outcome));
    },
    async settle_packed(queue, [verb, group, ms, reason, runs, note = ''], nowMs) {
        const pairs = [];
        for (let at = 0; at < runs.length; at += 12) {
            pairs.push(`${runs.readUIntLE(at, 6)}`, `${runs.readUInt32LE(at + 6)}`);
        }
        const got = await verbs.settle(queue, [verb, group, ms, reason, ...pairs,
            ...(note ? ['note', note] : [])], nowMs);
        if (verb.toString() !== 'extend') {
            return Buffer.from(got.map(outcome => outcomes.indexOf(outcome)));
        }
        return Buffer.concat(got.map(part => {
            const bytes = Buffer.alloc(4);
            bytes.writeUInt32LE(typeof part === 'number' ? part : 4 * outcomes.indexOf(part));
            return bytes;
        }));
    },
    async status(queue, [group, ...ids], nowMs) {
        const all = await queue.status(ids.map(Number), { group: Number(group), nowMs });
        return all.flatMap(one => Object.values(one));
    },
    async stats(queue, [group], nowMs) {
        return Object.entries(await queue.stats({ group: Number(group), nowMs })).flat();
    },
    async find(queue, [key], nowMs) {
        const found = await queue.find(key, { nowMs });
        return found ? ['OK', places.indexOf(found.place), found.id, found.unfinished ? 1 : 0]
            : ['NOTFOUND', 0, 0, 0];
    },
    cancel(queue, [id], nowMs) {
        return queue.cancel(Number(id), { nowMs });
    },
};

/** The slots of a packed reserve, cut and stamped as those of the reply will be. */
async function repacked(queue, [runs, slots], nowMs) {
    const geometry = await queue.geometry();
    const { sound, damaged } = unpackMessages(bytesOf(runs), bytesOf(slots), 0, geometry);
    assert.strictEqual(damaged.length, 0);
    return [runs, packSlots(sound.map(message => message.payload), geometry, nowMs)];
}

async function play(variant) {
    const scripts = new slotq.Scripts(client);
    scripts.variant = variant;
    const values = new Map();
    const queues = new Map();
    let byVerb = 0;
    for (const vector of vectors) {
        const { queue: name, script } = vector;
        const args = vector.args.map(bytesOf);
        const nowMs = Number(args[0]);
        let wanted = vector.reply;
        let got;
        if (script === 'create') {
            queues.set(name, new slotq.Queue(client, name, scripts));
            got = await scripts.call(script, [name], args);
            values.set(name, Buffer.from(vector.value, 'hex'));
        } else {
            const send = verbs[script] || ((queue, rest) => queue.call(script, rest, { nowMs }));
            byVerb += verbs[script] ? 1 : 0;
            try {
                got = await send(queues.get(name), args.slice(1), nowMs);
            } catch (failure) {
                assert(failure instanceof slotq.Refused, failure);
                got = error(`SLOTQ${failure.code}`);
            }
        }
        if (script === 'reserve_packed' && Array.isArray(wanted) && wanted.length > 0) {
            wanted = await repacked(queues.get(name), wanted, nowMs);
        }
        assert.deepStrictEqual(plain(got), plain(wanted), JSON.stringify(vector));
        const left = values.get(name);
        (vector.changed || []).forEach(([at, hex]) => left.write(hex, at, 'hex'));
        const value = await scripts.send('GET', name);
        (vector.undefined || []).forEach(([at, size]) => left.copy(value, at, at, at + size));
        assert(value.equals(left), `the value: ${JSON.stringify(vector)}`);
    }
    assert(byVerb > 400);
}

test('the vectors by the scripts of Redis 7', () => play('redis7'));
test('the vectors by the scripts of Redis 5 and 6', () => play('plain'));

// ---- what the vectors do not show ----

test('a call carries many messages, also to a server that forgets its scripts', async () => {
    const queue = await queueOf({ ringSlots: 3001, payloadBytes: 2000 });
    const payloads = Array.from({ length: 2000 }, (_, i) => `${i}`.repeat(i % 300));
    assert.strictEqual((await queue.push(payloads)).ids[1999], 2000);
    await client.sendCommand(['SCRIPT', 'FLUSH']);
    const got = [];
    while (got.length < 2000) {
        const batch = await queue.reserve(500);
        assert((await queue.ack(batch.messages)).every(outcome => outcome === 'OK'));
        got.push(...texts(batch));
    }
    assert.deepStrictEqual(got, payloads);
    assert.strictEqual((await queue.stats()).acked, 2000);
});

test('a damaged message is never given out, and dies with the reason 255', async () => {
    const queue = await queueOf({ flags: 16 + 2, payloadBytes: 40 });
    await queue.push(['x'.repeat(33), 'sound', '']);
    const value = await queue.scripts.send('GET', 'jobs');
    await client.setRange('jobs', value.indexOf('x'.repeat(33)) + 5, 'y');
    assert.deepStrictEqual(texts(await queue.reserve(3)), ['sound', '']);
    const dead = await queue.call('dead_list', [0, 5]);
    assert.deepStrictEqual([dead[0], dead[4]], [1, 255]);
    assert.strictEqual(xxh32(Buffer.alloc(0)), 0x02CC5D05);
});

test('tokens of a queue that is gone settle nothing in the next one', async () => {
    const queue = await queueOf();
    await queue.push(['old']);
    const old = (await queue.reserve()).messages;
    await client.del('jobs');
    const other = await queueOf({ payloadBytes: 300 });
    await other.push(['new']);
    assert.deepStrictEqual(await queue.ack(old), ['GONE']);
    assert.deepStrictEqual(await queue.ack(old), ['GONE']);
    assert.strictEqual((await queue.push(['n'.repeat(300)])).outcome, 'OK');
    assert.deepStrictEqual(texts(await queue.reserve(5)), ['new', 'n'.repeat(300)]);
});

test('failures are errors that say what is wrong', async () => {
    const queue = new slotq.Queue(client, 'jobs');
    await refused('NOQUEUE', () => queue.push(['x']));
    await queue.create({ payloadBytes: 3 });
    await refused('TOOBIG', () => queue.push(['four']));
    await refused('INVALID', () => queue.reserve(0));
    await refused('INVALID', () => queue.push(['x'], { keys: ['short'] }));
    await refused('EXISTS', () => queue.create({ payloadBytes: 4 }));
    await queue.scripts.call('create', ['shard'], ['', 11, 9, 0, 0, 1, 0, 0, 100, 0, 0, 0, 5, 77, 1]
        .map(String));
    const before = await client.get('shard');
    await refused('SHARDED', () => new slotq.Queue(client, 'shard').push(['x']));
    assert.strictEqual(await client.get('shard'), before);
});

test('a user who may call functions alone uses these', async () => {
    const { folder } = (await queueOf()).scripts;
    await client.sendCommand(['FUNCTION', 'LOAD',
        readFileSync(path.join(folder, 'slotq.functions.lua'))]);
    await client.sendCommand(('ACL SETUSER worker reset on >secret ~jobs &slotq#*:jobs +fcall ' +
        '+strlen +getrange +setrange +time +publish +subscribe').split(' '));
    const user = await connect({ username: 'worker', password: 'secret' });
    const queue = new slotq.Queue(user, 'jobs');
    assert.strictEqual((await queue.push(['by a function'])).outcome, 'OK');
    assert.deepStrictEqual(await queue.ack((await queue.reserve()).messages), ['OK']);
    await user.disconnect();
    await client.sendCommand(['ACL', 'DELUSER', 'worker']);
    await client.sendCommand(['FUNCTION', 'FLUSH']);
});

test('a connection that ends before the reply leaves the outcome unknown', async () => {
    const queue = await queueOf();
    await queue.push(['loads the script']);
    const cutter = net.createServer(near => { // passes commands on, ends at the reply of a push
        const far = net.connect(socket);
        let pushes = false;
        near.on('data', data => {
            pushes = pushes || data.includes('EVALSHA');
            far.write(data);
        });
        far.on('data', data => (pushes ? near.destroy() : near.write(data)));
        near.on('close', () => far.destroy());
        near.on('error', () => {});
        far.on('error', () => {});
    }).listen(`${socket}.cut`);
    const cut = createClient({ socket: { path: `${socket}.cut`, reconnectStrategy: () => 60000 } });
    cut.on('error', () => {});
    await cut.connect();
    await assert.rejects(() => new slotq.Queue(cut, 'jobs').push(['did it happen?']),
        slotq.OutcomeUnknown);
    await cut.disconnect().catch(() => {});
    cutter.close();
    assert.strictEqual((await queue.stats()).last_id, 2);
});

// ---- waiting: polls are too far apart to help ----

const asleep = async () => ((await new slotq.Scripts(client).send(
    'GETRANGE', 'jobs', `${atWake}`, `${atWake}`))[0] & 3) !== 0;

async function woken(call, wake) {
    let result;
    const promise = call().then(value => { result = value; });
    assert(await comesTrue(asleep));
    assert.strictEqual(result, undefined);
    await wake();
    assert(await comesTrue(() => result !== undefined));
    await promise;
    return result;
}

async function wakes(count) {
    Object.assign(poll, { leastMs: 3e6, mostMs: 3e6 });
    const queue = await queueOf({ ringSlots: 3, asideSlots: 0, places: count });
    const sleeper = new slotq.Queue(client, 'jobs');
    const batch = await woken(() => sleeper.reserve(1, { timeoutMs: 3e6 }),
        () => queue.push(['up']));
    assert.deepStrictEqual(texts(batch), ['up']);
    await queue.push(['more']);
    const pushed = await woken(() => sleeper.push(['last'], { timeoutMs: 3e6 }),
        () => queue.ack(batch.messages));
    assert.deepStrictEqual(pushed.ids, [3]);
    await sleeper.close();
}

test('a client at a place is woken', () => wakes(4));
test('a client of a queue without places is woken', () => wakes(0));

test('a signal ends a wait, and the place is given up', async () => {
    await queueOf();
    const sleeper = new slotq.Queue(client, 'jobs');
    const stop = new AbortController();
    const batch = await woken(() => sleeper.reserve(1, { timeoutMs: 3e6, signal: stop.signal }),
        () => stop.abort());
    assert.strictEqual(batch.outcome, 'EMPTY');
    assert.strictEqual(await sleeper.call('unwait', [0, sleeper.waiter.place]), 0);
    await sleeper.close();
});

test('a client wakes when a message is due', async () => {
    const queue = await queueOf({ laterSlots: 3 });
    await queue.schedule(['soon'], Date.now() + 300);
    assert.deepStrictEqual(texts(await queue.reserve(1, { timeoutMs: 3e6 })), ['soon']);
    await queue.close();
});

// ---- workers ----

async function work(queue, handler, until, options = {}) {
    const worker = new slotq.Worker(new slotq.Queue(client, 'jobs'), handler, options);
    const run = worker.run();
    assert(await comesTrue(() => until(worker)));
    worker.stop();
    assert.strictEqual(await run, true);
    return worker;
}

test('each message is done once, tried again, or dead, as its handler says', async () => {
    const queue = await queueOf({ maxAttempts: 3 });
    await queue.push([...Array(20).fill('fine'), 'retry', 'dead', 'throws', 'snooze']);
    const seen = [];
    const handler = async task => {
        const text = task.payload.toString();
        seen.push(text);
        const first = seen.filter(other => other === text).length === 1;
        if (text === 'throws') {
            throw new RangeError('a secret');
        }
        return text === 'retry' && first ? { retry: 0 }
            : text === 'snooze' && first ? { snooze: 100 }
            : text === 'dead' ? { dead: 7, note: 'no such address' } : undefined;
    };
    const worker = await work(queue, handler, async ({ counts }) => counts.done === 22 &&
        (await queue.stats()).dead === 2, { backoff: () => 0 });
    const times = text => seen.filter(other => other === text).length;
    assert.deepStrictEqual(['fine', 'retry', 'throws', 'snooze'].map(times), [20, 2, 3, 2]);
    assert.strictEqual(worker.counts.dead, 1);
    const dead = await queue.call('dead_list', [0, 5]);
    const notes = [6, 13].map(at => `${dead[at - 1]} ${dead[at - 2]} ${dead[at]}`).sort();
    assert.deepStrictEqual(notes, ['dead 7 no such address', 'throws 120 RangeError']);
});

test('a lease is extended while its handler runs', async () => {
    const queue = await queueOf();
    await queue.push(['long']);
    const extended = [];
    const handler = async task => {
        const { token } = task.message;
        await comesTrue(() => task.message.token !== token || task.lost);
        extended.push(task.message.token !== token);
    };
    await work(queue, handler, ({ counts }) => counts.done === 1, { leaseMs: 3000 });
    assert(extended.includes(true));
});

test('a handler learns that its lease is lost, and its result is dropped', async () => {
    const queue = await queueOf();
    await queue.push(['held']);
    const handler = async task => {
        await queue.kill([{ ...task.message }]);
        assert(await comesTrue(() => task.lost));
    };
    const worker = await work(queue, handler, ({ counts }) => counts.lost === 1,
        { leaseMs: 1500 });
    assert.strictEqual(worker.counts.done, 0);
});

test('a stop waits for handlers that run, and takes nothing more', async () => {
    const queue = await queueOf();
    await queue.push(['first', 'second']);
    let goOn;
    let begun = false;
    const handler = () => new Promise(resolve => {
        begun = true;
        goOn = resolve;
    });
    const worker = new slotq.Worker(new slotq.Queue(client, 'jobs'), handler, { concurrency: 1 });
    const run = worker.run();
    assert(await comesTrue(() => begun));
    worker.stop();
    goOn();
    assert.strictEqual(await run, true);
    assert.strictEqual(worker.counts.done, 1);
    assert.strictEqual((await queue.stats()).ready, 1);
});

async function main() {
    client = await connect();
    let failed = 0;
    for (const { name, run } of cases) {
        await client.flushAll();
        await client.sendCommand(['SCRIPT', 'FLUSH']);
        try {
            await run();
            console.log(`ok ${name}`);
        } catch (failure) {
            failed++;
            console.log(`not ok ${name}\n${failure.stack || failure}`.slice(0, 3000));
        }
    }
    await client.disconnect();
    process.exit(failed === 0 ? 0 : 1);
}

main();

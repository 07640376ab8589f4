// worker.js: runs an async handler for each message of a queue: it extends leases while handlers
// run, acks what they finish, and tries again what fails. Knows a queue's verbs only.
'use strict';

const REASON_FAILED = 120;
const REST_MS = 1000; // after a failure of the server

/** 1 s at the first attempt, doubled up to 5 minutes, a quarter more or less by chance. */
function backoffMs(attempts) {
    return Math.floor(Math.min(1000 * 2 ** Math.min(attempts - 1, 20), 300000) *
        (0.75 + Math.random() / 2));
}

/** Runs handler(task) for messages, `concurrency` at a time. What the handler returns says what
 * becomes of the message: nothing or 'done', {retry: delayMs}, {dead: reason, note} or
 * {snooze: delayMs}; if it throws, the message is tried again. At least once. */
class Worker {
    constructor(queue, handler, options = {}) {
        const {
            concurrency = 16, leaseMs = 30000, group = 0, backoff = backoffMs, stopMs = 25000,
            onError = () => {},
        } = options;
        Object.assign(this, {
            queue, handler, concurrency, leaseMs, group, backoff, stopMs, onError });
        this.stopping = new AbortController();
        this.tasks = new Set(); // whose leases are kept
        this.running = new Set(); // promises
        this.keeping = Promise.resolve(); // leases are extended one call after the other
        this.counts = { done: 0, retried: 0, dead: 0, snoozed: 0, lost: 0, unknown: 0 };
    }

    /** Take nothing more; run returns when the handlers have, or after stopMs. */
    stop() {
        this.stopping.abort();
    }

    /** Work until stop. catchSignals: SIGTERM and SIGINT stop it. False: some handlers did not
     * return; their messages come back when the leases end. */
    async run({ catchSignals = false } = {}) {
        const stop = () => this.stop();
        const signals = catchSignals ? ['SIGTERM', 'SIGINT'] : [];
        signals.forEach(signal => process.on(signal, stop));
        const keeper = setInterval(() => {
            this.keeping = this.keeping.then(() => this.keep());
        }, this.leaseMs / 3);
        try {
            while (!this.stopping.signal.aborted) {
                await this.take();
            }
            return await this.drain();
        } finally {
            clearInterval(keeper);
            await this.keeping;
            await this.queue.close();
            signals.forEach(signal => process.off(signal, stop));
        }
    }

    rest(ms) {
        return new Promise(resolve => {
            const { signal } = this.stopping;
            const end = () => {
                clearTimeout(timer);
                signal.removeEventListener('abort', end);
                resolve();
            };
            const timer = setTimeout(end, ms);
            signal.addEventListener('abort', end);
        });
    }

    /** Reserve as many messages as may run now, and start them. */
    async take() {
        const free = this.concurrency - this.running.size;
        if (free === 0) {
            await Promise.race(this.running);
            return;
        }
        try {
            const { outcome, messages } = await this.queue.reserve(free, {
                leaseMs: this.leaseMs, group: this.group, timeoutMs: 60000,
                signal: this.stopping.signal });
            for (const message of messages) {
                const running = this.work({ message, payload: message.payload, id: message.id,
                    attempts: message.attempts, lost: false })
                    .finally(() => this.running.delete(running));
                this.running.add(running);
            }
            await (outcome === 'PAUSED' ? this.rest(REST_MS) : undefined);
        } catch (error) {
            if (['CORRUPT', 'VERSION', 'SHARDED', 'INVALID'].includes(error.code)) {
                throw error;
            }
            this.onError(error);
            await this.rest(REST_MS);
        }
    }

    async work(task) {
        this.tasks.add(task);
        let result;
        try {
            result = await this.handler(task) || 'done';
        } catch (error) {
            this.onError(error);
            result = { retry: undefined, note: error && error.constructor.name };
        }
        this.tasks.delete(task);
        await this.keeping; // or the token could be another one when the queue reads it
        await this.settle(task, result);
    }

    /** Which verb a handler's result asks for, and what is counted. */
    verbOf(task, result) {
        const { reason = REASON_FAILED, note = '' } = result;
        if ('dead' in result) {
            return ['kill', { reason: result.dead || reason, note }, 'dead'];
        }
        if ('snooze' in result) {
            return ['release', { delayMs: result.snooze }, 'snoozed'];
        }
        const delayMs = result.retry === undefined ? this.backoff(task.attempts) : result.retry;
        return ['nack', { delayMs, reason, note }, 'retried'];
    }

    async settle(task, result) {
        const [verb, options, count] = result === 'done' ? ['ack', {}, 'done']
            : this.verbOf(task, result);
        const until = Date.now() + this.leaseMs;
        while (!task.lost) {
            try {
                const [outcome] = await this.queue[verb]([task.message], options);
                if (outcome === 'DEADFULL') {
                    await this.queue.release([task.message], { delayMs: 60000 });
                }
                this.counts[outcome === 'OK' || outcome === 'DEADFULL' ? count : 'lost']++;
                return;
            } catch (error) { // to settle twice does no harm
                this.onError(error);
                if (Date.now() > until) {
                    this.counts.unknown++;
                    return;
                }
                await new Promise(resolve => { setTimeout(resolve, 200); });
            }
        }
        this.counts.lost++;
    }

    /** Extend all leases. */
    async keep() {
        const tasks = [...this.tasks].filter(task => !task.lost);
        for (let at = 0; at < tasks.length; at += 256) {
            const some = tasks.slice(at, at + 256);
            try {
                const outcomes = await this.queue.extend(some.map(task => task.message), {
                    leaseMs: this.leaseMs });
                some.forEach((task, i) => {
                    // one that was settled meanwhile is not lost
                    task.lost = task.lost || (outcomes[i] !== 'OK' && this.tasks.has(task));
                });
            } catch (error) {
                this.onError(error);
            }
        }
    }

    /** Wait for the handlers that run. */
    async drain() {
        let timer;
        const late = new Promise(resolve => {
            timer = setTimeout(() => resolve(false), this.stopMs);
        });
        const all = Promise.all(this.running).then(() => true);
        return Promise.race([all, late]).finally(() => clearTimeout(timer));
    }
}

module.exports = { Worker, backoffMs };

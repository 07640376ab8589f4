// waiting.js: sleeps at a place of a queue until it has what a caller waits for (lua/README.md,
// "Waiting"). Knows channels, places and time; what is looked for, the caller knows.
'use strict';

const poll = { leastMs: 4000, mostMs: 6000 };

/** A connection that sleeps at one place of a queue. One wait at a time. */
class Waiter {
    constructor(queue) {
        this.queue = queue;
        this.place = null;
        this.subscriber = null;
        this.geometry = null; // of the queue with this place
        this.news = false; // a message came since it was last cleared
        this.wake = () => {};
        this.busy = false;
    }

    /** Look until something is found, the time is over, or the signal is aborted; what the last
     * look came to. row: a group, or room. */
    async wait(row, look, timeoutMs, signal) {
        if (this.busy) {
            throw new Error('this Queue waits already; make another one for each wait');
        }
        this.busy = true;
        try {
            return await this.waitAlone(row, look, Date.now() + timeoutMs, signal);
        } catch (error) {
            await this.leave(row);
            throw error;
        } finally {
            this.busy = false;
        }
    }

    async waitAlone(row, look, deadline, signal) {
        let inVain = 0; // wake-ups in a row for which nothing was found
        for (;;) {
            if (!this.subscriber || this.geometry !== await this.queue.geometry()) {
                await this.close();
                await this.subscribe();
            }
            this.news = false;
            let looked;
            try {
                looked = await look(1, this.place);
            } catch (error) {
                if (!error.code || this.geometry === await this.queue.geometry()) {
                    throw error;
                }
                continue; // the queue was made anew, with other places
            }
            const left = deadline - Date.now();
            if (looked.found) {
                return looked.result;
            }
            if (left <= 0 || (signal && signal.aborted)) {
                break;
            }
            const pollMs = poll.leastMs + Math.random() * (poll.mostMs - poll.leastMs);
            await this.sleep(Math.min(left, pollMs, await this.until(looked.dueMs)), signal);
            inVain = this.news ? inVain + 1 : 0;
            if (!this.news && !looked.kept) {
                await this.close(); // a wake-up was lost on the way
            } else if (inVain > 2) {
                await this.move(row);
                inVain = 0;
            }
        }
        // It may have been told of a message: take that, or tell another client.
        const { found, result } = await look(0, this.place);
        if (row === 'room' && !found) {
            await this.leave(row);
        }
        return result;
    }

    /** Milliseconds until a time of the server's clock. */
    async until(dueMs) {
        if (dueMs < 0) {
            return Infinity;
        }
        const [seconds, micros] = await this.queue.scripts.send('TIME');
        return Math.max(0, dueMs - Number(seconds) * 1000 - Math.floor(Number(micros) / 1000));
    }

    /** A place with few clients; by chance where the server does not say. */
    async choose() {
        const { places } = this.geometry;
        if (places === 0) {
            return null;
        }
        const first = Math.floor(Math.random() * places);
        const drawn = Array.from({ length: Math.min(places, 8) }, (_, i) => (first + i) % places);
        try {
            const reply = await this.queue.scripts.send('PUBSUB', 'NUMSUB',
                ...drawn.map(place => this.channelOf(place)));
            const counts = drawn.map((_, i) => Number(reply[2 * i + 1]));
            return drawn[counts.indexOf(Math.min(...counts))];
        } catch (error) {
            return drawn[0];
        }
    }

    channelOf(place) {
        return (place === null ? 'slotq:' : `slotq#${place}:`) + this.queue.name.toString();
    }

    /** Sleep at a place from now on; subscribe returns after the server's word for it. */
    async subscribe() {
        this.geometry = await this.queue.geometry();
        this.place = await this.choose();
        if (!this.subscriber) {
            this.subscriber = this.queue.client.duplicate();
            this.subscriber.on('error', () => this.wake()); // it connects again; look meanwhile
            await this.subscriber.connect();
        }
        await this.subscriber.subscribe(this.channelOf(this.place), () => {
            this.news = true;
            this.wake();
        });
    }

    sleep(ms, signal) {
        return new Promise(resolve => {
            if (this.news) {
                resolve();
                return;
            }
            const timer = setTimeout(() => this.wake(), ms);
            const aborted = () => this.wake();
            this.wake = () => {
                this.wake = () => {};
                clearTimeout(timer);
                if (signal) {
                    signal.removeEventListener('abort', aborted);
                }
                resolve();
            };
            if (signal) {
                signal.addEventListener('abort', aborted);
            }
        });
    }

    /** Take another place; the old one is given up when the new one is taken. */
    async move(row) {
        const old = this.place;
        if (old === null) {
            return;
        }
        await this.subscribe();
        if (this.place !== old) {
            await this.subscriber.unsubscribe(this.channelOf(old));
            await this.queue.call('unwait', [row, old]);
        }
    }

    /** Give the place up, so that another client is told in its stead. */
    async leave(row) {
        try {
            await (this.place === null ? undefined : this.queue.call('unwait', [row, this.place]));
        } catch (error) {
            // the failure before it is the one to tell
        }
        await this.close();
    }

    /** End the connection; the next wait makes another. */
    async close() {
        const { subscriber } = this;
        this.subscriber = null;
        if (subscriber) {
            await subscriber.disconnect().catch(() => {});
        }
    }
}

module.exports = { Waiter, poll };

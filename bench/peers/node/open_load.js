// open_load.js: the two ends of a fixed rate, each in a separate process: one pushes what is due
// when it is told so, the other notes how late each message came. Knows a peer's push and
// consume; the pace is its caller's (../support/pace.h), whose clock is hrtime's.
'use strict';

const { Tally } = require('./payloads');

const STAMP_DIGITS = 20;
const TOGETHER_MOST = 256;

class Sender {
  constructor(peer, { start_ns: startNs, rate_per_s: ratePerS, payload_bytes: payloadBytes }) {
    Object.assign(this, { peer, startNs, ratePerS, payloadBytes });
    this.due = [];
    this.pushing = null;
    this.failure = null;
  }

  stamp(i) {
    const dueNs = Math.floor(this.startNs + (i * 1e9) / this.ratePerS);
    return String(dueNs).padStart(STAMP_DIGITS, '0').padEnd(this.payloadBytes, 'x');
  }

  // What became due while a push was on its way is the next push.
  add(first, count) {
    for (let i = first; i < first + count; i++) {
      this.due.push(this.stamp(i));
    }
    this.pushing ??= this.pushAll();
  }

  async pushAll() {
    try {
      while (this.due.length > 0) {
        await this.peer.push(this.due.splice(0, TOGETHER_MOST));
      }
    } catch (error) {
      this.failure = error;
    }
    this.pushing = null;
  }

  async end() {
    await this.pushing;
    if (this.failure !== null) {
      throw this.failure;
    }
  }
}

class Listener {
  constructor(peer, { consumers, messages, payload_bytes: payloadBytes }) {
    this.peer = peer;
    this.consumers = consumers;
    this.messages = messages;
    this.tally = new Tally(payloadBytes);
    this.dueNs = new Float64Array(messages);
    this.ageNs = new Float64Array(messages);
  }

  look(payload) {
    const now = Number(process.hrtime.bigint());
    const i = this.tally.looked;
    this.tally.look(payload);
    this.dueNs[i] = Number(payload.slice(0, STAMP_DIGITS));
    this.ageNs[i] = Math.max(0, now - this.dueNs[i]);
  }

  async begin() {
    this.workers = Array.from({ length: this.consumers }, () =>
      this.peer.consume({
        concurrency: this.peer.concurrencyMost,
        look: (payload) => this.look(payload),
        onFinished: () => this.tally.finish(),
        onError: (error) => this.tally.fail(error),
      }),
    );
    await Promise.all(this.workers.map((worker) => worker.ready));
    await this.peer.listen?.(this.workers);
    this.workers.forEach((worker) => worker.run());
  }

  // Of the messages behind the first, by when they were due; each came once.
  ages({ start_ns: startNs, rate_per_s: ratePerS, first }) {
    const seen = new Set();
    const ages = [];
    for (let i = 0; i < this.messages; i++) {
      const number = Math.round(((this.dueNs[i] - startNs) * ratePerS) / 1e9);
      seen.add(number);
      if (number >= first) {
        ages.push(this.ageNs[i]);
      }
    }
    if (seen.size !== this.messages || this.tally.looked !== this.messages) {
      throw new Error(`of ${this.messages} messages ${seen.size} came`);
    }
    return ages;
  }

  async end(how) {
    await this.tally.reach(this.messages);
    await Promise.all(this.workers.map((worker) => worker.close()));
    await this.peer.unlisten?.();
    return this.ages(how);
  }
}

module.exports = { Listener, Sender };

// leases.js: messages that are taken and not finished: held, finished after all, handed out again
// to another, and what of it works on a full server. Knows a peer's push and consume; no peer by
// name.
'use strict';

const { Payloads, Tally } = require('./payloads');
const { setTimeout: sleep } = require('node:timers/promises');

const AT_ONCE = 200;
const now = () => Number(process.hrtime.bigint());

async function pushMany(peer, count, payloadBytes) {
  const payloads = new Payloads(payloadBytes);
  for (let left = count; left > 0; left -= AT_ONCE) {
    await peer.push(payloads.next(Math.min(AT_ONCE, left)));
  }
}

// Takes so many and keeps them until they are released.
class Holder {
  constructor(peer, count, payloadBytes) {
    this.tally = new Tally(payloadBytes);
    this.released = new Promise((resolve) => {
      this.release = resolve;
    });
    this.count = count;
    this.expected = 0;
    this.held = new Promise((resolve, reject) => {
      this.onHeld = resolve;
      this.onFailed = reject;
    });
    this.consumer = peer.consume({
      concurrency: count,
      look: (payload, leasedMs) => this.look(payload, leasedMs),
      onFinished: () => this.tally.finish(),
      onError: (error) => this.onFailed(error),
    });
  }

  // leasedMs, where the peer tells it: by the server's clock.
  look(payload, leasedMs = Date.now()) {
    this.tally.look(payload);
    this.expectMore();
    if (this.tally.looked === this.count) {
      this.onHeld(now() - (Date.now() - leasedMs) * 1e6);
    }
    return this.released;
  }

  // Few at once: a lease must not begin long before its message is here.
  expectMore() {
    const more = Math.min(this.count, this.tally.looked + AT_ONCE) - this.expected;
    this.consumer.expect(more);
    this.expected += more;
  }

  // When the last lease began.
  async hold() {
    await this.consumer.ready;
    this.expectMore();
    this.consumer.run();
    return this.held;
  }

  async finish() {
    this.release();
    await this.tally.reach(this.count);
    await this.consumer.close();
  }
}

// Takes and finishes what comes back from a dead worker; when the first and the last did.
async function recover(peer, count, payloadBytes) {
  const tally = new Tally(payloadBytes);
  let firstNs = 0;
  let lastNs = 0;
  const consumer = peer.consume({
    concurrency: peer.concurrencyMost,
    look: (payload) => {
      tally.look(payload);
      lastNs = now();
      firstNs ||= lastNs;
    },
    onFinished: () => tally.finish(),
    onError: (error) => tally.fail(error),
  });
  await consumer.ready;
  peer.poll?.(consumer);
  consumer.run();
  await tally.reach(count);
  peer.unpoll?.();
  await consumer.close();
  tally.check(count);
  return { first_ns: firstNs, all_ns: lastNs };
}

const within = (limitMs, work) =>
  Promise.race([
    work.then(
      () => true,
      () => false,
    ),
    sleep(limitMs, false),
  ]);

// With messages ready and others held: what still works.
async function tryAll(peer, holder, payloadBytes, limitMs) {
  process.on('unhandledRejection', () => {}); // what fails in the background shows in what is late
  const pushes = await within(limitMs, pushMany(peer, 1, payloadBytes));
  const taker = new Holder(peer, 1, payloadBytes);
  const takes = await within(limitMs, taker.hold());
  holder.release();
  const finishes = await within(limitMs, holder.tally.reach(1));
  return { pushes, takes, finishes };
}

module.exports = { Holder, pushMany, recover, tryAll };

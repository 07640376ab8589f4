// closed_load.js: one client, a new batch when an older one is done: pushing all, taking all, and
// the full cycle, in nanoseconds. Knows a peer's push and consume; no peer by name.
'use strict';

const { Payloads, Tally } = require('./payloads');

async function timed(work) {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start);
}

async function inLanes(lanes, count, step) {
  let left = count;
  const lane = async () => {
    while (left-- > 0) {
      await step();
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

class ClosedLoad {
  constructor(peer, how) {
    this.peer = peer;
    this.how = how;
    this.payloads = new Payloads(how.payload_bytes);
    this.tally = new Tally(how.payload_bytes);
  }

  // Connected, so that it takes at once when it is told to run.
  async prepare() {
    const { batch, in_flight: inFlight } = this.how;
    this.consumer = this.peer.consume({
      concurrency: Math.min(batch * inFlight, this.peer.concurrencyMost),
      look: (payload) => this.tally.look(payload),
      onFinished: () => this.tally.finish(),
      onError: (error) => this.tally.fail(error),
    });
    await this.consumer.ready;
  }

  push() {
    const { batch, in_flight: inFlight, messages } = this.how;
    const step = () => this.peer.push(this.payloads.next(batch));
    return timed(() => inLanes(inFlight, messages / batch, step));
  }

  take() {
    return timed(async () => {
      this.consumer.expect(this.payloads.given);
      this.consumer.run();
      await this.tally.reach(this.payloads.given);
    });
  }

  async pushBatch(batch) {
    await this.peer.push(this.payloads.next(batch));
    this.consumer.expect(batch);
  }

  // The consumer runs.
  cycle() {
    const { batch, in_flight: inFlight, messages } = this.how;
    const pushing = [];
    return timed(async () => {
      for (let i = 0; i < messages / batch; i++) {
        pushing.push(this.pushBatch(batch));
        if (inFlight === 1) {
          await pushing[i];
        }
        await this.tally.reach(this.payloads.given - batch * (inFlight - 1));
      }
      await Promise.all(pushing);
      await this.tally.reach(this.payloads.given);
    });
  }

  async end() {
    await this.consumer.close();
    this.tally.check(this.payloads.given);
    const left = await this.peer.left();
    if (left !== 0) {
      throw new Error(`${left} messages were left in the queue`);
    }
  }
}

module.exports = { ClosedLoad };

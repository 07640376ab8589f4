// peer_bullmq.js: BullMQ as its benchmark and documents drive it: addBulk, a Worker with
// concurrency, jobs removed when done. Knows BullMQ; not what is measured.
'use strict';

const { Queue, Worker } = require('bullmq');
const { versionOf } = require('./versions');

const NAME = 'slotq-bench';
const LEASE_MS = 30000; // the default of lockDuration and stalledInterval

class Consumer {
  constructor(queue, { concurrency, look, onFinished, onError }) {
    this.worker = new Worker(NAME, async (job) => look(job.data), {
      connection: queue.connection,
      autorun: false,
      concurrency,
      removeOnComplete: { count: 0 }, // said here, it is not stored with each job
      removeOnFail: { count: 0 },
      lockDuration: queue.leaseMs,
      stalledInterval: queue.leaseMs,
    });
    this.ready = this.worker.waitUntilReady();
    this.worker.on('completed', onFinished);
    this.worker.on('failed', (job, error) => onError(error));
    this.worker.on('error', onError);
  }

  run() {
    this.worker.run();
  }

  expect() {}

  async close(force = false) {
    await this.worker.close(force);
  }
}

class Peer {
  static about() {
    return `BullMQ ${versionOf('bullmq')}, ioredis ${versionOf('ioredis')}`;
  }

  constructor({ socket, leaseMs = LEASE_MS }) {
    this.concurrencyMost = 100; // as in its makers' benchmark; more was not faster
    this.leaseMs = leaseMs;
    this.connection = { path: socket };
  }

  async open() {
    this.queue = new Queue(NAME, {
      connection: this.connection,
      streams: { events: { maxLen: 100 } }, // else 10,000 events weigh as if they were messages
    });
    this.queue.on('error', () => {}); // told by the call that failed
    await this.queue.waitUntilReady();
  }

  async push(payloads) {
    if (payloads.length === 1) {
      await this.queue.add('m', payloads[0]);
    } else {
      await this.queue.addBulk(payloads.map((data) => ({ name: 'm', data })));
    }
  }

  consume(options) {
    return new Consumer(this, options);
  }

  async left() {
    const counts = await this.queue.getJobCounts();
    return Object.values(counts).reduce((sum, count) => sum + count, 0);
  }

  async clear() {
    if ((await this.left()) > 0) {
      await this.queue.obliterate({ force: true });
      await this.queue.close();
      await this.open(); // its settings were in the server, too
    }
  }

  async close() {
    await this.queue.close();
  }
}

module.exports = Peer;

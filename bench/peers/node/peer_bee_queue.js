// peer_bee_queue.js: bee-queue as its documents tell for many small jobs: saveAll, process with
// concurrency, events and stored jobs off. Knows bee-queue; not what is measured.
'use strict';

const Queue = require('bee-queue');
const { versionOf } = require('./versions');

const NAME = 'slotq-bench';
const LEASE_MS = 5000; // the default of stallInterval

function settings({ socket, leaseMs }, isWorker) {
  return {
    redis: { path: socket },
    isWorker,
    getEvents: false,
    sendEvents: false,
    storeJobs: false,
    removeOnSuccess: true,
    removeOnFailure: true,
    stallInterval: leaseMs,
  };
}

class Consumer {
  constructor(peer, { concurrency, look, onFinished, onError }) {
    this.queue = new Queue(NAME, settings(peer, true));
    this.leaseMs = peer.leaseMs;
    this.concurrency = concurrency;
    this.look = look;
    this.onError = onError;
    this.ready = this.queue.ready();
    this.queue.on('succeeded', onFinished);
    this.queue.on('failed', (job, error) => onError(error));
    this.queue.on('error', onError);
  }

  run() {
    this.queue.process(this.concurrency, async (job) => this.look(job.data));
    this.queue.checkStalledJobs(this.leaseMs).catch(this.onError);
  }

  expect() {}

  async close() {
    await this.queue.close();
  }
}

class Peer {
  static about() {
    return `bee-queue ${versionOf('bee-queue')}`;
  }

  constructor({ socket, leaseMs = LEASE_MS }) {
    this.concurrencyMost = 100; // more was not faster
    this.socket = socket;
    this.leaseMs = leaseMs;
    this.queue = new Queue(NAME, settings(this, false));
    this.queue.on('error', () => {}); // told by the call that failed
  }

  async open() {
    await this.queue.ready();
  }

  async push(payloads) {
    if (payloads.length === 1) {
      await this.queue.createJob(payloads[0]).save();
      return;
    }
    const errors = await this.queue.saveAll(payloads.map((data) => this.queue.createJob(data)));
    for (const error of errors.values()) {
      throw error;
    }
  }

  consume(options) {
    return new Consumer(this, options);
  }

  async left() {
    const { waiting, active, succeeded, failed, delayed } = await this.queue.checkHealth();
    return waiting + active + succeeded + failed + delayed;
  }

  async clear() {
    await this.queue.destroy();
  }

  async close() {
    await this.queue.close();
  }
}

module.exports = Peer;

// peer_rsmq.js: RSMQ, which has single messages only: many calls at once, which its client sends
// in pipelines; one listener for its realtime option. Knows RSMQ; not what is measured.
'use strict';

const { once } = require('node:events');
const RedisSMQ = require('rsmq');
const { versionOf } = require('./versions');

const NAME = 'slotq-bench';
const LEASE_MS = 30000; // the default of vt

function connect(socket, realtime) {
  const rsmq = new RedisSMQ({ path: socket, realtime });
  const ready = once(rsmq, 'scriptload:changeMessageVisibility'); // the last that it loads
  return { rsmq, ready };
}

// Asks for as many messages as it was told are there, several calls at once.
class Consumer {
  constructor(peer, { concurrency, look, onFinished, onError }) {
    Object.assign(this, connect(peer.socket, false));
    this.vt = peer.leaseMs / 1000;
    Object.assign(this, { concurrency, look, onFinished, onError });
    this.wanted = 0;
    this.lanes = 0;
    this.running = false;
  }

  run() {
    this.running = true;
    this.start();
  }

  expect(count) {
    this.wanted += count;
    this.start();
  }

  // Two calls at once can miss what is there: the one that looked at the clock first comes second.
  onNothing() {
    this.wanted++;
  }

  start() {
    while (this.running && this.wanted > 0 && this.lanes < this.concurrency) {
      this.lanes++;
      this.lane().catch(this.onError);
    }
  }

  async lane() {
    while (this.running && this.wanted > 0) {
      this.wanted--;
      const asked = { qname: NAME, vt: this.vt };
      const { id, message, fr } = await this.rsmq.receiveMessageAsync(asked);
      if (id === undefined) {
        this.onNothing();
        continue;
      }
      await this.look(message, fr);
      if ((await this.rsmq.deleteMessageAsync({ qname: NAME, id })) !== 1) {
        throw new Error('RSMQ did not know the message that it gave');
      }
      this.onFinished();
    }
    this.lanes--;
  }

  async close() {
    this.running = false;
    await this.rsmq.quitAsync();
  }
}

class Peer {
  static about() {
    return `RSMQ ${versionOf('rsmq')}`;
  }

  constructor({ socket, leaseMs = LEASE_MS, realtime = false }) {
    this.concurrencyMost = 300; // fewer were slower, more not faster
    this.socket = socket;
    this.leaseMs = leaseMs;
    Object.assign(this, connect(socket, realtime));
  }

  async open() {
    await this.ready;
    try {
      await this.rsmq.createQueueAsync({ qname: NAME });
    } catch (error) {
      if (error.name !== 'queueExists') {
        throw error;
      }
    }
  }

  async push(payloads) {
    await Promise.all(
      payloads.map((message) => this.rsmq.sendMessageAsync({ qname: NAME, message })),
    );
  }

  consume(options) {
    return new Consumer(this, options);
  }

  // One listener: each message pushed is one more for the next of the consumers.
  async listen(consumers) {
    let turn = 0;
    this.listener = this.rsmq.redis.duplicate();
    this.listener.on('message', () => consumers[turn++ % consumers.length].expect(1));
    await new Promise((resolve, reject) => {
      this.listener.subscribe(`rsmq:rt:${NAME}`, (error) => (error ? reject(error) : resolve()));
    });
  }

  // The dead worker's messages come back without a word: asked for each millisecond.
  poll(consumer) {
    this.poller = setInterval(() => consumer.expect(consumer.wanted === 0 ? 1 : 0), 1);
    consumer.onNothing = () => {
      consumer.wanted = 0;
    };
    const look = consumer.look;
    consumer.look = (message) => {
      consumer.expect(consumer.concurrency - consumer.wanted);
      return look(message);
    };
  }

  unpoll() {
    clearInterval(this.poller);
  }

  async unlisten() {
    await new Promise((resolve) => this.listener.quit(resolve));
  }

  async left() {
    return (await this.rsmq.getQueueAttributesAsync({ qname: NAME })).msgs;
  }

  async clear() {
    await this.rsmq.deleteQueueAsync({ qname: NAME });
    await this.open();
  }

  async close() {
    await this.rsmq.quitAsync();
  }
}

module.exports = Peer;

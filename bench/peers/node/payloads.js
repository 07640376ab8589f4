// payloads.js: messages of a wanted size that can be told apart, and the tally of those that came
// back: a stretch whose messages did not all come, whole and once, is an error, not a figure.
// Knows no queue.
'use strict';

const LETTERS = 26;
const FIRST = 'A'.charCodeAt(0);

class Payloads {
  constructor(bytes) {
    this.variants = Array.from({ length: LETTERS }, (_, i) =>
      String.fromCharCode(FIRST + i).padEnd(bytes, 'x'),
    );
    this.given = 0;
  }

  next(count) {
    const batch = new Array(count);
    for (let i = 0; i < count; i++) {
      batch[i] = this.variants[this.given++ % LETTERS];
    }
    return batch;
  }
}

// The sum of the first bytes of the first count payloads.
function sumOf(count) {
  let sum = 0;
  for (let i = 0; i < LETTERS; i++) {
    sum += (FIRST + i) * Math.floor((count + LETTERS - 1 - i) / LETTERS);
  }
  return sum;
}

class Tally {
  constructor(bytes) {
    this.bytes = bytes;
    this.looked = 0;
    this.finished = 0;
    this.sum = 0;
    this.waits = null;
    this.failure = null;
  }

  look(payload) {
    if (typeof payload !== 'string' || payload.length !== this.bytes) {
      this.fail(new Error(`a payload of ${this.bytes} bytes came back as ${String(payload)}`));
      return;
    }
    this.looked++;
    this.sum += payload.charCodeAt(0);
  }

  finish() {
    this.finished++;
    if (this.waits !== null && this.finished >= this.waits.count) {
      this.waits.resolve();
      this.waits = null;
    }
  }

  fail(error) {
    this.failure ??= error;
    this.waits?.reject(this.failure);
    this.waits = null;
  }

  // When so many are finished since the tally began.
  reach(count) {
    if (this.failure !== null) {
      return Promise.reject(this.failure);
    }
    if (this.finished >= count) {
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.waits = { count, resolve, reject };
    });
  }

  // Each of the first count payloads came back and was finished, once.
  check(count) {
    if (this.failure !== null) {
      throw this.failure;
    }
    if (this.looked !== count || this.finished !== count || this.sum !== sumOf(count)) {
      throw new Error(`of ${count} messages ${this.looked} were taken, ${this.finished} finished`);
    }
  }
}

module.exports = { Payloads, Tally };

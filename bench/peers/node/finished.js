// finished.js: what a peer reports of a job that is done, while it keeps the job and when it does
// not: a line for each. Knows their calls; measures nothing. node finished.js SOCKET
'use strict';

const { Queue, Worker } = require('bullmq');
const BeeQueue = require('bee-queue');

const socket = process.argv[2];

async function bullmq(removes) {
  const connection = { path: socket, maxRetriesPerRequest: null };
  const name = `finished-${removes}`;
  const queue = new Queue(name, { connection });
  const job = await queue.add('job', {}, { removeOnComplete: removes });
  const worker = new Worker(name, async () => {}, { connection });
  await new Promise((resolve) => worker.on('completed', resolve));
  console.log('BullMQ', removes ? 'removed' : 'kept', await queue.getJobState(job.id));
  await worker.close();
  await queue.close();
}

async function beeQueue(removes) {
  const options = { redis: { path: socket }, removeOnSuccess: removes, storeJobs: false };
  const queue = new BeeQueue(`finished-${removes}`, options);
  const job = await queue.createJob({}).save();
  const done = new Promise((resolve) => queue.on('succeeded', resolve));
  queue.process(async () => true);
  await done;
  const found = await queue.getJob(job.id);
  console.log('bee-queue', removes ? 'removed' : 'kept', found ? found.status : 'unknown');
  await queue.close();
}

async function main() {
  for (const removes of [false, true]) {
    await bullmq(removes);
    await beeQueue(removes);
  }
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});

// Bull and BullMQ with the requirement's options: three attempts, exponential backoff, 100 completed and 500 failed kept.
//   node peer_bull.js bull|bullmq fill JOBS       adds no-op jobs in bulk
//   node peer_bull.js bull|bullmq add JOBS        adds them one after the other, prints jobs/s
//   node peer_bull.js bull|bullmq work PROCESSES  works them off, 8 at a time in each process
'use strict';

const cluster = require('node:cluster');

const [peer, task, count] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const port = Number(process.env.BENCH_REDIS_PORT);
const NAME = 'bench';
const CONCURRENCY = 8;
const BULK = 500;

const options = {
  attempts: 3,
  backoff: { type: 'exponential', delay: 2000 },
  removeOnComplete: peer === 'bull' ? 100 : { count: 100 },
  removeOnFail: peer === 'bull' ? 500 : { count: 500 },
};

function openQueue() {
  if (peer === 'bull') {
    const Bull = require('bull');
    return new Bull(NAME, { redis: { port } });
  }
  const { Queue } = require('bullmq');
  return new Queue(NAME, { connection: { port } });
}

async function fill(queue) {
  for (let start = 0; start < count; start += BULK) {
    const jobs = [];
    for (let i = start; i < Math.min(start + BULK, count); i += 1) {
      jobs.push({ name: 'nothing', data: { i }, opts: options });
    }
    await queue.addBulk(jobs);
  }
}

async function add(queue) {
  const example = JSON.parse(process.env.BENCH_EXAMPLE);
  await queue.add('nothing', example, options); // the connection and the script are there from here on
  const begin = process.hrtime.bigint();
  for (let i = 0; i < count; i += 1) await queue.add('nothing', example, options);
  const seconds = Number(process.hrtime.bigint() - begin) / 1e9;
  process.stdout.write(`${count / seconds}\n`);
}

function work() {
  if (peer === 'bull') {
    openQueue().process('nothing', CONCURRENCY, async () => {});
    return;
  }
  const { Worker } = require('bullmq');
  new Worker(NAME, async () => {}, { connection: { port, maxRetriesPerRequest: null }, concurrency: CONCURRENCY });
}

async function main() {
  if (task === 'work') {
    if (count > 1 && cluster.isPrimary) {
      for (let i = 0; i < count; i += 1) cluster.fork();
      process.on('SIGTERM', () => {
        for (const child of Object.values(cluster.workers)) child.process.kill('SIGKILL');
        process.exit(0);
      });
      return;
    }
    work();
    return;
  }
  const queue = openQueue();
  await (task === 'fill' ? fill(queue) : add(queue));
  await queue.close();
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});

// The requirement's own stack behind HTTP: Express answers 202 when Bull has the job. It checks the message a little,
// and knows no tokens, no limits and no logs.
//   PORT=3100 BENCH_REDIS_PORT=6379 node http_bull.js PROCESSES
// Prints "ready" when every process listens.
'use strict';

const cluster = require('node:cluster');

const processes = Number(process.argv[2]);
const options = {
  attempts: 3,
  backoff: { type: 'exponential', delay: 2000 },
  removeOnComplete: 100,
  removeOnFail: 500,
};

function serve(listening) {
  const express = require('express');
  const Bull = require('bull');
  const queue = new Bull('bench', { redis: { port: Number(process.env.BENCH_REDIS_PORT) } });
  const app = express();
  app.use(express.json());
  app.post('/api/v1/whatsapp/messages', async (request, response) => {
    const { type, recipient, data } = request.body;
    if (!type || !/^\+\d{8,15}$/.test(recipient)) {
      response.status(422).json({ success: false });
      return;
    }
    const job = await queue.add(type, { type, recipient, data }, options);
    response.status(202).json({ success: true, message: 'Processing', jobId: job.id });
  });
  app.listen(Number(process.env.PORT), '127.0.0.1', listening);
}

function ready() {
  process.stdout.write('ready\n');
}

if (processes > 1 && cluster.isPrimary) {
  let waiting = processes;
  cluster.on('listening', () => {
    waiting -= 1;
    if (waiting === 0) ready();
  });
  for (let i = 0; i < processes; i += 1) cluster.fork();
  process.on('SIGTERM', () => {
    for (const child of Object.values(cluster.workers)) child.process.kill('SIGKILL');
    process.exit(0);
  });
} else {
  serve(cluster.isPrimary ? ready : undefined);
}

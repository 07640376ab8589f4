// driver.js: a peer behind lines: a request in JSON on stdin, its answer in JSON on stdout, one
// after the other. Knows requests; what they do is in the files beside it.
//
// driver.js PEER    {"op": "push", …}  answered by  {"ns": 123}  or  {"error": "what failed"}
'use strict';

const readline = require('node:readline');
const { ClosedLoad } = require('./closed_load');
const { Holder, pushMany, recover, tryAll } = require('./leases');
const { Listener, Sender } = require('./open_load');

console.log = console.error; // stdout is for answers

function loadPeer(name) {
  try {
    return require(`./peer_${name}`);
  } catch (error) {
    console.error(`bench: ${error.message.split('\n')[0]}`);
    return process.exit(1);
  }
}

const Peer = loadPeer(process.argv[2]);

let peer = null;
let opened = '';
let closedLoad = null;
let sender = null;
let listener = null;
let holder = null;

const requests = {
  about: async () => ({ about: `${Peer.about()}, Node ${process.versions.node}` }),
  // Empty, whatever a run that was broken off left there; connections stay.
  async open({ socket, lease_ms: leaseMs, realtime }) {
    const asked = `${socket} ${leaseMs} ${realtime}`;
    if (asked !== opened) {
      await peer?.close();
      peer = new Peer({ socket, leaseMs, realtime });
      opened = asked;
      await peer.open();
    }
    await peer.clear();
  },

  async begin(how) {
    closedLoad = new ClosedLoad(peer, how);
    await closedLoad.prepare();
  },
  push: async () => ({ ns: await closedLoad.push() }),
  take: async () => ({ ns: await closedLoad.take() }),
  cycle: async () => ({ ns: await closedLoad.cycle() }),
  end: () => closedLoad.end(),

  async listen(how) {
    listener = new Listener(peer, how);
    await listener.begin();
  },
  ages: async (how) => ({ ages: await listener.end(how) }),
  async pace(how) {
    sender = new Sender(peer, how);
  },
  sent: () => sender.end(),

  fill: (how) => pushMany(peer, how.messages, how.payload_bytes),
  async hold(how) {
    holder = new Holder(peer, how.messages, how.payload_bytes);
    return { held_ns: await holder.hold() };
  },
  release: () => holder.finish(),
  recover: (how) => recover(peer, how.messages, how.payload_bytes),
  tries: (how) => tryAll(peer, holder, how.payload_bytes, how.limit_ms),
};

async function answer(request) {
  try {
    return (await requests[request.op](request)) ?? {};
  } catch (error) {
    return { error: `${request.op}: ${error.message}` };
  }
}

let last = Promise.resolve();
function serve(request) {
  last = last.then(async () => {
    process.stdout.write(`${JSON.stringify(await answer(request))}\n`);
  });
}

const lines = readline.createInterface({ input: process.stdin, terminal: false });
lines.on('line', (line) => {
  const request = JSON.parse(line);
  if (request.op === 'due') {
    sender.add(request.first, request.count); // not answered: as a message that just came
  } else {
    serve(request);
  }
});
lines.on('close', () => process.exit(0));

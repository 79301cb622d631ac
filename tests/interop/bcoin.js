'use strict';

/* A bcoin full node on regtest, in memory, driven by lines of JSON.
 *
 *   NODE_PATH=.../node_modules NODE_BACKEND=js node bcoin.js PORT [PEER_PORT]
 *
 * With PEER_PORT it dials that port of 127.0.0.1, and no other. Each line on
 * standard input is {"do": …}; each answer, and each packet that arrives, is a
 * line on standard output. */

const Module = require('module');
const readline = require('readline');

// No database is opened in memory: its compiled part is not needed.
const load = Module._load;
Module._load = function (name, ...rest) {
  return name === 'leveldown' ? {} : load.call(this, name, ...rest);
};

const bcoin = require('bcoin');
const packets = require('bcoin/lib/net/packets');
const NetAddress = require('bcoin/lib/net/netaddress');
const InvItem = require('bcoin/lib/primitives/invitem');
const WalletDB = require('bcoin/lib/wallet/walletdb');
const NodeClient = require('bcoin/lib/wallet/nodeclient');
const KeyRing = require('bcoin/lib/primitives/keyring');
const MTX = require('bcoin/lib/primitives/mtx');

const [port, peerPort] = process.argv.slice(2).map(Number);

function say(object) {
  process.stdout.write(JSON.stringify(object) + '\n');
}

function reversed(hex) {
  return Buffer.from(hex, 'hex').reverse().toString('hex');
}

const node = new bcoin.FullNode({
  network: 'regtest',
  memory: true,
  workers: false,
  listen: true,
  host: '127.0.0.1',
  publicHost: '127.0.0.1',
  port,
  'http-host': '127.0.0.1',
  'http-port': port + 1,
  'no-auth': true,
  only: peerPort ? [`127.0.0.1:${peerPort}`] : [],
  discover: true,
  selfish: false
});

// Who gets the coins that are mined: by a script without witness, for bcoin's
// regtest knows none before block 432.
const ring = KeyRing.generate('regtest');

node.mempool.on('tx', tx => say({event: 'mempool', txid: tx.txid()}));
node.on('error', error => say({event: 'error', text: error.message}));
node.on('connect', entry => say({
  event: 'tip', height: entry.height, hash: entry.rhash()
}));
node.pool.on('peer open', peer => say({
  event: 'peer', outbound: peer.outbound, agent: peer.agent,
  version: peer.version, services: peer.services, height: peer.height
}));
node.pool.on('packet', (packet, peer) => {
  const line = {event: 'packet', type: packet.cmd || 'unknown'};
  if (packet.cmd === 'block') {
    line.hash = packet.block.rhash();
    line.raw = packet.block.toRaw().toString('hex');
  } else if (packet.cmd === 'headers') {
    line.hashes = packet.items.map(h => h.rhash());
  } else if (packet.cmd === 'inv' || packet.cmd === 'notfound') {
    line.items = packet.items.map(i => [i.type, i.rhash()]);
  } else if (packet.cmd === 'addr') {
    line.hosts = packet.items.map(a => `${a.host}:${a.port}`);
  }
  say(line);
});

function thePeer() {
  const peer = node.pool.peers.head();
  if (!peer)
    throw new Error('no peer');
  return peer;
}

async function mineOn(tip) {
  const entry = await node.chain.add(await node.miner.mineBlock(tip));
  if (!entry)
    throw new Error('block refused');
  return entry;
}

let wallet = null;

// A coin of the wallet's goes to the wallet; none, while all are young.
async function pay() {
  const address = await wallet.receiveAddress();
  try {
    await wallet.send({rate: 10000, outputs: [{address, value: 1000000}]});
  } catch (error) {
    if (error.type !== 'FundingError')
      throw error;
  }
}

const actions = {
  // What is mined from now on is the wallet's.
  async wallet() {
    const wdb = new WalletDB({
      network: node.network, memory: true, client: new NodeClient(node)
    });
    wdb.on('error', error => say({event: 'error', text: error.message}));
    await wdb.open();
    wallet = wdb.primary;
    node.miner.addresses = [await wallet.receiveAddress()];
  },

  // With a wallet, with a payment in each block. Gives [height, payments].
  async mine({n}) {
    let payments = 0;
    for (let i = 0; i < n; i++) {
      if (wallet)
        await pay();
      await mineOn(null);
      payments += (await node.chain.getBlock(node.chain.height)).txs.length - 1;
    }
    return [node.chain.height, payments];
  },

  // As many blocks, and one more, instead of the last ones.
  async fork({depth}) {
    let entry = await node.chain.getEntry(node.chain.height - depth);
    for (let i = 0; i <= depth; i++)
      entry = await mineOn(entry);
    return [node.chain.height, node.chain.tip.rhash()];
  },

  async tip() {
    return [node.chain.height, node.chain.tip.rhash()];
  },

  // A transaction that spends the coins of the block at a height; nobody but
  // who asks gets it.
  async spend({height}) {
    const block = await node.chain.getBlock(height);
    const coin = await node.getCoin(block.txs[0].hash('hex'), 0);
    const mtx = new MTX();
    mtx.addCoin(coin);
    mtx.addOutput(ring.getAddress(), coin.value - 10000);
    mtx.sign(ring);
    return {txid: mtx.txid(), raw: mtx.toRaw().toString('hex')};
  },

  // All blocks of the chain: [hash, raw].
  async blocks() {
    const list = [];
    for (let height = 0; height <= node.chain.height; height++) {
      const block = await node.chain.getBlock(height);
      list.push([block.rhash(), block.toRaw().toString('hex')]);
    }
    return list;
  },

  async getdata({hashes}) {
    const peer = thePeer();
    // Whole ones: the newest it would ask for as compact blocks.
    const type = InvItem.types.WITNESS_BLOCK;
    const items = hashes.map(h => new InvItem(type, reversed(h)));
    // It hangs up on a block that it does not know to be asked for.
    for (const item of items) {
      node.pool.blockMap.add(item.hash);
      peer.blockMap.set(item.hash, Date.now());
    }
    peer.send(new packets.GetDataPacket(items));
  },

  async addr({n}) {
    const items = [];
    for (let i = 0; i < n; i++) {
      // A group of its own for each: one may fill but one bucket.
      const item = NetAddress.fromHost(`8.${i & 255}.${i >> 8}.1`, 8333);
      item.time = Math.floor(Date.now() / 1000) - 600;
      item.services = 9;
      items.push(item);
    }
    thePeer().send(new packets.AddrPacket(items));
  },

  async getheaders() {
    const locator = [node.network.genesis.hash];
    thePeer().send(new packets.GetHeadersPacket(locator));
  },

  async ping() {
    const nonce = Buffer.from('0123456789abcdef', 'hex');
    thePeer().send(new packets.PingPacket(nonce));
  }
};

async function main() {
  await node.ensure();
  await node.open();
  node.miner.addresses = [ring.getAddress()];
  await node.connect();
  node.startSync();
  say({event: 'up'});

  const input = readline.createInterface({input: process.stdin});
  for await (const line of input) {
    const command = JSON.parse(line);
    try {
      const result = await actions[command.do](command);
      say({event: 'done', do: command.do, result});
    } catch (error) {
      say({event: 'failed', do: command.do, text: error.stack});
    }
  }
  await node.close();
}

main().then(() => process.exit(0), (error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});

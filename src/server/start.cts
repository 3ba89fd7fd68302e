/**
 * Where the process begins. Nothing else is loaded before Node's version is known to be enough, and before libuv's thread
 * pool has its size: libuv sizes the pool at first use, which on Node 20 is the loading of the first ES module. A thread
 * more than hashes run at a time: files and DNS never wait behind a hash.
 */
import os = require('node:os');

/** As `engines` in package.json: the first versions of their lines that can `require` an ES module, which dependencies do. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isSupported = major === 20 ? minor >= 19 : major === 22 ? minor >= 12 : major > 22;

if (isSupported) {
  const { PASSWORD_HASH_CONCURRENCY, HASH_CONCURRENCY } = process.env;
  const hashes = Number(PASSWORD_HASH_CONCURRENCY || HASH_CONCURRENCY) || Math.max(1, os.availableParallelism() - 1);
  process.env['UV_THREADPOOL_SIZE'] ||= String(hashes + 1);
  void import('./main.js');
} else {
  process.stderr.write(
    `Latchkey needs Node 20.19 or newer, and of Node 22 22.12 or newer. This is ${process.version}.\n`,
  );
  process.exitCode = 1;
}

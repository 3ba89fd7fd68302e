/**
 * The entry point. Before it loads the server, it checks the version of Node and sets the size of libuv's thread pool, which is
 * fixed at first use (on Node 20, loading the first ES module). The pool has one thread more than concurrent password
 * hashes, so that file and DNS operations never wait for a hash.
 */
import os = require('node:os');

/** As `engines` in package.json. Dependencies `require` ES modules, which needs these versions. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isSupported = major === 20 ? minor >= 19 : major === 22 ? minor >= 12 : major > 22;

if (isSupported) {
  const { PASSWORD_HASH_CONCURRENCY, HASH_CONCURRENCY } = process.env;
  const hashes = Number(PASSWORD_HASH_CONCURRENCY || HASH_CONCURRENCY) || Math.max(1, os.availableParallelism() - 1);
  process.env['UV_THREADPOOL_SIZE'] ||= String(hashes + 1);
  void import('./main.js');
} else {
  process.stderr.write(
    `Latchkey needs Node 20.19 or later 20.x, or Node 22.12 or later. This is ${process.version}.\n`,
  );
  process.exitCode = 1;
}

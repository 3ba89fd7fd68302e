/**
 * Where the process begins. libuv sizes its thread pool at first use, which on Node 20 is the loading of the first ES
 * module, so this is not one. A thread more than hashes run at a time: files and DNS never wait behind a hash.
 */
import os = require('node:os');

process.env['UV_THREADPOOL_SIZE'] ||= String(
  (Number(process.env['HASH_CONCURRENCY']) || Math.max(1, os.availableParallelism() - 1)) + 1,
);

void import('./main.js');

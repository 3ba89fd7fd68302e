/**
 * The reporter of `npm test`: a line for each test file as it ends, then every failed assertion with its file, test and
 * reason, and last `N tests passed, M failed`. Reads the TAP that tap writes (https://testanything.org). A test file is a process
 * or, in a group (test-files.mjs), a subtest of one.
 */
import { Transform } from 'node:stream';

const INDENT = 4;
const GROUP = '.cache/tests/';
const RESULT = /^(ok|not ok) \d+(?: - (.*?))?(?: # time=([\d.]+)ms)?$/;

export default class TestReporter extends Transform {
  #rest = '';
  /** The depth of test files. Their tests are below, and assertions below those. */
  #fileDepth = 0;
  /** The names of the enclosing subtests by depth. */
  #path = [];
  /** By depth: whether a result failed since the last result of the depth above. */
  #hasFailed = [];
  /** The failure whose diagnostics are being read. */
  #failure = undefined;
  #failures = [];
  #passed = 0;
  #failed = 0;

  _transform(chunk, _encoding, done) {
    const lines = (this.#rest + chunk.toString()).split('\n');
    this.#rest = lines.pop();
    for (const line of lines) this.#readLine(line);
    done();
  }

  _flush(done) {
    this.#readLine(this.#rest);
    for (const { path, diagnostics } of this.#failures) {
      this.push(`\nFAILED ${path.join(' > ')}\n${diagnostics.join('\n')}\n`);
    }
    this.push(`\n${this.#passed} tests passed, ${this.#failed} failed\n`);
    done();
  }

  #readLine(line) {
    const text = line.trimStart();
    const depth = Math.floor((line.length - text.length) / INDENT);
    const result = RESULT.exec(text);
    if (result) this.#readResult(depth, result);
    else if (text.startsWith('# Subtest: ')) this.#enter(depth, text.slice('# Subtest: '.length));
    else this.#failure?.diagnostics.push(line);
    if (text === '...') this.#failure = undefined;
  }

  #enter(depth, name) {
    this.#path[depth] = name;
    if (depth === 0) this.#fileDepth = name.startsWith(GROUP) ? 1 : 0;
  }

  #readResult(depth, [, outcome, name = '', milliseconds = '0']) {
    this.#failure = undefined;
    const isFailure = outcome === 'not ok' && !/ # (?:TODO|SKIP)/i.test(name);
    // A subtest that contains a failure fails as well, which adds no reason.
    const isReason = isFailure && !this.#hasFailed[depth + 1];
    this.#hasFailed[depth + 1] = false;
    if (isFailure) this.#hasFailed[depth] = true;
    if (isReason) {
      this.#failure = { path: [...this.#path.slice(this.#fileDepth, depth), name], diagnostics: [] };
      this.#failures.push(this.#failure);
    }
    const isTest = depth === this.#fileDepth + 1;
    if (isTest && !isFailure) this.#passed += 1;
    // A file or group that fails by itself (a crash, a timeout) counts as a failed test.
    if (isFailure && (isTest || (depth <= this.#fileDepth && isReason))) this.#failed += 1;
    if (depth === this.#fileDepth || (depth === 0 && isReason)) {
      this.push(`${isFailure ? 'FAILED' : 'ok'} ${name} (${(Number(milliseconds) / 1000).toFixed(1)} s)\n`);
    }
  }
}

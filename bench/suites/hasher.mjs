// The prebuilt hasher of the package, and one that the command of the deployment guide builds for the processor of this machine.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../lib/latchkey.mjs';
import { against, interleave } from '../lib/rounds.mjs';
import { startArgon2 } from './login.mjs';

const FLAGS = '-O3 -march=native';

/** Creates a directory with only the hasher. @param build whether to compile it there */
function install(directory, build) {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'node_modules/argon2/package.json'), 'utf8'));
  mkdirSync(join(directory, 'bench/servers'), { recursive: true });
  cpSync(join(ROOT, 'bench/servers/argon2.mjs'), join(directory, 'bench/servers/argon2.mjs'));
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ private: true, dependencies: { argon2: version } }));
  const npm = (args, env = {}) =>
    execFileSync('npm', args, { cwd: directory, stdio: 'pipe', env: { ...process.env, ...env } });
  npm(['install', '--no-audit', '--no-fund']);
  if (build) npm(['rebuild', 'argon2', '--build-from-source'], { CFLAGS: FLAGS, CXXFLAGS: FLAGS });
  return directory;
}

/** Measures. @throws Error without a compiler */
export async function measureHasher(context, { rounds, seconds }) {
  const variants = [];
  for (const [name, build] of [
    ['the prebuilt binary', false],
    ['built for this processor', true],
  ]) {
    const directory = install(join(context.workDir, build ? 'hasher-built' : 'hasher-prebuilt'), build);
    const hashes = await startArgon2({ directory });
    await hashes(seconds);
    variants.push({ name, run: () => hashes(seconds) });
  }
  const [prebuilt, built] = await interleave(variants, rounds, context.progress);
  return { prebuilt: prebuilt.perSecond, built: built.perSecond, ratio: against(built, prebuilt) };
}

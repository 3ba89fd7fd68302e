// The performance goals of Latchkey, and the distance of a run from each. The values are medians of ratios in one run on one machine.

const atLeast = (name, goal, value) => ({ name, goal: `≥ ${goal}`, value, factor: value / goal });
const atMost = (name, goal, value, unit) => ({ name, goal: `≤ ${goal}${unit}`, value, unit, factor: goal / value });

/** The goals with a measurement. A goal with a `factor` of 1 or more is met. */
export function goalsOf({ me, login, refresh, startup, memory, sockets }) {
  const over = (name) => me?.overPeers.find((peer) => peer.name === name)?.ratio.median;
  const all = [
    me && atLeast('`me` (EdDSA, whole production stack) to the floor', 0.75, me.rows[1].ratio.median),
    ...['Apollo Server, same stack', 'Apollo Server, bare'].map(
      (name) => over(name) && atLeast(`\`me\` to ${name}`, 1.5, over(name)),
    ),
    over('Better Auth get-session') &&
      atLeast("`me` to Better Auth's get-session", 15, over('Better Auth get-session')),
    login && atLeast('login to raw argon2', 0.95, login.overRaw.median),
    login?.overPeer && atLeast("login to Better Auth's sign-in", 3, login.overPeer.median),
    login && atMost('p99 of `me` at 200/s while logins saturate, to idle', 3, login.storm.ratio.median, ' ×'),
    refresh && atLeast('refresh to pgbench with the statement of one rotation', 0.7, refresh.ratio.median),
    startup && atMost('start-up to the first answer, on Postgres', 1, startup.migratedMs / 1000, ' s'),
    memory && atMost('resident memory, idle', 150, memory.idleMb, ' MB'),
    sockets && atMost(`${sockets.count} idle sockets, more memory`, 150, sockets.moreMb, ' MB'),
    me && atLeast('beyond: `me` with the whole production stack to the floor', 1, me.rows[1].ratio.median),
  ];
  return all.filter(Boolean);
}

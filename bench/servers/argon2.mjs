// Raw argon2: verifies one password with the parameters and the concurrency of Latchkey, and does nothing else. Each message is a
// number of seconds; the response is the number of verifications in a second.
import argon2 from 'argon2';

const { memoryCost, timeCost, parallelism, concurrency } = JSON.parse(process.argv[2]);
const password = 'a quiet brass telescope';
const hash = await argon2.hash(password, { memoryCost, timeCost, parallelism, type: argon2.argon2id });

process.on('message', async (seconds) => {
  let made = 0;
  const startedAt = performance.now();
  const lane = async () => {
    while (performance.now() - startedAt < seconds * 1000) {
      if (!(await argon2.verify(hash, password))) throw new Error('The password is right, and was refused');
      made += 1;
    }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  process.send({ perSecond: made / ((performance.now() - startedAt) / 1000) });
});
process.send('ready');

/** Password hashes that end when the test says so. */
import argon2 from 'argon2';
import type { Test } from 'tap';

/** Until the end of the test, every verification of a password in this process waits until `release` is called. */
export function holdVerifications(t: Test) {
  const { verify } = argon2;
  let start: () => void = () => undefined;
  let release: () => void = () => undefined;
  const hasStarted = new Promise<void>((resolve) => (start = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  const value: typeof verify = async (...parameters) => {
    start();
    await released;
    return verify(...parameters);
  };
  t.intercept(argon2, 'verify', { value });
  return { hasStarted, release };
}

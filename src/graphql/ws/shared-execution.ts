/**
 * Executes an event once for all subscriptions with the same document, variables and credentials, so that an account with
 * hundreds of open tabs costs as much as one with a single tab.
 */
import { createHash } from 'node:crypto';
import { createSourceEventStream, execute, type DocumentNode, type ExecutionArgs, type ExecutionResult } from 'graphql';
import type { RequestCredentials } from '../../authn/strategy.js';

export type Stream = AsyncGenerator<ExecutionResult, void, void>;

/** Subscribes as graphql-js does. @param credentials those of the socket */
export type Subscribe = (args: ExecutionArgs, credentials: RequestCredentials) => Promise<Stream | ExecutionResult>;

const OVER = { done: true, value: undefined } as const;

/** Creates the `subscribe` of one process. Only subscriptions opened through it share executions. */
export function createSharedSubscribe(): Subscribe {
  const documents = new WeakMap<DocumentNode, number>();
  let count = 0;
  /** Executions under way. Followers of one account get the same object for an event. */
  const executions = new WeakMap<object, Map<string, Promise<ExecutionResult>>>();

  function keyOf({ document, operationName, variableValues }: ExecutionArgs, credentials: RequestCredentials): string {
    const id = documents.get(document) ?? (count += 1);
    documents.set(document, id);
    const parts = [id, operationName, variableValues, credentials];
    return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
  }

  async function executeOnce(event: unknown, args: ExecutionArgs, key: string): Promise<ExecutionResult> {
    const run = async () => execute({ ...args, rootValue: event });
    if (typeof event !== 'object' || event === null) return run();
    const known = executions.get(event) ?? new Map<string, Promise<ExecutionResult>>();
    executions.set(event, known);
    const shared = known.get(key);
    if (shared) return shared;
    const running = run();
    known.set(key, running);
    // A client that reads slowly comes later: its credentials are checked again, as they may have been revoked meanwhile.
    const forget = () => void known.delete(key);
    running.then(forget, forget);
    return running;
  }

  return async (args, credentials) => {
    const source = await createSourceEventStream(args);
    if (!(Symbol.asyncIterator in source)) return source;
    const key = keyOf(args, credentials);
    const iterator = source[Symbol.asyncIterator]();
    const stream: Stream = {
      async next() {
        const step = await iterator.next();
        if (step.done) return OVER;
        try {
          return { done: false, value: await executeOnce(step.value, args, key) };
        } catch (error) {
          await stream.return();
          throw error;
        }
      },
      // Not a generator function: its `return` would wait for a `next` that waits for an event.
      async return() {
        await iterator.return?.();
        return OVER;
      },
      async throw(error) {
        await stream.return();
        throw error;
      },
      [Symbol.asyncIterator]: () => stream,
    };
    return stream;
  };
}

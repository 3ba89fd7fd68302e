/** urql: queries and mutations over HTTP with one refresh for all that expire together, subscriptions over the socket. */
import { Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { authExchange } from '@urql/exchange-auth';
import type { Client as Socket, Sink } from 'graphql-ws';
import type { Session } from './session.js';

export function createUrqlClient(url: string, session: Session, socket: Socket): Client {
  return new Client({
    url,
    // A GET may only query, and needs a header that makes browsers ask first.
    preferGetMethod: false,
    exchanges: [
      authExchange(async ({ appendHeaders }) => {
        let refused: string | undefined;
        return {
          addAuthToOperation(operation) {
            const authorization = session.authorization();
            return authorization ? appendHeaders(operation, { authorization }) : operation;
          },
          didAuthError({ graphQLErrors }, { context }) {
            const isExpired = graphQLErrors.some(({ extensions }) => extensions['code'] === 'TOKEN_EXPIRED');
            if (isExpired)
              refused = (context.fetchOptions as { headers: Record<string, string> }).headers['authorization'];
            return isExpired;
          },
          refreshAuth: () => session.renew(refused),
        };
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query, variables: variables ?? {} }, sink as Sink),
          }),
        }),
      }),
    ],
  });
}

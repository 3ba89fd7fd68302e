/** Apollo Client: queries and mutations over HTTP with one refresh for all, subscriptions over the socket. */
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { ErrorLink } from '@apollo/client/link/error';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import type { Client as Socket } from 'graphql-ws';
import { from, switchMap } from 'rxjs';
import type { Session } from './session.js';

export function createApolloClient(url: string, session: Session, socket: Socket): ApolloClient {
  const authenticate = new SetContextLink(() => {
    const authorization = session.authorization();
    return { headers: authorization ? { authorization } : {} };
  });
  const renew = new ErrorLink(({ error, operation, forward }) => {
    if (!CombinedGraphQLErrors.is(error)) return undefined;
    if (!error.errors.some(({ extensions }) => extensions?.['code'] === 'TOKEN_EXPIRED')) return undefined;
    const { headers } = operation.getContext() as { headers: { authorization?: string } };
    return from(session.renew(headers.authorization)).pipe(switchMap(() => forward(operation)));
  });
  return new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.split(
      ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
      new GraphQLWsLink(socket),
      ApolloLink.from([renew, authenticate, new HttpLink({ uri: url })]),
    ),
  });
}

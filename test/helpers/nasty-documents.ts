/** Documents that are as expensive as the limits allow, each of one kind. */

export interface NastyLimits {
  readonly maxTokens: number;
  readonly maxLength: number;
  readonly maxRepetitions: number;
  readonly maxAliases: number;
}

/** Repeats a part up to the limit of tokens. */
function filled(maxTokens: number, reserved: number, tokensEach: number, part: (index: number) => string): string {
  const times = Math.max(1, Math.floor((maxTokens - reserved) / tokensEach));
  return Array.from({ length: times }, (_, index) => part(index)).join(' ');
}

const times = (count: number, part: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => part(index)).join(' ');

/** The documents by kind. */
export function nastyDocuments({ maxTokens, maxLength, maxRepetitions, maxAliases }: NastyLimits) {
  const fill = (reserved: number, each: number, part: (index: number) => string) =>
    filled(maxTokens, reserved, each, part);
  const names = ['id', 'email', 'username', 'displayName', 'avatarUrl', 'role', 'isVerified', 'isPremium', 'createdAt'];
  const leaves = (count: number) => times(count, (i) => names[i % names.length]!);
  const documents: Record<string, string> = {
    'one field repeated': `{ me { ${fill(6, 1, () => 'id')} } }`,
    'fields repeated as often as allowed': `{ me { ${times(maxRepetitions, () => leaves(names.length))} } }`,
    'fields with selections repeated': `{ me { ${fill(6, 4, () => 'sessions { id }')} } }`,
    'fields with selections repeated as often as allowed': `{ me { ${times(maxRepetitions, () => `sessions { id createdAt lastUsedAt }`)} } }`,
    'roots repeated as often as allowed': `{ ${times(maxRepetitions, () => `me { id sessions { id } }`)} }`,
    'spreads of one fragment': `{ me { ${fill(20, 2, () => '...F')} } } fragment F on User { id sessions { id } }`,
    'many fragments in one place': `{ me { ${fill(0, 13, (i) => `...F${i}`)} } } ${fill(6, 13, (i) => `fragment F${i} on User { id sessions { id } }`)}`,
    'fragments of conflicting fields': `{ me { ${fill(0, 12, (i) => `...F${i}`)} } } ${fill(6, 12, (i) => `fragment F${i} on User { x: ${names[i % names.length]!} }`)}`,
    'fragments in a chain': `{ me { ...F0 } } ${fill(8, 9, (i) => `fragment F${i} on User { id ...F${i + 1} }`)} fragment F99 on User { id }`,
    'fragments that spread each other':
      times(12, (i) => `fragment F${i} on User { ${times(8, (j) => `...F${(i + j) % 12}`)} }`) +
      ' { me { ...F0 ...F1 ...F2 } }',
    'fragments that spread all later ones':
      times(16, (i) => `fragment F${i} on User { id ${times(15 - i, (j) => `...F${i + j + 1}`)} }`) +
      ' { me { ...F0 } }',
    'a fragment bomb':
      times(12, (i) => `fragment F${i} on User { ...F${i + 1} ...F${i + 1} }`) +
      ' fragment F12 on User { id } { me { ...F0 } }',
    'unused fragments': `{ me { id } } ${fill(6, 9, (i) => `fragment F${i} on User { id email }`)}`,
    'an unused fragment bomb':
      times(12, (i) => `fragment F${i} on User { ...F${i + 1} ...F${i + 1} }`) +
      ' fragment F12 on User { id } { me { id } }',
    'many operations': fill(6, 8, (i) => `query Q${i} { me { id } }`),
    'many operations over one fragment': `${fill(30, 6, (i) => `query Q${i} { ...F }`)} fragment F on Query { me { id email sessions { id } } }`,
    'operations over fragments with variables': `${fill(100, 10, (i) => `query Q${i}($v: ID!) { ...F0 }`)} ${times(6, (i) => `fragment F${i} on Query { user(id: $v) { id } ...F${i + 1} }`)} fragment F6 on Query { user(id: $v) { id } }`,
    'many variables': `query (${fill(10, 4, (i) => `$v${i}: Int`)}) { me { id } }`,
    'many variables, all used': `query (${fill(10, 9, (i) => `$v${i}: ID!`)}) { ${fill(10, 14, (i) => `user(id: $v${i}) { id }`)} }`,
    'the same variable': `query ($v: Int ${fill(12, 4, () => '$v: Int')}) { me { id } }`,
    'variables of one unknown type with deep defaults': `query (${times(14, (i) => `$v${i}: UsersFilter = {a: [{b: {c: 1}}]}`)}) { me { id } }`,
    'spreads of fragments that do not exist': `{ me { ${fill(6, 2, (i) => `...F${i}`)} } }`,
    'undefined variables': `{ ${fill(4, 10, (i) => `a${i}: user(id: $v${i}) { id }`)} }`,
    'many directives': `{ me { id ${fill(8, 7, () => '@skip(if: true)')} } }`,
    'many directives in another operation': `query A { me { id } } query B { me { id ${fill(20, 7, () => '@skip(if: true)')} } }`,
    'unknown directives': `{ me { id ${fill(8, 2, (i) => `@d${i}`)} } }`,
    'unknown fields': `{ ${fill(2, 1, (i) => `unknown${i}`)} }`,
    'unknown fields close to known ones': `{ me { ${fill(6, 1, (i) => `usernam${i}`)} } }`,
    'unknown arguments': `{ users(${fill(9, 3, (i) => `firs${i}: 1`)}) { pageInfo { hasNextPage } } }`,
    'repeated arguments': `{ users(${fill(9, 3, () => `first: 1`)}) { pageInfo { hasNextPage } } }`,
    'unknown types': `query (${fill(10, 4, (i) => `$v${i}: Strin${i}`)}) { me { id } }`,
    'a long list': `mutation { login(input: { identifier: [${fill(20, 1, () => '1')}], password: "b" }) { tokenType } }`,
    'a deep list': `{ user(id: ${'['.repeat(100)}${']'.repeat(100)}) { id } }`,
    'a wide object': `mutation { login(input: { ${fill(16, 3, (i) => `f${i}: 1`)} }) { tokenType } }`,
    'a wide object of one field': `mutation { login(input: { ${fill(16, 3, () => `identifier: "a"`)} }) { tokenType } }`,
    'a deep object': `mutation { login(input: ${'{ identifier: '.repeat(70)}1${'}'.repeat(70)}) { tokenType } }`,
    'conflicting arguments with large values': `{ ${times(2, (i) => `user(id: [${fill(0, 3, () => String(i))}]) { id }`)} }`,
    'as many aliases as allowed': `{ ${times(maxAliases, (i) => `a${i}: me { ${leaves(8)} }`)} }`,
    'nested inline fragments': `{ me { ${'... on User { '.repeat(40)} id ${'}'.repeat(40)} } }`,
    'inline fragments side by side': `{ me { ${fill(8, 6, () => '... on User { id }')} } }`,
    'empty inline fragments with directives': `{ me { ${fill(8, 10, () => '... @include(if: true) { id }')} } }`,
    'subscriptions with many roots': `subscription { ${fill(3, 4, (i) => `${['meUpdated', 'securityEvents', 'auditEvents'][i % 3]!} { id }`)} }`,
    'introspection repeated': `{ ${times(maxRepetitions, () => '__schema { types { name fields { name } } }')} }`,
    'deep introspection': `{ __schema { types { ${'fields { type { '.repeat(8)} name ${'} }'.repeat(8)} } } }`,
    'conflicts between fields on many lines': `{ ${times(maxRepetitions, (i) => `x: ${['me', 'users', 'auditEvents'][i % 3]!} { id }`)} }`,
    'type definitions': fill(0, 5, (i) => `type T${i} { a: Int }`.replace(': Int', ':A')),
    comments: '#\n'.repeat((maxLength - 20) / 2) + '{ me { id } }',
    commas: ','.repeat(maxLength - 20) + '{ me { id } }',
    'a long string': `{ user(id: "${'\\u0041'.repeat(1000)}") { id } }`,
    'a long block string': `{ user(id: """${'\n '.repeat(2000)}""") { id } }`,
    'a long number': `{ users(first: ${'9'.repeat(4000)}) { pageInfo { hasNextPage } } }`,
    'a long unknown name': `{ ${'x'.repeat(maxLength - 20)} }`,
    'a syntax error at the end': `{ me { ${fill(8, 1, () => 'id')} `,
  };
  return documents;
}

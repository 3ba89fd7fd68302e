/** The documents that the playground opens with: an account's first five minutes. */

/** The initial content of a tab. */
interface Example {
  readonly query: string;
  /** JSON. */
  readonly variables?: string;
}

/** The initial content of `Refresh`. The page adds the token. */
export const REFRESH_VARIABLES = json({ refreshToken: '' });

const PASSWORD = 'violet kettle on the moon';

const PAYLOAD = `accessToken
    refreshToken
    expiresIn
    scope
    user {
      id
      email
      username
    }`;

export const EXAMPLES: readonly Example[] = [
  {
    query: `# 1. Create an account: press the button
#    on the right, or Ctrl-Enter.
#
# Its access token then stands in "Headers",
# below. Reloading the page forgets it, as it
# does all that you write here.

mutation Register($input: RegisterInput!) {
  register(input: $input) {
    ${PAYLOAD}
  }
}
`,
    variables: json({ input: { email: 'ada@example.com', username: 'ada', password: PASSWORD } }),
  },
  {
    query: `# 2. Log in, by email or username, in any
#    case. Each login opens a session.

mutation Login($input: LoginInput!) {
  login(input: $input) {
    ${PAYLOAD}
  }
}
`,
    variables: json({ input: { identifier: 'ada', password: PASSWORD } }),
  },
  {
    query: `# 3. Ask who you are. This takes an access
#    token, in "Headers" below:
#
#  { "Authorization": "Bearer <accessToken>" }
#
# The page fills it in after steps 1, 2 and 4,
# unless you wrote something there yourself.

query Me {
  me {
    id
    email
    username
    role
    sessions {
      id
      userAgent
      lastUsedAt
      current
    }
  }
}
`,
  },
  {
    query: `# 4. Renew the session. A refresh token works
#    once and brings its successor; the page
#    keeps the latest in "Variables" below.

mutation Refresh($refreshToken: String) {
  refresh(refreshToken: $refreshToken) {
    ${PAYLOAD}
  }
}
`,
    variables: REFRESH_VARIABLES,
  },
  {
    query: `# 5. Follow your account over a WebSocket,
#    with the token in "Headers" below, or else
#    that of your last login. Press the button
#    again to stop.

subscription Follow {
  meUpdated {
    displayName
    isVerified
    updatedAt
  }
}
`,
  },
];

/** As GraphiQL prettifies it. */
export function json(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

import t from 'tap';
import { renderEmail } from '../../src/mail/layout.js';
import { createEmailTemplates, type EmailContent } from '../../src/mail/messages.js';
import { SECOND_FACTOR_CHANGES, isSecondFactorChange } from '../../src/mail/second-factor-changes.js';

const messages = createEmailTemplates({ appUrl: 'https://app.example.com/auth' });
const TOKEN = 'abc_-DEF';
const ALL: Readonly<Record<string, EmailContent>> = {
  passwordReset: messages.passwordReset(TOKEN),
  emailVerification: messages.emailVerification(TOKEN),
  emailCode: messages.emailCode('7K3M-Q2XD', TOKEN),
  passwordVoided: messages.passwordVoided(),
  emailTaken: messages.emailTaken(),
  emailChangeRequested: messages.emailChangeRequested(TOKEN),
  emailChanged: messages.emailChanged(TOKEN),
  usernameChanged: messages.usernameChanged(TOKEN),
  changeCancelled: messages.changeCancelled(undefined),
  changeCancelledWithReset: messages.changeCancelled(TOKEN),
  passwordChanged: messages.passwordChanged(),
  accountLocked: messages.accountLocked(TOKEN, false),
  secondStepLocked: messages.accountLocked(TOKEN, true),
  accountDeleted: messages.accountDeleted(30),
  ...Object.fromEntries(
    Object.keys(SECOND_FACTOR_CHANGES)
      .filter(isSecondFactorChange)
      .map((change) => [change, messages.secondFactorChanged(change)]),
  ),
};

/** The visible text of the HTML, by paragraph. */
function paragraphs(html: string): string[] {
  const body = html.replace(/^[^]*<body[^>]*>/, '');
  return body
    .split('</p>')
    .map((part) => part.replace(/<br>/g, '\n').replace(/<[^>]*>/g, ''))
    .map((part) =>
      part
        .replace(/&lt;/g, '<')
        .replace(/&gt;/g, '>')
        .replace(/&quot;/g, '"')
        .replace(/&#39;/g, "'"),
    )
    .map((part) => part.replace(/&amp;/g, '&').trim())
    .filter(Boolean);
}

const hrefs = ({ html }: EmailContent) => Array.from(html.matchAll(/href="([^"]*)"/g), ([, href]) => href);

t.test('renders the same content as text and as HTML', async (t) => {
  for (const [name, content] of Object.entries(ALL)) {
    const shown = paragraphs(content.html);
    // The button is the label of the link once more.
    const button = /<a [^>]*style="[^"]*background[^>]*>([^<]*)</.exec(content.html)?.[1];
    t.same(
      shown.filter((part) => part !== button),
      content.text.trim().split('\n\n'),
      name,
    );
  }
});

t.test('names the service and ends with the reason in every email', async (t) => {
  for (const [name, { subject, text, html }] of Object.entries(ALL)) {
    t.match(subject, 'app.example.com', name);
    t.notMatch(subject, /[\r\n]/, name);
    for (const end of [text.trim().split('\n').at(-1), paragraphs(html).at(-1)]) {
      t.match(end, /^You receive this message because .*app\.example\.com\.$/, name);
    }
  }
});

t.test('links to the page with the token, as a button and as text', async (t) => {
  for (const [content, url, validity] of [
    [ALL['passwordReset']!, `https://app.example.com/auth/reset-password?token=${TOKEN}`, 'within 1 hour'],
    [ALL['accountLocked']!, `https://app.example.com/auth/reset-password?token=${TOKEN}`, 'within 1 hour'],
    [ALL['changeCancelledWithReset']!, `https://app.example.com/auth/reset-password?token=${TOKEN}`, 'within 1 hour'],
    [ALL['emailVerification']!, `https://app.example.com/auth/verify-email?token=${TOKEN}`, 'within 24 hours'],
    ...['emailChangeRequested', 'emailChanged', 'usernameChanged'].map(
      (name) => [ALL[name]!, `https://app.example.com/auth/cancel-email-change?token=${TOKEN}`, 'for 7 days'] as const,
    ),
  ] as const) {
    t.same(hrefs(content), [url, url]);
    t.ok(content.text.split('\n').includes(url));
    t.ok(paragraphs(content.html).some((part) => part.endsWith(`\n${url}`)));
    t.match(content.text, validity);
  }
  t.match(messages.passwordReset('a&b="c').text, 'token=a%26b%3D%22c\n');
});

t.test('renders notices without links', async (t) => {
  for (const name of ['changeCancelled', 'emailTaken']) t.same(hrefs(ALL[name]!), [], name);
  for (const name of ['passwordChanged', 'accountDeleted'] as const) {
    t.same(hrefs(ALL[name]!), [], name);
    t.match(ALL[name]!.text, /If it was not you/, name);
  }
  t.match(ALL['accountDeleted']!.text, 'within 30 days');
  t.match(messages.accountDeleted(1).text, 'within 1 day.');
});

t.test('renders HTML that loads nothing and runs no script', async (t) => {
  for (const [name, { html }] of Object.entries(ALL)) {
    t.notMatch(html, /<(?:img|script|style|link|iframe|form|object)\b|\ssrc=|url\(|@import|\son\w+=/i, name);
  }
});

t.test('escapes all text', async (t) => {
  const hostile = '"><img src=x onerror=alert(1)>&\'';
  const { html } = renderEmail({
    subject: hostile,
    body: [hostile, { label: hostile, url: `https://app.example.com/?${hostile}` }],
    reason: hostile,
  });
  t.notMatch(html, /<img/);
  t.equal(html.split('&quot;&gt;&lt;img src=x onerror=alert(1)&gt;&amp;&#39;').length - 1, 8);
});

import t from 'tap';
import { createCode, formatCode, parseCode } from '../../src/email-codes/code.js';

t.test('makes codes of eight characters that do not look alike', async (t) => {
  const codes = Array.from({ length: 500 }, createCode);
  t.same(
    codes.filter((code) => !/^[0-9A-HJKMNP-TV-Z]{8}$/.test(code)),
    [],
  );
  t.equal(new Set(codes.join('')).size, 32, 'of the whole alphabet');
  t.equal(new Set(codes).size, codes.length);
});

t.test('reads its own codes', async (t) => {
  const code = createCode();
  t.equal(parseCode(formatCode(code)), code);
});

t.test('reads codes as people type and copy them', async (t) => {
  for (const typed of [
    '7K3M-Q20D',
    '7k3mq20d',
    '  7k3m q20d\n',
    '7K3M\u2013Q20D',
    '7 K 3 M \u2212 Q 2 O d',
    '\uFF17\uFF2B\uFF13\uFF4D\uFF0D\uFF31\uFF12\uFF10\uFF24',
    '\u200b7K3M\u00ad-Q20D\u00a0',
  ])
    t.equal(parseCode(typed), '7K3MQ20D', JSON.stringify(typed));
  t.equal(parseCode('iLIl-oOoO'), '11110000', 'letters for the digits that they look like');
});

t.test('refuses everything else', async (t) => {
  const others = [
    '',
    '7K3M-Q20',
    '7K3M-Q20DX',
    '7K3M-Q20U',
    '7K3M_Q20D',
    '7K3M-Q20\u0000',
    ' '.repeat(65),
    '\ufdfa'.repeat(64),
  ];
  t.same(
    others.filter((typed) => parseCode(typed) !== undefined),
    [],
  );
});

import t from 'tap';
import { displayUserCode, parseUserCode, randomUserCode } from '../../../src/oauth/device/user-code.js';

t.test('has eight consonants, shown in two groups', async (t) => {
  const codes = Array.from({ length: 200 }, () => randomUserCode());
  t.same(
    codes.filter((code) => !/^[BCDFGHJKLMNPQRSTVWXZ]{8}$/.test(code)),
    [],
  );
  t.equal(new Set(codes).size, 200);
  t.equal(displayUserCode('WDJBMJHT'), 'WDJB-MJHT');
});

t.test('accepts either case and any separators', async (t) => {
  for (const input of ['WDJB-MJHT', 'wdjbmjht', ' wdjb mjht ', 'W.D.J.B.M.J.H.T', 'Wdjb\u2013mjht'])
    t.equal(parseUserCode(input), 'WDJBMJHT', input);
});

t.test('rejects other lengths and letters', async (t) => {
  const inputs = ['', 'WDJB-MJH', 'WDJB-MJHTT', 'ADJB-MJHT', 'WDJB-MJH7', 'ＷDJBMJHT', `WDJBMJHT${'-'.repeat(100)}`];
  t.same(
    inputs.filter((input) => parseUserCode(input) !== undefined),
    [],
  );
});

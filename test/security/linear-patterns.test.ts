/** No regular expression of the source takes more than linear time, whatever text it meets: growth is counted in steps. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import ts from 'typescript';
import { attacksOn } from '../helpers/pattern-attacks.js';
import { countPattern } from '../helpers/pattern-steps.js';

interface Found {
  readonly where: string;
  readonly literals: readonly string[];
  /** Patterns that are put together at run time, which nothing can check. */
  readonly made: readonly string[];
}

const METHODS_OF_PATTERNS = new Set(['match', 'matchAll', 'search']);

/** Every pattern of a file, by TypeScript's own parser. */
function patternsOf(path: string, text: string): Found {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const literals: string[] = [];
  const made: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isRegularExpressionLiteral(node)) literals.push(node.text);
    if (ts.isIdentifier(node) && node.text === 'RegExp' && !ts.isTypeNode(node.parent))
      made.push(node.parent.getText());
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const [argument] = node.arguments;
      const isText = argument !== undefined && (ts.isStringLiteralLike(argument) || ts.isTemplateExpression(argument));
      if (METHODS_OF_PATTERNS.has(node.expression.name.text) && isText) made.push(node.getText());
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return { where: path, literals, made };
}

const PUMPS = 150;
/** Twice the text may take twice the steps, plus a constant for its beginning and end. */
const GROWTH = 2.4;
/** The search stops at this number: 250 steps for each repeated part. */
const MAX_STEPS = PUMPS * 2 * 250;

/** The attack that a pattern does not withstand, or undefined. */
function weaknessOf(literal: string): object | undefined {
  const pattern = countPattern(literal);
  for (const { prefix, pump, suffix } of attacksOn(pattern.ast)) {
    const stepsFor = (pumps: number) => pattern.steps(prefix + pump.repeat(pumps) + suffix, MAX_STEPS);
    const once = stepsFor(PUMPS);
    const twice = stepsFor(2 * PUMPS);
    if (twice > GROWTH * once || twice >= MAX_STEPS) return { prefix, pump, suffix, once, twice };
  }
  return undefined;
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.c?ts$/.test(path))
  .map((path) => patternsOf(path, readFileSync(join('src', path), 'utf8')));

t.test('doubles the steps of every pattern at most when the text doubles', async (t) => {
  const literals = files.flatMap(({ where, literals }) => literals.map((literal) => ({ where, literal })));
  t.ok(literals.length > 80, `${literals.length} patterns`);
  for (const { where, literal } of literals) t.equal(weaknessOf(literal), undefined, `${where}: ${literal}`);
});

t.test('builds no pattern at run time', async (t) => {
  t.same(
    files.flatMap(({ where, made }) => made.map((code) => `${where}: ${code}`)),
    [],
  );
});

t.test('finds known slow patterns in any position', async (t) => {
  const slow = [
    '/\\s+$/',
    '/^[^,]*,\\s*a\\s*\\s*$/',
    '/\\s*,\\s*/',
    '/^(a+)+$/',
    '/^(?:a|a)*$/',
    '/^(?:ab)*(?:ab)*$/',
    '/^(.+?)\\1+$/su',
    '/"[^]*"(?=.* is not valid JSON)/',
    '/^(?:[^"\\\\]|\\\\[^]?)*"/',
    '/x\\w*y/',
    '/[^\\r\\n]*[^\\s<>@]+@[^\\s<>@]+>?$/',
    '/^\\d*\\w{0,500}$/',
  ];
  for (const literal of slow) t.ok(weaknessOf(literal), literal);
  for (const literal of ['/^\\s*a/', '/[^a]b/g', '/a*/g', '/^(?:a+b)+$/', "/'[^']*(?:'|$)/g"])
    t.equal(weaknessOf(literal), undefined, literal);
  const code = "const a = /x+$/; f(new RegExp('a')); b.match('c'); RegExp(`d`);";
  t.match(patternsOf('a.ts', code), {
    literals: ['/x+$/'],
    made: ["new RegExp('a')", "b.match('c')", 'RegExp(`d`)'],
  });
});

/** Creates texts that may be expensive for a regular expression: a prefix that reaches a repetition, then many repeated parts. */
import { visitRegExpAST, type AST } from '@eslint-community/regexpp';

export interface Attack {
  readonly prefix: string;
  /** The repeated part of the attack text. */
  readonly pump: string;
  readonly suffix: string;
}

/** Characters of all classes that patterns distinguish. */
const POOL = Array.from('aAzZ059 \t\n\r"\'@./:%-_\\$&,;=[({<>!?#*+~|^`}é\u0301Ж中\u00ad\u200d\ufe0f\u00a0\ud800\0😀');
/** Repetitions up to this bound have constant cost. */
const FEW = 64;

type Single = AST.Character | AST.CharacterSet | AST.CharacterClass | AST.ExpressionCharacterClass;

/** The attacks on a pattern; none if it has no unbounded repetition. */
export function attacksOn(ast: AST.RegExpLiteral): readonly Attack[] {
  const singles: Single[] = [];
  const quantifiers: AST.Quantifier[] = [];
  visitRegExpAST(ast, {
    onCharacterEnter: (node) => void (node.parent.type.includes('Class') || singles.push(node)),
    onCharacterSetEnter: (node) => void (node.parent.type.includes('Class') || singles.push(node)),
    onCharacterClassEnter: (node) => void (node.parent.type.includes('Class') || singles.push(node)),
    onExpressionCharacterClassEnter: (node) => void singles.push(node),
    onQuantifierEnter: (node) => void quantifiers.push(node),
  });
  const repetitions = quantifiers.filter(({ max }) => max > FEW);
  if (repetitions.length === 0) return [];

  const own = singles.flatMap((node) => (node.type === 'Character' ? [String.fromCodePoint(node.value)] : []));
  const pool = [...new Set([...own, ...POOL])];
  const tests = [...new Set(singles.map(({ raw }) => raw))].map((raw) => matcherOf(raw, ast.flags.raw));
  /** One character of each class that the pattern distinguishes. */
  const kinds = new Map<string, string>();
  for (const character of pool) {
    const kind = tests.map((test) => (test(character) ? '1' : '0')).join('');
    if (!kinds.has(kind)) kinds.set(kind, character);
  }
  const alphabet = [...kinds.values()];
  const sample = createSample(pool, ast.flags.raw);
  const pairs = alphabet.flatMap((a) => alphabet.map((b) => (a === b ? a : a + b)));

  const attacks = new Map<string, Attack>();
  for (const repetition of repetitions) {
    const way = wayTo(repetition, sample);
    const body = sample(repetition.element);
    for (const prefix of new Set([way, way + body, ''])) {
      for (const pump of new Set([...pairs, body, body + body, way + body, way])) {
        if (pump === '') continue;
        for (const suffix of ['', '\0', '\n!'])
          attacks.set(JSON.stringify([prefix, pump, suffix]), { prefix, pump, suffix });
      }
    }
  }
  return [...attacks.values()];
}

function matcherOf(raw: string, flags: string): (character: string) => boolean {
  const pattern = new RegExp(`^(?:${raw})$`, flags.replace(/[gy]/g, ''));
  return (character) => pattern.test(character);
}

/** A short text that a node matches. */
function createSample(pool: readonly string[], flags: string) {
  const ofAlternatives = (nodes: readonly AST.Alternative[]): string => (nodes[0]?.elements ?? []).map(sample).join('');
  function sample(node: AST.Element): string {
    switch (node.type) {
      case 'Character':
      case 'CharacterSet':
      case 'CharacterClass':
      case 'ExpressionCharacterClass':
        return pool.find(matcherOf(node.raw, flags)) ?? '';
      case 'Group':
      case 'CapturingGroup':
        return ofAlternatives(node.alternatives);
      case 'Quantifier':
        return sample(node.element).repeat(node.min);
      case 'Backreference':
        return Array.isArray(node.resolved) ? '' : ofAlternatives(node.resolved.alternatives);
      case 'Assertion':
        return '';
    }
  }
  return sample;
}

/** The text before a node in a match of its pattern. */
function wayTo(node: AST.Node, sample: (node: AST.Element) => string): string {
  const { parent } = node;
  if (!parent) return '';
  const before =
    parent.type === 'Alternative' ? parent.elements.slice(0, parent.elements.indexOf(node as AST.Element)) : [];
  return wayTo(parent, sample) + before.map(sample).join('');
}

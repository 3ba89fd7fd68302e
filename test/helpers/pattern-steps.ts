/**
 * Runs a regular expression like a backtracking engine and counts steps, which measures growth without a clock. Each attempt to
 * match a node is a step, and so is each character that a repetition consumes.
 */
import { RegExpParser, type AST } from '@eslint-community/regexpp';

/** Continues the match at a position; false makes the caller try its next alternative. */
type Continue = (at: number) => boolean;
type Match = (at: number, next: Continue) => boolean;

/** The search stops at this number of steps. */
class TooManySteps extends Error {}

export interface CountedPattern {
  readonly ast: AST.RegExpLiteral;
  /**
   * Searches a text for the first match, or for all matches if the pattern is global.
   * @returns the steps, at most `max`
   */
  steps(text: string, max: number): number;
}

/** Parses a pattern such as `/a+b/g`. */
export function countPattern(literal: string): CountedPattern {
  const ast = new RegExpParser({ ecmaVersion: 2025 }).parseLiteral(literal);
  const flags = ast.flags.raw;
  const forward = flags.replace(/[gy]/g, '');
  let characters: readonly string[] = [];
  let steps = 0;
  let maxSteps = 0;
  const captures = new Map<AST.CapturingGroup, readonly [number, number]>();
  const step = () => {
    steps += 1;
    if (steps > maxSteps) throw new TooManySteps();
  };

  const oneOf = (node: { readonly raw: string }): ((character: string | undefined) => boolean) => {
    const pattern = new RegExp(`^(?:${node.raw})$`, forward.includes('s') ? forward : `${forward}s`);
    const exact = node.raw === '.' && !forward.includes('s') ? /^[^\n\r\u2028\u2029]$/u : pattern;
    const known = new Map<string, boolean>();
    return (character) => {
      if (character === undefined) return false;
      const found = known.get(character) ?? exact.test(character);
      known.set(character, found);
      return found;
    };
  };

  const alternatives = (nodes: readonly AST.Alternative[]): Match => {
    const matches = nodes.map(({ elements }) => sequence(elements.map(element)));
    return (at, next) => matches.some((match) => match(at, next));
  };
  const sequence = (matches: readonly Match[]): Match =>
    matches.reduceRight<Match>(
      (rest, match) => (at, next) => match(at, (after) => rest(after, next)),
      (at, next) => next(at),
    );

  function element(node: AST.Element): Match {
    switch (node.type) {
      case 'Character':
      case 'CharacterSet':
      case 'CharacterClass':
      case 'ExpressionCharacterClass': {
        const takes = oneOf(node);
        return (at, next) => (step(), takes(characters[at]) && next(at + 1));
      }
      case 'Group':
        return alternatives(node.alternatives);
      case 'CapturingGroup': {
        const inner = alternatives(node.alternatives);
        return (at, next) => inner(at, (after) => (captures.set(node, [at, after]), next(after)));
      }
      case 'Backreference': {
        const { resolved } = node;
        if (Array.isArray(resolved)) throw new Error(`${literal}: a reference to several groups is not counted`);
        return (at, next) => {
          const [start, end] = captures.get(resolved) ?? [at, at];
          for (let index = start; index < end; index += 1) {
            step();
            if (characters[index] !== characters[at + index - start]) return false;
          }
          return next(at + end - start);
        };
      }
      case 'Assertion':
        return assertion(node);
      case 'Quantifier':
        return quantifier(node);
    }
  }

  function assertion(node: AST.Assertion): Match {
    if (!('negate' in node)) {
      const isStart = node.kind === 'start';
      return (at, next) => (step(), at === (isStart ? 0 : characters.length) && next(at));
    }
    if (node.kind === 'word') {
      const isWord = (at: number) => /^\w$/.test(characters[at] ?? '');
      return (at, next) => (step(), (isWord(at) !== isWord(at - 1)) !== node.negate && next(at));
    }
    const { kind, negate } = node;
    const inner = alternatives(node.alternatives);
    if (kind === 'lookahead') return (at, next) => inner(at, () => true) !== negate && next(at);
    return (at, next) => {
      let found = false;
      for (let start = at; start >= 0 && !found; start -= 1) found = inner(start, (after) => after === at);
      return found !== negate && next(at);
    };
  }

  function quantifier({ element: inner, min, max, greedy }: AST.Quantifier): Match {
    const match = element(inner);
    const isSingle = /^Character|^Expression/.test(inner.type);
    if (isSingle && greedy) {
      const takes = oneOf(inner);
      return (at, next) => {
        let end = at;
        while (end - at < max && takes(characters[end])) {
          step();
          end += 1;
        }
        for (; end - at >= min; end -= 1) {
          step();
          if (next(end)) return true;
        }
        return false;
      };
    }
    const repeat = (count: number, at: number, next: Continue): boolean => {
      step();
      const more = () =>
        count < max && match(at, (after) => (after > at || count < min) && repeat(count + 1, after, next));
      const enough = () => count >= min && next(at);
      return greedy ? more() || enough() : enough() || more();
    };
    return (at, next) => repeat(0, at, next);
  }

  const whole = alternatives(ast.pattern.alternatives);
  return {
    ast,
    steps(text, max) {
      characters = ast.flags.unicode || ast.flags.unicodeSets ? Array.from(text) : text.split('');
      steps = 0;
      maxSteps = max;
      try {
        for (let start = 0; start <= characters.length;) {
          step();
          captures.clear();
          let end = -1;
          if (!whole(start, (after) => ((end = after), true))) start += 1;
          else if (!ast.flags.global) break;
          else start = Math.max(end, start + 1);
          if (ast.flags.sticky && end === -1) break;
        }
      } catch (error) {
        if (!(error instanceof TooManySteps)) throw error;
      }
      return steps;
    },
  };
}

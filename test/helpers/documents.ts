/** Reads the Markdown documents and the source, so that a test can compare them. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';

const LEVELS = new Set(['trace', 'debug', 'info', 'warn', 'error', 'fatal']);

/** The cells of each table row under a heading, without the header and delimiter rows. */
export function tableRows(markdown: string, heading: string): string[][] {
  const lines = section(markdown, heading).split('\n');
  const isRow = (line: string | undefined) => line?.startsWith('|') ?? false;
  const isRule = (line: string | undefined) => /^\|(?:\s*:?-+:?\s*\|)+$/.test(line ?? '');
  return lines
    .filter((line, at) => isRow(line) && !isRule(line) && !isRule(lines[at + 1]))
    .map((line) => line.slice(1, -1).split(/(?<!\\)\|/))
    .map((cells) => cells.map((cell) => cell.trim().replaceAll('\\|', '|')));
}

/** The text from a heading to the next one of the same or a higher level; the whole document for an empty heading. */
export function section(markdown: string, heading: string): string {
  if (heading === '') return markdown;
  const lines = markdown.split('\n');
  const start = lines.indexOf(heading);
  if (start === -1) throw new Error(`There is no heading "${heading}".`);
  const level = /^#+/.exec(heading)![0].length;
  const length = lines.slice(start + 1).findIndex((line) => (/^#+(?= )/.exec(line)?.[0].length ?? 7) <= level);
  return lines.slice(start, length === -1 ? undefined : start + 1 + length).join('\n');
}

/** The text in backticks. */
export function codeSpans(text: string): string[] {
  return [...text.matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!);
}

/** The files that a document names, in relative links and in backticks; relative to the repository's root. */
export function namedPaths(file: string, markdown: string): string[] {
  const prose = markdown.replace(/^```[^]*?^```/gm, '');
  const targets = [
    ...prose.matchAll(/\]\(([^)\s#:]+)(?:#[^)]*)?\)/g),
    ...prose.matchAll(/^\[[^\]]+\]: ([^\s#:]+)(?:#\S*)?$/gm),
  ];
  const links = targets.map((match) => join(dirname(file), match[1]!));
  const spans = codeSpans(prose).filter((span) =>
    /^(?:\.ci|bench|docs|examples|scripts|src|test|web)\/[\w./-]*$/.test(span),
  );
  return [...new Set([...links, ...spans].map((path) => normalize(path)))].sort();
}

/** Links to headings, with the file of the heading. */
export function namedHeadings(file: string, markdown: string): { readonly path: string; readonly anchor: string }[] {
  const links = [...markdown.matchAll(/\]\(([^)\s#:]*)#([^)\s]+)\)/g)];
  return links.map(([, path, anchor]) => ({
    path: path ? normalize(join(dirname(file), path)) : file,
    anchor: anchor!,
  }));
}

/** The anchors that GitHub creates for a document's headings. */
export function anchors(markdown: string): string[] {
  const headings = [...markdown.matchAll(/^#+ (.+)$/gm)].map((match) => match[1]!);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** A log call in the source. Interpolated parts of the message are `…`. */
export interface LogCall {
  readonly level: string;
  readonly message: string;
}

/** All calls such as `log.warn(fields, 'message')` below a folder. @throws Error for a call without a message */
export function logCalls(folder: string): LogCall[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => /\.c?ts$/.test(path));
  return files.flatMap((path) => logCallsOf(join(folder, path), readFileSync(join(folder, path), 'utf8')));
}

/** All log calls of one file. */
export function logCallsOf(path: string, text: string): LogCall[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const calls: LogCall[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
      const level = node.expression.name.text;
      const isLog = LEVELS.has(level) && /(?:^|\.)log$/.test(node.expression.expression.getText());
      const messages = isLog ? messagesOf(node.arguments.at(-1)) : [];
      if (isLog && messages.length === 0) throw new Error(`${path} logs without a message: ${node.getText()}`);
      calls.push(...messages.map((message) => ({ level, message })));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return calls;
}

function messagesOf(node: ts.Expression | undefined): string[] {
  if (!node) return [];
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isConditionalExpression(node)) return [...messagesOf(node.whenTrue), ...messagesOf(node.whenFalse)];
  if (ts.isIdentifier(node)) return ['…'];
  if (!ts.isTemplateExpression(node)) return [];
  return [node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('')];
}

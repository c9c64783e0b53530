/**
 * The parts of a source file that a test can run or leave out: its statements, and the ways that its branches take.
 */
import ts from 'typescript';
import { placeOf } from './counts.ts';

export interface Span {
  place: number;
  end: number;
}

/** A statement, or a way of a branch. */
export interface Part {
  is: 'statement' | 'branch';
  /** Counted from 1. */
  line: number;
  /** The trimmed text of its line; of a way that has no text, the line of the branch. */
  text: string;
  /** What way of a branch this is: `then`, `else`, `no else`, `?`, `:`, `&&`, `||`, `??`, `case`. */
  way: string;
  /** It was run as often as this place, … */
  span: Span;
  /** … or, where a condition held and nothing had to be done: so often less than that one. */
  less?: Span;
}

const LOGICAL = new Map<ts.SyntaxKind, string>([
  [ts.SyntaxKind.AmpersandAmpersandToken, '&&'],
  [ts.SyntaxKind.BarBarToken, '||'],
  [ts.SyntaxKind.QuestionQuestionToken, '??'],
]);

/** Declarations that run nothing themselves, and blocks, whose statements speak for them. */
function isCounted(node: ts.Node): boolean {
  if (ts.isPropertyDeclaration(node)) return node.initializer !== undefined;
  if (!ts.isStatement(node)) return false;
  return !(
    ts.isBlock(node) ||
    ts.isEmptyStatement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isImportDeclaration(node) ||
    ts.isExportDeclaration(node)
  );
}

export function partsOf(path: string, text: string): Part[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  const lines = text.split('\n');
  const parts: Part[] = [];

  const place = (position: number) => {
    const { line, character } = file.getLineAndCharacterOfPosition(position);
    return placeOf(line, character);
  };
  /** A block runs as often as its first statement. */
  const spanOf = (node: ts.Node): Span => {
    const first = ts.isBlock(node) ? (node.statements[0] ?? node) : node;
    return { place: place(first.getStart(file)), end: place(first.getEnd()) };
  };
  const add = (is: Part['is'], node: ts.Node, way: string, span = spanOf(node), less?: Span) => {
    const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
    const part: Part = { is, line: line + 1, text: lines[line]!.trim(), way, span };
    parts.push(less === undefined ? part : { ...part, less });
  };
  const visit = (node: ts.Node): void => {
    if (isCounted(node)) add('statement', node, '');
    if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) add('statement', node.body, '=>');
    if (ts.isIfStatement(node)) {
      add('branch', node.thenStatement, 'then');
      if (node.elseStatement !== undefined) add('branch', node.elseStatement, 'else');
      else add('branch', node, 'no else', spanOf(node), spanOf(node.thenStatement));
    } else if (ts.isConditionalExpression(node)) {
      add('branch', node.whenTrue, '?');
      add('branch', node.whenFalse, ':');
    } else if (ts.isBinaryExpression(node) && LOGICAL.has(node.operatorToken.kind)) {
      add('branch', node.right, LOGICAL.get(node.operatorToken.kind)!);
    } else if (ts.isCaseOrDefaultClause(node) && node.statements.length > 0) {
      add('branch', node, 'case', spanOf(node.statements[0]!));
    }
    // What is only types runs nothing.
    if (!ts.isTypeNode(node)) ts.forEachChild(node, visit);
  };
  visit(file);
  return parts;
}

// The laws of style that neither the compiler nor the linter keeps whole: types are not argued away, files stay short
// and say what they are for.
import ts from 'typescript'
import { type Complaint, complain, parse, type Sources, walk } from './sources.ts'

/** Lines of a file, blank ones and comments included. */
export const maxLines = 450

export function checkStyle(sources: Sources): Complaint[] {
  const complaints: Complaint[] = []
  for (const [path, text] of sources) {
    const file = parse(path, text)
    const lines = text.trimEnd().split('\n').length
    if (lines > maxLines) complaints.push(`${path}:${maxLines + 1}: ${lines} lines; at most ${maxLines}`)
    if (!path.endsWith('/index.ts') && !/^(#!.*\n)?\/[/*]/.test(text)) {
      complaints.push(`${path}:1: opens without a comment that says what it is for`)
    }
    for (const line of silencers(file)) complaints.push(`${path}:${line}: silences the compiler`)
    walk(file, (node) => {
      const fault = faultOf(node)
      if (fault !== undefined) complaints.push(complain(node, fault))
    })
  }
  return complaints
}

function faultOf(node: ts.Node): string | undefined {
  if (node.kind === ts.SyntaxKind.AnyKeyword) return 'any; say what it is, or unknown'
  if (ts.isNonNullExpression(node)) return 'non-null !; check it'
  if ((ts.isPropertyDeclaration(node) || ts.isVariableDeclaration(node)) && node.exclamationToken) {
    return 'definite assignment !; give it a value'
  }
  if (isAssertion(node)) {
    let inner = node.expression
    while (ts.isParenthesizedExpression(inner)) inner = inner.expression
    if (isAssertion(inner) && isTop(inner.type)) return 'as unknown as; narrow it with a check'
  }
  if (ts.isExportAssignment(node)) return 'default export; name it'
  if (node.kind === ts.SyntaxKind.DefaultKeyword && !ts.isDefaultClause(node.parent)) return 'default export; name it'
  if (ts.isExportSpecifier(node) && node.name.text === 'default') return 'default export; name it'
  if (ts.isEnumDeclaration(node)) return 'enum; use a union of strings'
  return undefined
}

function isAssertion(node: ts.Node): node is ts.AssertionExpression {
  return ts.isAsExpression(node) || ts.isTypeAssertionExpression(node)
}

/** Types from which an assertion reaches any other. */
function isTop(type: ts.TypeNode): boolean {
  return [ts.SyntaxKind.UnknownKeyword, ts.SyntaxKind.NeverKeyword, ts.SyntaxKind.AnyKeyword].includes(type.kind)
}

/** The lines of comments that begin with `@ts-ignore`, `@ts-expect-error` or `@ts-nocheck`. */
function silencers(file: ts.SourceFile): number[] {
  const lines = new Set<number>()
  walk(file, (node) => {
    for (const range of ts.getLeadingCommentRanges(file.text, node.getFullStart()) ?? []) {
      if (/^\/[/*]+\s*@ts-(ignore|expect-error|nocheck)/.test(file.text.slice(range.pos, range.end))) {
        lines.add(file.getLineAndCharacterOfPosition(range.pos).line + 1)
      }
    }
  })
  return [...lines]
}

// The repository as the house tests see it: text by path, paths relative to the root with forward slashes. A check takes
// such a map and answers complaints, so that a test can feed it a broken sample as easily as the real tree.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

export type Sources = ReadonlyMap<string, string>

/** One complaint: `path:line: what is wrong and what is allowed instead`. */
export type Complaint = string

export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Every `.ts` file under the given top-level folders. */
export function readSources(...folders: string[]): Sources {
  const sources = new Map<string, string>()
  for (const folder of folders) {
    if (!existsSync(root + folder)) continue
    for (const entry of readdirSync(root + folder, { recursive: true, encoding: 'utf8' })) {
      if (!entry.endsWith('.ts')) continue
      const path = `${folder}/${entry.replaceAll('\\', '/')}`
      sources.set(path, readFileSync(root + path, 'utf8'))
    }
  }
  return sources
}

const generated = ['.git', '.espalier', 'build', 'coverage', 'dist', 'node_modules']

/** Every text file of the repository, of whatever kind, but for what is generated or installed. */
export function readAll(folder = ''): Map<string, string> {
  const sources = new Map<string, string>()
  for (const entry of readdirSync(root + folder, { withFileTypes: true })) {
    if (generated.includes(entry.name)) continue
    const path = folder + entry.name
    if (entry.isDirectory()) for (const [each, text] of readAll(`${path}/`)) sources.set(each, text)
    else if (entry.isFile()) {
      const text = readFileSync(root + path, 'utf8')
      if (!text.includes('\0')) sources.set(path, text)
    }
  }
  return sources
}

export function parse(path: string, text: string): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true, ts.ScriptKind.TS)
}

export function complain(node: ts.Node, what: string): Complaint {
  const file = node.getSourceFile()
  return `${file.fileName}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}: ${what}`
}

/** Calls `visit` for the node and everything below it, types included. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  ts.forEachChild(node, (child) => walk(child, visit))
}

export interface Import {
  readonly node: ts.Node
  readonly specifier: string
  /** Erased by the compiler: nothing is loaded at run time. */
  readonly typeOnly: boolean
}

/** Whatever names another module: imports, re-exports, `import('…')` as a value and as a type, `import x = require('…')`. */
export function importsOf(file: ts.SourceFile): Import[] {
  const found: Import[] = []
  walk(file, (node) => {
    if (ts.isImportDeclaration(node)) add(node, node.moduleSpecifier, node.importClause?.isTypeOnly ?? false)
    else if (ts.isExportDeclaration(node) && node.moduleSpecifier) add(node, node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node, node.argument.literal, true)
    else if (ts.isExternalModuleReference(node)) add(node, node.expression, false)
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node, node.arguments[0], false)
    }
  })
  return found

  function add(node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean): void {
    if (specifier && ts.isStringLiteralLike(specifier)) found.push({ node, specifier: specifier.text, typeOnly })
  }
}

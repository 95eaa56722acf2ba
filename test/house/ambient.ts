// Nothing ambient: time, randomness, turns, files, children, threads and modules come in as ports, so that one seed
// replays one run. This check reads syntax and scopes, not text: a parameter called `setTimeout`, a method `now` and a
// word in a comment are fine; an alias (`const { random } = Math`) is not.
import ts from 'typescript'
import type { RealWorldEntry } from './real-world.ts'
import { type Complaint, complain, importsOf, parse, type Sources, walk } from './sources.ts'

/** Globals that are ambient however they are used, and the port to take instead. */
const forbidden = new Map<string, string>([
  ...all('the port Clock', 'performance', 'setTimeout', 'setInterval', 'clearTimeout', 'clearInterval'),
  ...all('the port Turns', 'setImmediate', 'clearImmediate', 'queueMicrotask', 'MessageChannel', 'scheduler'),
  ...all('the port Secrets or Random', 'crypto', 'Crypto', 'SubtleCrypto'),
  ...all('an argument', 'process', 'navigator', 'globalThis', 'global', 'self', 'window', 'require', 'module'),
  ...all('a carrier or a port', 'fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest', 'BroadcastChannel', 'Worker'),
  ...all('an event', 'console'),
  ...all('an explicit release', 'FinalizationRegistry', 'WeakRef'),
  ...all('a function of the source', 'eval', 'Function'),
])

/** Globals of which some members are ambient, and what is not: the rest may not even be passed on. */
const partly = new Map<string, { readonly port: string; readonly free: (member: string) => boolean }>([
  ['Date', { port: 'the port Clock', free: (member) => ['UTC', 'parse', 'prototype'].includes(member) }],
  ['Math', { port: 'the port Random', free: (member) => member !== 'random' }],
  ['AbortSignal', { port: 'the port Clock', free: (member) => ['abort', 'any'].includes(member) }],
  ['Atomics', { port: 'a carrier', free: (member) => !member.startsWith('wait') }],
])

/** What only computes. Every other module of Node is the real world. */
const pureModules = [
  'assert',
  'buffer',
  'diagnostics_channel',
  'events',
  'path',
  'string_decoder',
  'url',
  'util',
  'zlib',
]
const purePackages = ['hdr-histogram-js', 'msgpackr', 'valibot']
/** From node:crypto: what gives the same answer to the same question. */
const pureCrypto = ['createHash', 'createHmac', 'createPrivateKey', 'createPublicKey', 'createSecretKey']
pureCrypto.push('hash', 'KeyObject', 'sign', 'timingSafeEqual', 'verify')

/** Complaints about ambient names, and about entries of `allowed` that nothing needs. */
export function checkAmbient(sources: Sources, allowed: readonly RealWorldEntry[]): Complaint[] {
  const complaints: Complaint[] = []
  const unused = new Set(allowed.flatMap((entry) => entry.names.map((name) => `${entry.path}: ${name}`)))
  const report = (node: ts.Node, name: string, instead: string) => {
    const path = node.getSourceFile().fileName
    if (!allowed.some((entry) => entry.path === path && entry.names.includes(name))) {
      complaints.push(complain(node, `${name} is ambient; take ${instead}`))
    } else unused.delete(`${path}: ${name}`)
  }
  const scopes = scopesOf(sources)
  for (const path of sources.keys()) {
    if (path.startsWith('src/system/')) continue
    const file = scopes.file(path)
    for (const { node, specifier, typeOnly } of importsOf(file)) {
      if (!typeOnly && !specifier.startsWith('.') && !isPure(node, specifier)) report(node, specifier, 'a port')
    }
    walk(file, (node) => {
      if (ts.isIdentifier(node)) {
        if (scopes.isGlobal(node)) reportGlobal(node, report)
      } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
        const [argument] = node.arguments
        if (!argument || !ts.isStringLiteralLike(argument)) report(node, 'import()', 'the port ModuleLoader')
      }
    })
  }
  for (const name of unused) complaints.push(`${name}: allowed as real world, but not used`)
  return complaints
}

function reportGlobal(node: ts.Identifier, report: (node: ts.Node, name: string, instead: string) => void): void {
  const port = forbidden.get(node.text)
  if (port !== undefined) report(node, node.text, port)
  const rule = partly.get(node.text)
  if (!rule) return
  const { parent } = node
  if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.InstanceOfKeyword) return
  if (ts.isNewExpression(parent) && parent.expression === node && parent.arguments?.[0]) {
    if (!ts.isSpreadElement(parent.arguments[0])) return
  }
  const member = memberOf(parent)
  if (member === undefined) report(node, node.text, rule.port)
  else if (!rule.free(member)) report(node, `${node.text}.${member}`, rule.port)
}

function memberOf(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node)) return node.name.text
  if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
    return node.argumentExpression.text
  }
  return undefined
}

function isPure(node: ts.Node, specifier: string): boolean {
  if (specifier === 'node:crypto') {
    const bindings = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : undefined
    if (!bindings || !ts.isNamedImports(bindings) || (ts.isImportDeclaration(node) && node.importClause?.name))
      return false
    return bindings.elements.every(
      (each) => each.isTypeOnly || pureCrypto.includes((each.propertyName ?? each.name).text),
    )
  }
  if (specifier.startsWith('node:')) return pureModules.includes(specifier.slice('node:'.length).split('/')[0] ?? '')
  return purePackages.includes(specifier)
}

/** Binds each file on its own, without any library: what then has no declaration is a global. */
function scopesOf(sources: Sources): { file(path: string): ts.SourceFile; isGlobal(node: ts.Identifier): boolean } {
  const files = new Map([...sources].map(([path, text]) => [path, parse(path, text)]))
  const options: ts.CompilerOptions = {
    noLib: true,
    noResolve: true,
    types: [],
    moduleDetection: ts.ModuleDetectionKind.Force,
  }
  const host: ts.CompilerHost = {
    getSourceFile: (path) => files.get(path),
    fileExists: (path) => files.has(path),
    readFile: (path) => sources.get(path),
    getDefaultLibFileName: () => 'lib.d.ts',
    writeFile: () => {},
    getCurrentDirectory: () => '',
    getCanonicalFileName: (path) => path,
    useCaseSensitiveFileNames: () => true,
    getNewLine: () => '\n',
  }
  const checker = ts.createProgram([...files.keys()], options, host).getTypeChecker()
  return {
    file: (path) => files.get(path) ?? parse(path, ''),
    isGlobal: (node) => {
      const { parent } = node
      if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false
      if (ts.isPropertyAssignment(parent) && parent.name === node) return false
      if (ts.isBindingElement(parent) && parent.propertyName === node) return false
      if (ts.isMetaProperty(parent) || ts.isImportSpecifier(parent) || isInType(node)) return false
      const symbol = ts.isShorthandPropertyAssignment(parent)
        ? checker.getShorthandAssignmentValueSymbol(parent)
        : checker.getSymbolAtLocation(node)
      return (symbol?.declarations ?? []).length === 0
    },
  }
}

function isInType(node: ts.Node): boolean {
  for (let at = node; at; at = at.parent) {
    if (ts.isTypeNode(at) && !ts.isExpressionWithTypeArguments(at)) return true
    if (ts.isInterfaceDeclaration(at) || ts.isTypeAliasDeclaration(at)) return true
    if (ts.isStatement(at) || ts.isArrowFunction(at)) return false
  }
  return false
}

function all(port: string, ...names: string[]): [string, string][] {
  return names.map((name) => [name, port])
}

// A copy of what the judges look at, in a folder for temporary files. A mutant is planted into it in two forms: its
// sources, for the unit tests, and the changed files alone compiled into dist/, for everything else.

import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ts from 'typescript'

// biome-ignore format: a list of words
const copied = [
  'package.json', 'tsconfig.json', 'vitest.config.ts', 'src', 'actors', 'dist', 'build/test/conformance',
  'build/test/simulate', 'test',
]
const linked = ['node_modules', 'test/conformance']

export class Scratch {
  readonly folder: string
  readonly #root: string
  readonly #planted = new Map<string, string>()

  constructor(root: string) {
    this.#root = root
    this.folder = mkdtempSync(join(tmpdir(), 'espalier-mutants-'))
    const skipped = new Set(linked.map((path) => join(root, path)))
    const filter = (path: string) => !skipped.has(path) && !/\.(map|d\.ts|tsbuildinfo)$/.test(path)
    for (const path of copied) cpSync(join(root, path), join(this.folder, path), { recursive: true, filter })
    for (const path of linked) symlinkSync(join(root, path), join(this.folder, path))
  }

  /** Replaces sources, by path, and what they compile to. Throws if dist/ is not what the sources compile to now. */
  plant(sources: ReadonlyMap<string, string>): void {
    for (const [path, text] of sources) {
      const built = path.replace(/^/, 'dist/').replace(/\.ts$/, '.js')
      const original = readFileSync(join(this.#root, path), 'utf8')
      const compiled = readFileSync(join(this.#root, built), 'utf8')
      if (comparable(compile(path, original)) !== comparable(compiled))
        throw new Error(`${built} is out of date: npm run build`)
      this.#put(path, text, original)
      this.#put(built, compile(path, text), compiled)
    }
  }

  #put(path: string, text: string, original: string): void {
    this.#planted.set(path, original)
    writeFileSync(join(this.folder, path), text)
  }

  /** Puts the originals back. */
  restore(): void {
    for (const [path, text] of this.#planted) writeFileSync(join(this.folder, path), text)
    this.#planted.clear()
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** One file as `npm run build` compiles it. Types are not checked: a mistake need not be one of types. */
function compile(path: string, text: string): string {
  const { outputText, diagnostics = [] } = ts.transpileModule(text, {
    fileName: path,
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.ESNext,
      verbatimModuleSyntax: true,
      rewriteRelativeImportExtensions: true,
      stripInternal: true,
    },
  })
  const [wrong] = diagnostics
  if (wrong !== undefined) throw new Error(`${path}: ${ts.flattenDiagnosticMessageText(wrong.messageText, '\n')}`)
  return outputText
}

/** A file compiled alone says where its map is not, and quotes the imports whose ending it rewrote in its own way. */
function comparable(code: string): string {
  return code
    .replace(/\/\/# sourceMappingURL=.*\n?$/, '')
    .replace(/^((?:im|ex)port .*?|\} from )"(\..*)";$/gm, "$1'$2';")
}

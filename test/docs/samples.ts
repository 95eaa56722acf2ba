// The samples of the guides, as a reader would try them: each `ts` block of a page is a program of its own. All are type
// checked together under the project's own compiler options, then each is run by Node against the package built from
// these sources, and must print exactly the `text` block that follows it, if one does.
//
// A block marked `ts no-run` is type checked only: for what would never end, or needs another machine.
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import ts from 'typescript'
import { root } from '../house/sources.ts'

export interface Block {
  /** What stands behind the fence: `ts`, `ts no-run`, `text`, `sh` … */
  readonly info: string
  readonly text: string
  /** The line of the opening fence, counted from 1. */
  readonly line: number
  /** The block follows the one before it with nothing but blank lines between. */
  readonly adjacent: boolean
}

export interface Sample {
  /** `README.md:12`, where the fence opens. */
  readonly at: string
  readonly code: string
  readonly run: boolean
  /** Standard output to the byte, but for blanks at its end; undefined if the page promises none. */
  readonly output: string | undefined
}

/** The fenced blocks of a page, in order. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  let open: { info: string; line: number; fence: string; adjacent: boolean; lines: string[] } | undefined
  let adjacent = false
  for (const [at, line] of markdown.split('\n').entries()) {
    const fence = /^(`{3,}|~{3,})\s*(.*)$/.exec(line)
    if (open) {
      if (fence?.[1]?.startsWith(open.fence) && fence[2] === '') {
        blocks.push({ info: open.info, text: open.lines.join('\n'), line: open.line, adjacent: open.adjacent })
        open = undefined
        adjacent = true
      } else open.lines.push(line)
    } else if (fence) {
      open = { info: (fence[2] ?? '').trim(), line: at + 1, fence: fence[1] ?? '', adjacent, lines: [] }
    } else if (line.trim() !== '') adjacent = false
  }
  if (open) throw new Error(`a fence opened on line ${open.line} is never closed`)
  return blocks
}

/** The programs of a page. */
export function samplesOf(page: string, markdown: string): Sample[] {
  const blocks = blocksOf(markdown)
  const samples: Sample[] = []
  for (const [at, block] of blocks.entries()) {
    const [language, ...flags] = block.info.split(/\s+/)
    if (language !== 'ts') continue
    const next = blocks[at + 1]
    const output = next?.info === 'text' && next.adjacent ? next.text : undefined
    samples.push({ at: `${page}:${block.line}`, code: block.text, run: !flags.includes('no-run'), output })
  }
  return samples
}

/** A folder in which `espalier` is the package built from these sources, and samples are compiled. */
export interface Bench {
  /** What the compiler says of each sample, by `at`; no entry: nothing. */
  readonly errors: ReadonlyMap<string, readonly string[]>
  /** Runs one sample. Rejects if it takes longer than `timeoutMs`. */
  run(sample: Sample, timeoutMs?: number): Promise<Run>
}

export interface Run {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Builds the package and the samples into `build/<name>`; does not judge the package. */
export function compile(name: string, samples: readonly Sample[]): Bench {
  const folder = `${root}build/${name}`
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(`${folder}/node_modules/espalier`, { recursive: true })
  cpSync(`${root}package.json`, `${folder}/node_modules/espalier/package.json`)
  writeFileSync(`${folder}/package.json`, '{ "type": "module", "private": true }\n')
  const files = new Map(samples.map((sample) => [`${folder}/${fileOf(sample)}.ts`, sample]))
  for (const [path, sample] of files) writeFileSync(path, `${sample.code}\nexport {}\n`)

  const { options, fileNames } = ts.parseJsonConfigFileContent(
    { extends: `${root}tsconfig.json`, include: ['src', 'actors', 'supervisors', 'cli'] },
    ts.sys,
    root,
  )
  const outDir = `${folder}/node_modules/espalier/dist`
  const program = ts.createProgram([...fileNames, ...files.keys()], {
    ...options,
    noEmit: false,
    outDir,
    rootDir: root,
  })
  const errors = new Map<string, string[]>()
  for (const [path, sample] of files) {
    // The samples only: that the package compiles is `npm run check`'s to say.
    const found = ts.getPreEmitDiagnostics(program, program.getSourceFile(path))
    if (found.length === 0) continue
    errors.set(
      sample.at,
      found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')),
    )
  }
  program.emit(undefined, (path, text) => {
    const at = `${outDir}/build/${name}/`
    // A sample stands beside the package, not in it.
    const target = path.startsWith(at) ? `${folder}/${basename(path)}` : path
    mkdirSync(target.slice(0, target.lastIndexOf('/')), { recursive: true })
    writeFileSync(target, text)
  })
  return { errors, run: (sample, timeoutMs = 30_000) => run(`${folder}/${fileOf(sample)}.js`, folder, timeoutMs) }
}

/** Why a sample is wrong, or undefined: the compiler's words, a bad exit, or an output that differs. */
export async function judge(bench: Bench, sample: Sample): Promise<string | undefined> {
  const errors = bench.errors.get(sample.at)
  if (errors) return `${sample.at} does not compile: ${errors.join('\n')}`
  if (!sample.run) return undefined
  const { code, stdout, stderr } = await bench.run(sample)
  if (code !== 0) return `${sample.at} ended with ${code}: ${stderr}`
  if (sample.output !== undefined && stdout.trimEnd() !== sample.output.trimEnd()) {
    return `${sample.at} printed\n${stdout}\nnot\n${sample.output}`
  }
  return undefined
}

function fileOf(sample: Sample): string {
  return sample.at.replace(/[^\w]+/g, '-')
}

function run(file: string, cwd: string, timeoutMs: number): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--enable-source-maps', file], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL')
        reject(new Error(`${basename(file)} did not end within ${timeoutMs} ms:\n${stdout}${stderr}`))
      else resolve({ code, stdout, stderr })
    })
  })
}

// What a user meets, in the order in which they meet it: the tarball, its exports and types, its installation, a first
// program compiled and run, the command. Each step throws with what it saw if the package is not right.
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { command } from './command.ts'

/** Node versions to run under besides this one, as npm carries them: plain packages with a binary, nothing downloaded. */
const otherNodes: Readonly<Record<string, string>> = { node22: '22.23.3', node24: '24.21.0' }

export interface Bench {
  /** The repository. */
  readonly root: string
  /** An empty folder outside the repository, so that nothing is found by looking upwards. */
  readonly folder: string
  /** Ends every child that is left. */
  readonly deadline: AbortSignal
  /** The packed tarball. */
  readonly tarball: string
  /** The user's program, and what it must print. */
  readonly sample: { readonly code: string; readonly output: string }
}

export type Step = readonly [name: string, run: (bench: Bench) => Promise<void>]

export const steps: readonly Step[] = [
  ['the tarball holds what it should, and nothing else', contents],
  ['publint', (bench) => npx(bench, 'publint', 'run', bench.tarball, '--strict')],
  ['are the types wrong', (bench) => npx(bench, 'attw', bench.tarball, '--profile', 'esm-only', '--no-color')],
  ['it installs into an empty project', install],
  ['a program compiles against it, its own types checked too', compile],
  ['the program runs', (bench) => runSample(bench, process.execPath)],
  ['the command answers', (bench) => runCommand(bench, process.execPath)],
  ['Node 22 and 24 are at hand', installNodes],
  ...Object.keys(otherNodes).flatMap((name): Step[] => [
    [`the program runs under ${name}`, (bench) => runSample(bench, binaryOf(bench, name))],
    [`the command answers under ${name}`, (bench) => runCommand(bench, binaryOf(bench, name))],
  ]),
]

/** `npm pack`, which builds first, as a publisher would run it. */
export async function pack(root: string, folder: string, deadline: AbortSignal): Promise<string> {
  const printed = await command(['npm', 'pack', '--silent', '--pack-destination', folder], { cwd: root, deadline })
  const name = printed.trim().split('\n').at(-1) ?? ''
  return `${folder}/${name}`
}

async function contents({ root, tarball, folder, deadline }: Bench): Promise<void> {
  const listed = await command(['tar', '-tzf', tarball], { cwd: folder, deadline })
  const files = listed.split('\n').filter((line) => line !== '' && !line.endsWith('/'))
  for (const file of files) {
    const path = file.replace(/^package\//, '')
    if (['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE'].includes(path)) continue
    const source = /^dist\/((?:src|actors|supervisors|cli)\/.+?)(?:\.d\.ts|\.js)(?:\.map)?$/.exec(path)?.[1]
    if (source === undefined) throw new Error(`${path} has no place in the package`)
    if (!existsSync(`${root}${source}.ts`)) throw new Error(`${path} is left from a source that is gone: remove dist/`)
  }
  for (const path of ['README.md', 'CHANGELOG.md', 'LICENSE', 'dist/src/index.js', 'dist/src/index.d.ts']) {
    if (!files.includes(`package/${path}`)) throw new Error(`${path} is missing`)
  }
  const bytes = statSync(tarball).size
  if (bytes > 2 << 20) throw new Error(`${bytes} bytes; at most 2 MiB`)
}

async function npx({ root, deadline }: Bench, ...argv: string[]): Promise<void> {
  await command(['npx', '--no-install', ...argv], { cwd: root, deadline })
}

async function install({ root, folder, tarball, sample, deadline }: Bench): Promise<void> {
  const project = projectOf(folder)
  mkdirSync(project)
  writeFileSync(`${project}/package.json`, JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  writeFileSync(`${project}/consumer.ts`, sample.code)
  const { devDependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
  const compiler = ['typescript', '@types/node'].map((name) => `${name}@${devDependencies[name]}`)
  await npmInstall(project, deadline, tarball, ...compiler)
}

async function compile({ folder, deadline }: Bench): Promise<void> {
  const strict = [
    '--strict',
    '--exactOptionalPropertyTypes',
    '--noUncheckedIndexedAccess',
    '--target',
    'es2022',
    '--types',
    'node',
  ]
  const tsc = ['node_modules/.bin/tsc', ...strict, 'consumer.ts']
  const cwd = projectOf(folder)
  await command([...tsc, '--module', 'esnext', '--moduleResolution', 'bundler', '--noEmit'], { cwd, deadline })
  await command([...tsc, '--module', 'nodenext', '--moduleResolution', 'nodenext'], { cwd, deadline })
}

async function runSample({ folder, sample, deadline }: Bench, node: string): Promise<void> {
  const printed = await command([node, 'consumer.js'], { cwd: projectOf(folder), deadline })
  if (printed.trim() !== sample.output.trim()) throw new Error(`printed\n${printed}\nnot\n${sample.output}`)
}

async function runCommand({ root, folder, deadline }: Bench, node: string): Promise<void> {
  if (!existsSync(`${root}cli/main.ts`)) return
  const printed = await command([node, 'node_modules/.bin/espalier', '--help'], { cwd: projectOf(folder), deadline })
  if (!/^Usage: espalier/m.test(printed)) throw new Error(`espalier --help printed\n${printed}`)
}

async function installNodes({ folder, deadline }: Bench): Promise<void> {
  const target = `${folder}/nodes`
  mkdirSync(target)
  const carrier = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const wanted = Object.entries(otherNodes).map(([name, version]) => `${name}@npm:${carrier}@${version}`)
  await npmInstall(target, deadline, '--no-bin-links', ...wanted)
}

function npmInstall(cwd: string, deadline: AbortSignal, ...packages: string[]): Promise<string> {
  const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel', 'error']
  return command(['npm', 'install', '--prefix', cwd, ...quiet, ...packages], { cwd, deadline })
}

function projectOf(folder: string): string {
  return `${folder}/project`
}

function binaryOf({ folder }: Bench, name: string): string {
  return `${folder}/nodes/node_modules/${name}/bin/node`
}

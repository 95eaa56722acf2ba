// Where the contenders' files lie, and what makes a peer present: its runtime found, its files compiled or installed.

import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Contender, Workload } from './room.ts'
import { runProcess } from './rounds.ts'

/** The folder of package.json, whether this file runs from the sources or from the build. */
export const root = findRoot(dirname(fileURLToPath(import.meta.url)))
const peers = join(root, 'bench/peers')
const beams = join(root, 'build/bench/erlang')

function findRoot(folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findRoot(dirname(folder))
}

export interface ContenderOptions {
  readonly name: string
  readonly lacks?: Readonly<Record<string, string>>
}

/** A contender in a Node.js process; `module` (relative to the package) exports `tasks`. */
export function nodeContender(
  options: ContenderOptions & { readonly module: string; readonly probe: Contender['probe']; readonly rounds?: number },
): Contender {
  const { name, rounds, lacks = {}, module, probe } = options
  const entry = join(root, 'build/bench/harness/contender.js')
  const command = (workload: Workload) => ({
    file: process.execPath,
    args: ['--expose-gc', entry, join(root, module), ...taskArgs(workload), String(warmUpMs(workload))],
  })
  return { name, lacks, probe, command, ...(rounds !== undefined && { rounds }) }
}

/** 0: none. */
function warmUpMs({ warmUp = 400 }: Workload): number {
  return warmUp === false ? 0 : warmUp
}

/** Erlang/OTP on one scheduler thread, logger off. `module` lies in bench/peers/erlang; all files there are compiled. */
export function erlangContender(options: ContenderOptions & { readonly module: string }): Contender {
  const { name, lacks = {}, module } = options
  const flags = ['+S', '1', '+P', '1000000', '-noshell', '-kernel', 'logger_level', 'none', '-pa', beams]
  return {
    name,
    lacks,
    probe: probeErlang,
    command: (workload) => ({ file: 'erl', args: [...flags, '-run', module, 'main', ...taskArgs(workload)] }),
  }
}

function taskArgs({ name, task = name, count, repeats }: Workload): string[] {
  return [task, String(count), String(repeats)]
}

async function probeErlang(): Promise<{ readonly version: string } | { readonly absent: string }> {
  const expression =
    'io:format("~s (erts ~s)", [erlang:system_info(otp_release), erlang:system_info(version)]), halt().'
  const asked = await runProcess('erl', ['-noshell', '-eval', expression], 30_000)
  if (asked.code !== 0) return { absent: 'no erl on the path (Debian: apt-get install erlang-base)' }
  mkdirSync(beams, { recursive: true })
  const folder = join(peers, 'erlang')
  const files = readdirSync(folder).filter((file) => file.endsWith('.erl'))
  const compiled = await runProcess('erlc', ['-o', beams, ...files.map((file) => join(folder, file))], 60_000)
  if (compiled.code !== 0) return { absent: `erlc failed: ${compiled.stdout}${compiled.stderr}`.trim() }
  return { version: `OTP ${asked.stdout}, +S 1` }
}

/** A peer of bench/peers' own manifest; installed from its lock on first use. */
export function installedPeer(name: string): Contender['probe'] {
  return async () => {
    const folder = join(peers, 'node_modules')
    if (!existsSync(folder)) await runProcess('npm', ['--prefix', peers, 'ci', '--ignore-scripts'], 120_000)
    return versionIn(join(folder, name), 'npm --prefix bench/peers ci did not install it')
  }
}

/** A peer among the package's own devDependencies. */
export function devDependency(name: string): Contender['probe'] {
  return async () => versionIn(join(root, 'node_modules', name), 'not installed (npm ci)')
}

/** Ours: present once built. */
export const ourselves: Contender['probe'] = async () => {
  try {
    createRequire(import.meta.url).resolve('espalier')
  } catch {
    return { absent: 'dist/ is missing (npm run build)' }
  }
  return versionIn(root, 'no package.json')
}

function versionIn(folder: string, absent: string): { readonly version: string } | { readonly absent: string } {
  const file = join(folder, 'package.json')
  if (!existsSync(file)) return { absent }
  const manifest: { readonly version?: string } = JSON.parse(readFileSync(file, 'utf8'))
  return { version: manifest.version ?? 'unknown' }
}

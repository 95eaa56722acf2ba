// The compiled command as a user runs it: a process of its own in a folder of its own, all of whose descendants can be
// found again by a mark in their environment.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compiledFolder } from '../storage/compiled.ts'
import { processesWith } from '../system/processes.ts'

export const program = join(compiledFolder('cli'), 'main.js')
for (const room of ['src', 'actors', 'supervisors']) compiledFolder(room)

export interface Run {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** A command under way. */
export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Run>
  /** Resolves once standard output holds `text`; rejects if the command ends without. */
  prints(text: string | RegExp): Promise<void>
}

export class Workplace {
  readonly folder = mkdtempSync(join(tmpdir(), 'espalier-e2e-'))
  readonly mark = `E2E_MARK=${randomUUID()}`

  path(name: string): string {
    return join(this.folder, name)
  }

  write(name: string, content: unknown): void {
    writeFileSync(this.path(name), typeof content === 'string' ? content : JSON.stringify(content))
  }

  start(
    args: readonly string[],
    options: Readonly<{ argv?: readonly string[]; env?: NodeJS.ProcessEnv }> = {},
  ): Running {
    const [name, value] = this.mark.split('=') as [string, string]
    const [file, ...before] = options.argv ?? [process.execPath, program]
    const child = spawn(file ?? '', [...before, ...args], {
      cwd: this.folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: '', ...options.env, [name]: value },
    })
    return follow(child)
  }

  run(...args: readonly string[]): Promise<Run> {
    return this.start(args).ended
  }

  /** Living processes that this workplace has started, and theirs. */
  get processes(): number[] {
    return processesWith(this.mark)
  }

  /** Removes everything. Answers what still ran. */
  clear(): number[] {
    const left = this.processes
    for (const pid of left) process.kill(pid, 'SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
    return left
  }
}

function follow(child: ChildProcess): Running {
  let stdout = ''
  let stderr = ''
  const watchers = new Set<() => void>()
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const look of watchers) look()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<Run>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
  const prints = (text: string | RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (typeof text === 'string' ? !stdout.includes(text) : !text.test(stdout)) return
        watchers.delete(look)
        resolve()
      }
      watchers.add(look)
      look()
      ended.then(() => reject(new Error(`ended without printing ${text}:\n${stdout}${stderr}`)), reject)
    })
  return { child, ended, prints }
}

const node = (script: string) => ({ kind: 'command', argv: [process.execPath, '-e', script] })

/** Agents of the roles `ok`, `bad`, `slow` (with a grandchild), `deaf` to SIGTERM, and `census`, a module. */
export const agents = {
  agents: [
    { role: 'ok', runner: node('console.log("done")') },
    { role: 'bad', runner: node('console.error("line 7: wrong"); process.exit(3)') },
    { role: 'slow', runner: { kind: 'command', argv: ['sh', '-c', 'sleep 300 & echo $! > grandchild; wait'] } },
    { role: 'deaf', runner: { kind: 'command', argv: ['sh', '-c', 'trap "" TERM; while :; do sleep 1; done'] } },
    { role: 'census', runner: { kind: 'module', url: './census.mjs', export: 'count' } },
    { role: 'lost', runner: { kind: 'module', url: './census.mjs', export: 'missing' } },
  ],
}

/** The module behind `census`: it leaves a timer running, as a careless one would. */
export const census = `export async function count({ taskId }) {
  setInterval(() => {}, 1000)
  return { taskId, files: 3 }
}
`

// Operating-system children behind the ChildProcesses port: each leads a process group and session of its own, and
// nothing of it is left when its `done` settles.
//
// A child is over when its first process ends. What that leaves behind is stopped like the child itself: SIGTERM,
// SIGKILL after the grace (as systemd's KillMode=control-group does). See process-family.ts for who is found, and for
// the limit. If our own process exits while children live, they are killed at once; if it is killed with SIGKILL, they
// go on: no program can clean up after that.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import type { ChildCommand, ChildOutcome, ChildProcesses, ChildProcessHandle } from '../kernel/ports/index.ts'
import { CapturedOutput } from './captured-output.ts'
import { markVariable, ProcessFamily } from './process-family.ts'

export interface SystemChildrenOptions {
  /**
   * How long, in milliseconds, SIGKILL may show no effect (a process in an uninterruptible system call, or one of
   * another user) before `done` settles all the same, as failed with code `ERR_CHILD_UNKILLABLE`. Default 10 000.
   */
  readonly unkillableAfterMs?: number
}

const defaultGraceMs = 2000
const defaultMaxOutputBytes = 1024 * 1024
/** How long a pipe may stay open once no process is left that we know of. */
const pipeLingerMs = 1000

/** Children of this process. Works whole on Linux; elsewhere on POSIX only the process group is followed. */
export function createSystemChildren(options: SystemChildrenOptions = {}): ChildProcesses {
  const unkillableAfterMs = options.unkillableAfterMs ?? 10_000
  return { spawn: (command) => start(command, unkillableAfterMs) }
}

function start(command: ChildCommand, unkillableAfterMs: number): ChildProcessHandle {
  const mark = randomUUID()
  const marks = [process.env[markVariable], mark].filter(Boolean).join('/')
  let child: ChildProcess
  try {
    child = spawn(command.argv[0], command.argv.slice(1), {
      detached: true,
      stdio: [command.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { ...(command.env ?? process.env), [markVariable]: marks },
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    })
  } catch (error) {
    return { pid: undefined, done: Promise.resolve(failure(command, error)), stop: () => {} }
  }
  if (child.pid === undefined) {
    const done = new Promise<ChildOutcome>((settle) => {
      child.once('error', (error) => settle(failure(command, error)))
    })
    return { pid: undefined, done, stop: () => {} }
  }
  return new SystemChild(child, child.pid, mark, command, unkillableAfterMs)
}

type Ending = { readonly code: number | null; readonly signal: string | null }

class SystemChild implements ChildProcessHandle {
  readonly pid: number
  readonly done: Promise<ChildOutcome>
  readonly #child: ChildProcess
  readonly #family: ProcessFamily
  readonly #unkillableAfterMs: number
  readonly #stdout: CapturedOutput
  readonly #stderr: CapturedOutput
  readonly #settle: (outcome: ChildOutcome) => void
  #phase: 'running' | 'stopping' | 'killing' | 'over' = 'running'
  #ending: Ending | undefined
  #phaseTimer: NodeJS.Timeout | undefined

  constructor(child: ChildProcess, pid: number, mark: string, command: ChildCommand, unkillableAfterMs: number) {
    this.pid = pid
    this.#child = child
    this.#family = new ProcessFamily(pid, mark)
    this.#unkillableAfterMs = unkillableAfterMs
    const maxOutputBytes = command.maxOutputBytes ?? defaultMaxOutputBytes
    this.#stdout = new CapturedOutput(maxOutputBytes)
    this.#stderr = new CapturedOutput(maxOutputBytes)
    let settle: (outcome: ChildOutcome) => void = () => {}
    this.done = new Promise((resolve) => {
      settle = resolve
    })
    this.#settle = settle
    capture(child.stdout, this.#stdout)
    capture(child.stderr, this.#stderr)
    // EPIPE: the child does not want its input. Its exit code is the judge of that.
    child.stdin?.on('error', () => {})
    child.stdin?.end(command.input)
    child.once('exit', (code, signal) => this.#leaderEnded({ code, signal }))
    guard(this)
  }

  stop(graceMs = defaultGraceMs): void {
    if (this.#phase !== 'running') return
    this.#phase = 'stopping'
    this.#family.signal('SIGTERM')
    this.#phaseTimer = setTimeout(() => this.#kill(), graceMs)
  }

  /** For the moment when our own process exits: what is synchronous is all that still counts. */
  killNow(): void {
    this.#family.signal('SIGKILL')
  }

  #kill(): void {
    this.#phase = 'killing'
    this.#phaseTimer = setTimeout(() => this.#giveUp(), this.#unkillableAfterMs)
    this.#family.signal('SIGKILL')
  }

  #leaderEnded(ending: Ending): void {
    this.#ending = ending
    this.#family.leaderReaped()
    this.#sweep(ending, 1)
  }

  /** Looks again and again, at growing distances, until nobody of the family is left. */
  #sweep(ending: Ending, waitMs: number): void {
    if (this.#phase === 'over') return
    const left = this.#phase === 'killing' ? this.#family.signal('SIGKILL') : this.#family.targets()
    if (left.length === 0) {
      this.#finish(ending)
      return
    }
    this.stop()
    setTimeout(() => this.#sweep(ending, Math.min(2 * waitMs, 50)), waitMs)
  }

  #finish(ending: Ending): void {
    this.#end()
    const settle = () => {
      clearTimeout(linger)
      const output = { stdout: this.#stdout.result(), stderr: this.#stderr.result() }
      this.#settle(
        ending.signal === null
          ? { kind: 'exited', code: ending.code ?? 0, ...output }
          : { kind: 'signalled', signal: ending.signal, ...output },
      )
    }
    // Somebody beyond our sight may hold a pipe open.
    const linger = setTimeout(() => this.#closePipes(), pipeLingerMs)
    if (isClosed(this.#child.stdout) && isClosed(this.#child.stderr)) settle()
    else this.#child.once('close', settle)
  }

  #giveUp(): void {
    const left = this.#family.targets()
    if (left.length === 0 && this.#ending !== undefined) return // the next sweep finishes
    this.#end()
    this.#closePipes()
    this.#child.unref()
    this.#settle({
      kind: 'failed',
      code: 'ERR_CHILD_UNKILLABLE',
      message: `SIGKILL had no effect on ${left.join(', ') || this.pid} for ${this.#unkillableAfterMs} ms`,
    })
  }

  #end(): void {
    this.#phase = 'over'
    clearTimeout(this.#phaseTimer)
    unguard(this)
  }

  #closePipes(): void {
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
  }
}

const living = new Set<SystemChild>()
const killAll = () => {
  for (const child of living) child.killNow()
}

function guard(child: SystemChild): void {
  if (living.size === 0) process.on('exit', killAll)
  living.add(child)
}

function unguard(child: SystemChild): void {
  if (living.delete(child) && living.size === 0) process.off('exit', killAll)
}

function capture(stream: Readable | null, output: CapturedOutput): void {
  stream?.on('data', (chunk: Buffer) => output.add(chunk))
  stream?.on('error', () => {})
}

function isClosed(stream: Readable | null): boolean {
  return stream === null || stream.closed
}

function failure(command: ChildCommand, error: unknown): ChildOutcome {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'ERR_CHILD_START'
  const message = error instanceof Error ? error.message : String(error)
  // Node names the program when the folder is what is missing.
  if (code === 'ENOENT' && command.cwd !== undefined && !isFolder(command.cwd)) {
    return { kind: 'failed', code, message: `no such folder: ${command.cwd}` }
  }
  if (code === 'ENOENT') return { kind: 'failed', code, message: `no such program: ${command.argv[0]}` }
  return { kind: 'failed', code, message }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

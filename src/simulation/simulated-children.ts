// The child processes of a simulated node: scripted programs, which run as long, write what, and end how the script and
// the seed say. They stand behind the same port as those of a real machine.
//
// Invariants: `done` settles once, when the child has ended, in an event of its node; a power cut ends all children of
// the node, and settles nothing.

import { show } from '../kernel/errors.ts'
import type {
  Alarm,
  ChildCommand,
  ChildOutcome,
  ChildOutput,
  ChildProcesses,
  ChildProcessHandle,
} from '../kernel/ports/index.ts'
import type { SeededRandom } from './random.ts'
import type { JobHost, SimulatedJobs, Span } from './simulated-jobs.ts'

/** What a script is told. */
export interface ProgramStart extends ChildCommand {
  /** Decides what the seed shall decide: a stream of the node's own. */
  readonly random: SeededRandom
}

/** How one run of a program goes. */
export interface ProgramRun {
  /** How long it runs. Default 1 to 20 ms. */
  readonly forMs?: Span
  /** Its exit code. Default 0. */
  readonly code?: number
  /** A signal that ends it, in place of an exit code: it crashes. */
  readonly signal?: string
  readonly stdout?: string | Uint8Array
  readonly stderr?: string | Uint8Array
  /** Whether SIGTERM ends it; else only SIGKILL does. Default true. */
  readonly heedsTerm?: boolean
}

/** A scripted program. Called when a child starts; must not wait. */
export type Program = (start: ProgramStart) => ProgramRun

/** Programs by the name they are called by, `argv[0]`. What is called by another name does not start. */
export type Programs = Readonly<Record<string, Program>>

const usualSpan: Span = [1, 20]
/** How long a child takes to die of a signal, in milliseconds. */
const dying: Span = [0, 2]
const usualGraceMs = 2000
const usualOutputBytes = 1024 * 1024

export class SimulatedChildren implements ChildProcesses {
  readonly #jobs: SimulatedJobs
  readonly #programs: Programs
  #pids = 0

  /** @internal */
  constructor(jobs: SimulatedJobs, programs: Programs) {
    this.#jobs = jobs
    this.#programs = programs
  }

  spawn(command: ChildCommand): ChildProcessHandle {
    const [name] = command.argv
    const program = Object.hasOwn(this.#programs, name) ? this.#programs[name] : undefined
    const { host } = this.#jobs
    host.noted('child', name, 'spawn', command.argv)
    const pid = program === undefined ? undefined : ++this.#pids
    return new SimulatedChild(this.#jobs, pid, command, program && runOf(host, program, command))
  }
}

function runOf(host: JobHost, program: Program, command: ChildCommand): ProgramRun {
  try {
    return program({ ...command, random: host.random })
  } catch (error) {
    host.broken(command.argv[0], error)
    return {}
  }
}

class SimulatedChild implements ChildProcessHandle {
  readonly pid: number | undefined
  readonly done: Promise<ChildOutcome>
  readonly #jobs: SimulatedJobs
  readonly #command: ChildCommand
  readonly #run: ProgramRun | undefined
  #settle: (outcome: ChildOutcome) => void = () => {}
  /** What ends it next. */
  #end: Alarm
  #isStopping = false
  #isOver = false

  constructor(jobs: SimulatedJobs, pid: number | undefined, command: ChildCommand, run: ProgramRun | undefined) {
    this.pid = pid
    this.#jobs = jobs
    this.#command = command
    this.#run = run
    this.done = new Promise((resolve) => {
      this.#settle = resolve
    })
    this.#end =
      run === undefined
        ? jobs.after(dying, () => this.#over(notFound(command.argv[0])))
        : jobs.after(run.forMs ?? usualSpan, () => this.#over(this.#outcome(run.signal)))
  }

  stop(graceMs = usualGraceMs): void {
    if (this.#isStopping || this.#isOver || this.#run === undefined) return
    this.#isStopping = true
    if (this.#run.heedsTerm ?? true) this.#dieOf('SIGTERM')
    else this.#jobs.after(graceMs, () => this.#dieOf('SIGKILL'))
  }

  #dieOf(signal: string): void {
    if (this.#isOver) return
    this.#end.cancel()
    this.#end = this.#jobs.after(dying, () => this.#over(this.#outcome(signal)))
  }

  #outcome(signal: string | undefined): ChildOutcome {
    const { code = 0, stdout = '', stderr = '' } = this.#run ?? {}
    const limit = this.#command.maxOutputBytes ?? usualOutputBytes
    const outputs = { stdout: outputOf(stdout, limit), stderr: outputOf(stderr, limit) }
    return signal === undefined ? { kind: 'exited', code, ...outputs } : { kind: 'signalled', signal, ...outputs }
  }

  #over(outcome: ChildOutcome): void {
    this.#isOver = true
    this.#jobs.host.completed('child', this.#command.argv[0], outcome.kind, outcome, () => this.#settle(outcome))
  }
}

function notFound(name: string): ChildOutcome {
  return { kind: 'failed', code: 'ENOENT', message: `spawn ${show(name)} ENOENT` }
}

function outputOf(written: string | Uint8Array, limit: number): ChildOutput {
  const bytes = typeof written === 'string' ? new TextEncoder().encode(written) : written
  return { bytes: bytes.slice(0, limit), dropped: Math.max(0, bytes.length - limit) }
}

// Real Erlang/OTP 25 as an engine: compiles the driver in this folder into build/, keeps one `erl` alive, and talks to
// it in length-prefixed JSON. Many scenarios run in that one VM at the same time: they mostly sleep.

import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { promisify } from 'node:util'
import type { Engine } from '../contract.ts'
import type { Scenario, Trace } from '../scenario.ts'

const run = promisify(execFile)

/** The OTP release whose behaviour is the standard. */
export const otpRelease = '25'

const maxRepeats = 6

/** There is no Erlang, or another release than the one that judges. */
export class NoErlang extends Error {
  override name = 'NoErlang'
}

/** A run as the driver reports it. */
export type OracleRun = {
  readonly trace: Trace
  /**
   * Remarks that make a scenario unfit to judge by: `zero_restarted`; `misdirected` (an operation on a
   * process of the wrong kind); `unknown_name` (of a process
   * or alias, which ends the trace before the step that uses it); or this run
   * of it: `late` (the machine was too busy to keep the times).
   */
  readonly flags: readonly string[]
}

/** How one run differs from a plain one. */
export type Conditions = {
  /** Lengthens every duration of a state machine or server this many times (default 1): room on a busy machine. */
  readonly scale?: number
  /**
   * Lengthens every duration by a random 0..jitterMs (default 0), and with more than 0 shuffles the order of
   * independent processes where no order is promised: what competes then shows.
   */
  readonly jitterMs?: number
}

export type Oracle = Engine & {
  /** One run, repeated (up to 6 times) while the machine is too busy to keep the times. */
  onTime(scenario: Scenario, conditions?: Conditions): Promise<OracleRun>
}

export type OracleOptions = {
  /** Scenarios at once. Default 24: more and, on two cores, timers come late. */
  readonly parallel?: number
  /** Whether the processes of a scenario of kind `signals` alternate between two nodes. Default false. */
  readonly twoNodes?: boolean
}

/** Starts the VM. Rejects with NoErlang if there is none to start. */
export async function createOracle({ parallel = 24, twoNodes = false }: OracleOptions = {}): Promise<Oracle> {
  await requireErlang()
  const mesh = twoNodes ? ['-two_nodes', '-sname', `oracle_${process.pid}`, '-setcookie', 'oracle'] : []
  const vm = spawn('erl', ['+S', '1', '-noinput', ...mesh, '-pa', await compile(), '-s', 'oracle'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  return new Conversation(vm, parallel)
}

async function requireErlang(): Promise<void> {
  const print = 'io:format("~s", [erlang:system_info(otp_release)]), halt().'
  const release = await run('erl', ['-noshell', '-eval', print]).then(
    ({ stdout }) => stdout,
    () => undefined,
  )
  if (release === undefined) throw new NoErlang('no `erl` on this machine (Debian: apt-get install erlang-base)')
  if (release !== otpRelease) throw new NoErlang(`Erlang/OTP ${release} found, the judge is ${otpRelease}`)
}

/** Compiles the driver, from the package's folder, where npm runs its scripts; returns the folder of the beams. */
async function compile(): Promise<string> {
  const source = join('test', 'conformance', 'erlang')
  const beams = join('build', 'erlang')
  await mkdir(beams, { recursive: true })
  const files = (await readdir(source)).filter((file) => file.endsWith('.erl')).map((file) => join(source, file))
  await run('erlc', ['-Wall', '-Werror', '-o', beams, ...files])
  return beams
}

type Pending = {
  readonly slot: number
  readonly resolve: (run: OracleRun) => void
  readonly reject: (error: Error) => void
}
type Answer = { readonly id: number } & (OracleRun | { readonly error: string })

class Conversation implements Oracle {
  readonly parallel: number
  readonly #vm: ChildProcessByStdio<Writable, Readable, null>
  readonly #pending = new Map<number, Pending>()
  readonly #freeSlots: number[] = []
  readonly #closed: Promise<void>
  #slots = 0
  #lastId = 0
  #unread = Buffer.alloc(0)

  constructor(vm: ChildProcessByStdio<Writable, Readable, null>, parallel: number) {
    this.parallel = parallel
    this.#vm = vm
    vm.stdout.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#closed = new Promise((resolve) => {
      vm.on('close', (code) => {
        for (const pending of this.#pending.values()) pending.reject(new Error(`erl ended with code ${code}`))
        this.#pending.clear()
        resolve()
      })
    })
  }

  async run(scenario: Scenario): Promise<Trace> {
    const { trace, flags } = await this.onTime(scenario)
    if (flags.includes('late')) throw new Error('the machine is too busy to keep the times')
    return trace
  }

  async onTime(scenario: Scenario, { scale = 1, jitterMs = 0 }: Conditions = {}): Promise<OracleRun> {
    for (let attempt = 0; ; attempt++) {
      const run = await this.#observe(scenario, { scale: scale + attempt, jitterMs })
      if (attempt === maxRepeats || !run.flags.includes('late')) return run
    }
  }

  #observe(scenario: Scenario, { scale, jitterMs }: Required<Conditions>): Promise<OracleRun> {
    const id = ++this.#lastId
    const slot = this.#freeSlots.pop() ?? ++this.#slots
    const body = Buffer.from(JSON.stringify({ id, slot, scale, jitter: jitterMs, scenario }))
    const head = Buffer.alloc(4)
    head.writeUInt32BE(body.length)
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { slot, resolve, reject })
      this.#vm.stdin.write(Buffer.concat([head, body]))
    })
  }

  async close(): Promise<void> {
    this.#vm.stdin.end()
    await this.#closed
  }

  #read(chunk: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, chunk])
    while (this.#unread.length >= 4) {
      const end = 4 + this.#unread.readUInt32BE(0)
      if (this.#unread.length < end) return
      this.#answer(JSON.parse(this.#unread.toString('utf8', 4, end)))
      this.#unread = this.#unread.subarray(end)
    }
  }

  #answer(answer: Answer): void {
    const pending = this.#pending.get(answer.id)
    if (pending === undefined) return
    this.#pending.delete(answer.id)
    this.#freeSlots.push(pending.slot)
    if ('error' in answer) pending.reject(new Error(answer.error))
    else pending.resolve({ trace: answer.trace, flags: answer.flags })
  }
}

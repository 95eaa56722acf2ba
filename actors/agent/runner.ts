// How an agent does a task: a child process, or a function of an ES module. Both end early when `signal` is aborted: a
// child process takes its whole family with it; a function that does not heed the signal is no longer waited for.

import { createHash } from 'node:crypto'
import { show } from '../../src/kernel/errors.ts'
import type { ChildOutcome, ChildProcesses, ModuleLoader } from '../../src/kernel/ports/index.ts'
import type { CommandRunner, ModuleRunner, Runner } from '../flow/agents-file.ts'
import { lineOf } from '../receipt/receipt.ts'

/** What runners need of the world. */
export interface RunnerPorts {
  readonly children: ChildProcesses
  readonly modules: ModuleLoader
  /** The environment that a command's own is added to. */
  readonly environment: Readonly<Record<string, string>>
}

/** What a task is told. */
export interface TaskOrder {
  readonly flowId: string
  readonly taskId: string
  readonly role: string
}

/** What a module agent's function is given. */
export interface ModuleTask extends TaskOrder {
  /** Aborted when the task is to stop: it timed out, or its flow or agent ended. */
  readonly signal: AbortSignal
}

export interface TaskResult {
  readonly succeeded: boolean
  /** Why it did not succeed, in one line; empty if it did. */
  readonly reason: string
  readonly output: TaskOutput
}

export interface TaskOutput {
  /** SHA-256 of the output kept, hexadecimal. */
  readonly digest: string
  readonly bytes: number
  /** Bytes that did not fit the bound. */
  readonly dropped: number
  /** The end of the output, for people: at most 2000 characters. */
  readonly tail: string
}

/** Does one task. Never rejects. */
export function runTask(
  runner: Runner,
  order: TaskOrder,
  signal: AbortSignal,
  ports: RunnerPorts,
): Promise<TaskResult> {
  return runner.kind === 'command' ? runCommand(runner, order, signal, ports) : runModule(runner, order, signal, ports)
}

async function runCommand(
  runner: CommandRunner,
  order: TaskOrder,
  signal: AbortSignal,
  ports: RunnerPorts,
): Promise<TaskResult> {
  const { argv, cwd, maxOutputBytes } = runner
  const env = { ...ports.environment, ...runner.env, ESPALIER_FLOW: order.flowId, ESPALIER_TASK: order.taskId }
  const child = ports.children.spawn({ argv, cwd, env, maxOutputBytes })
  const stop = () => child.stop()
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  const outcome = await child.done
  signal.removeEventListener('abort', stop)
  const reason = lineOf(commandReason(outcome, runner))
  return { succeeded: reason === '', reason, output: commandOutput(outcome) }
}

function commandReason(outcome: ChildOutcome, runner: CommandRunner): string {
  switch (outcome.kind) {
    case 'failed':
      return `${runner.argv[0]} did not start: ${outcome.message}`
    case 'signalled':
      return `${runner.argv[0]} was ended by ${outcome.signal}`
    case 'exited':
      if (outcome.code === runner.exitCode) return ''
      return `${runner.argv[0]} ended with exit code ${outcome.code}, not ${runner.exitCode}`
  }
}

function commandOutput(outcome: ChildOutcome): TaskOutput {
  if (outcome.kind === 'failed') return outputOf([], 0)
  const { stdout, stderr } = outcome
  return outputOf([stdout.bytes, stderr.bytes], stdout.dropped + stderr.dropped)
}

async function runModule(
  runner: ModuleRunner,
  order: TaskOrder,
  signal: AbortSignal,
  ports: RunnerPorts,
): Promise<TaskResult> {
  try {
    const run = await ports.modules.load(runner.url, runner.export)
    if (typeof run !== 'function') throw new TypeError(`${runner.url} exports no function "${runner.export}"`)
    const value: unknown = await unlessAborted(signal, () => run({ ...order, signal } satisfies ModuleTask))
    const text = typeof value === 'string' ? value : (JSON.stringify(value, undefined, 2) ?? '')
    const bytes = new TextEncoder().encode(text)
    const kept = bytes.subarray(0, maxModuleOutputBytes)
    return { succeeded: true, reason: '', output: outputOf([kept], bytes.length - kept.length) }
  } catch (error) {
    const reason = lineOf(error instanceof Error ? `${error.name}: ${error.message}` : show(error))
    return { succeeded: false, reason: reason === '' ? 'it failed' : reason, output: outputOf([], 0) }
  }
}

/** What `work` comes to; rejects at once when the signal is aborted, for `work` may not heed it. */
async function unlessAborted(signal: AbortSignal, work: () => unknown): Promise<unknown> {
  let abort = () => {}
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason)
  })
  signal.addEventListener('abort', abort, { once: true })
  try {
    signal.throwIfAborted()
    return await Promise.race([work(), aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Bytes kept of what a function returns. */
const maxModuleOutputBytes = 64 * 1024

const maxTail = 2000

function outputOf(parts: readonly Uint8Array[], dropped: number): TaskOutput {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  const text = parts.map((part) => new TextDecoder().decode(part)).join('')
  const bytes = parts.reduce((sum, part) => sum + part.length, 0)
  return { digest: hash.digest('hex'), bytes, dropped, tail: text.slice(-maxTail) }
}

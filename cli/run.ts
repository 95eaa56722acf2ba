// `espalier run`: reads the flow and the agents, starts the trees, runs the flow, prints what came of it.

import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseAgents } from '../actors/flow/agents-file.ts'
import type { FlowResult, TaskProgress } from '../actors/orchestrator/protocol.ts'
import { keysVariable, receiptPaths } from '../actors/receipt/receipt-store.ts'
import { createNode, type Node, OptionError, type Report, showReason } from '../src/index.ts'
import { openLmdb, type TransactionalStore } from '../src/storage/index.ts'
import { createSystemChildren, systemFiles, systemModules } from '../src/system/index.ts'
import { type Flows, type RunningFlow, startFlows } from '../supervisors/flows.ts'
import { type ProgressView, progressView } from './progress.ts'
import { showVerdict, verifyData } from './receipts.ts'
import { columns, seconds } from './table.ts'

export interface RunOptions {
  readonly agents: string
  readonly data: string
  readonly json: boolean
}

/** How long a flow that was told to stop may take before the trees are ended over it, in milliseconds. */
const stopDeadlineMs = 10_000

/** Runs a flow. Answers the exit code. */
export async function runCommand(spec: string, options: RunOptions): Promise<number> {
  const input = readSpec(spec)
  const agentsPath = resolve(options.agents)
  const agents = parseAgents(readOption('--agents', agentsPath), agentsPath)
  const paths = receiptPaths(options.data)
  await systemFiles.makeFolder(paths.store)
  const view = progressView(process.stdout, options.json)
  const store = await openLmdb({ path: paths.store })
  const node = createNode({ name: 'flows', onReport: (report) => tellReport(report) })
  const keys = process.env[keysVariable]
  const interruption = new Interruption()
  let result: FlowResult | undefined
  try {
    const flows = await startFlows({
      node,
      agents,
      dataFolder: options.data,
      store,
      files: systemFiles,
      ports: { children: createSystemChildren(), modules: systemModules, environment: environment() },
      ...(keys === undefined ? {} : { keys }),
    })
    await tellUnfinished(flows, view)
    result = await runFlow(flows, input, view, interruption)
    await flows.stop()
  } finally {
    await shutDown(node, store)
    interruption.close()
    view.close()
  }
  return report(result, options, interruption.signal)
}

async function runFlow(
  flows: Flows,
  input: string,
  view: ProgressView,
  interruption: Interruption,
): Promise<FlowResult> {
  const failures: TaskProgress[] = []
  const flow = await flows.run(input, (event) => {
    if (event.kind === 'task' && event.task.tail !== '') failures.push(event.task)
    view.show(event)
  })
  interruption.stops(flow, view)
  const result = await Promise.race([flow.finished, interruption.deadline])
  for (const { taskId, tail } of failures) view.note(`--- the end of the output of ${taskId}\n${tail.trimEnd()}\n---`)
  return result
}

async function shutDown(node: Node, store: TransactionalStore): Promise<void> {
  await node.stop()
  await store.close()
}

async function tellUnfinished(flows: Flows, view: ProgressView): Promise<void> {
  for (const { flowId, input, startedAtMs, receipt } of await flows.unfinished()) {
    const how = receipt === undefined ? 'ended without a receipt' : `was stopped; receipt ${receipt}`
    const what = input.length > 60 ? `${input.slice(0, 59)}…` : input
    view.note(
      `unfinished: ${flowId}, begun ${new Date(startedAtMs).toISOString()}, ${how}: ${what.replace(/\s+/g, ' ')}`,
    )
  }
}

async function report(result: FlowResult, options: RunOptions, signal: NodeJS.Signals | undefined): Promise<number> {
  const { record, receipt, problem } = result
  const verdict = await verifyData(options.data)
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ kind: 'result', receipt, problem, record, verification: verdict })}\n`)
  } else {
    if (problem !== '') process.stderr.write(`espalier: ${problem}\n`)
    const rows = record.tasks.map((task) => {
      const last = task.attempts.at(-1)
      return [
        task.id,
        task.role,
        last?.agent ?? '-',
        task.outcome,
        String(task.attempts.length),
        last === undefined ? '-' : seconds(last.durationMs),
        last?.reason ?? '',
      ]
    })
    if (rows.length > 0)
      process.stdout.write(`\n${columns(['task', 'role', 'agent', 'outcome', 'attempts', 'took', 'reason'], rows)}`)
    process.stdout.write(`\nflow ${record.flowId}: ${record.outcome} in ${seconds(record.durationMs)}\n`)
    process.stdout.write(`receipt ${receipt.id}; head: ${receipt.count} receipts, ${receipt.digest}\n`)
    process.stdout.write(`verified: ${showVerdict(verdict)}\n`)
  }
  if (signal !== undefined) return signal === 'SIGINT' ? 130 : 143
  if (verdict.kind !== 'intact') return 1
  if (problem !== '') return 2
  return record.outcome === 'succeeded' ? 0 : 1
}

/** SIGINT and SIGTERM end the flow in order; after a deadline, or at the second of them, without. */
class Interruption {
  signal: NodeJS.Signals | undefined
  readonly deadline: Promise<never>
  #giveUp: (error: Error) => void = () => {}
  #flow: { readonly flow: RunningFlow; readonly view: ProgressView } | undefined
  #timer: NodeJS.Timeout | undefined

  constructor() {
    this.deadline = new Promise((_resolve, reject) => {
      this.#giveUp = reject
    })
    this.deadline.catch(() => {})
    process.on('SIGINT', this.#onSignal)
    process.on('SIGTERM', this.#onSignal)
  }

  /** The flow to stop when a signal comes, or has come. */
  stops(flow: RunningFlow, view: ProgressView): void {
    this.#flow = { flow, view }
    if (this.signal !== undefined) this.#stop(this.signal)
  }

  close(): void {
    clearTimeout(this.#timer)
    process.off('SIGINT', this.#onSignal)
    process.off('SIGTERM', this.#onSignal)
  }

  #onSignal = (signal: NodeJS.Signals): void => {
    const again = this.signal !== undefined
    this.signal ??= signal
    if (again)
      this.#giveUp(new OptionError('signal', signal, 'no second signal while the flow stops: it was ended at once'))
    else this.#stop(signal)
  }

  #stop(signal: NodeJS.Signals): void {
    this.#flow?.view.note(`${signal}: stopping the flow`)
    this.#flow?.flow.stop(signal)
    this.#timer ??= setTimeout(() => {
      this.#giveUp(new OptionError('signal', signal, `a flow that stops within ${stopDeadlineMs} ms`))
    }, stopDeadlineMs)
  }
}

function readSpec(spec: string): string {
  if (spec === '-') return readFileSync(0, 'utf8')
  return existsSync(spec) ? readOption('spec', spec) : spec
}

function readOption(field: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new OptionError(
      field,
      path,
      `a file that can be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
    )
  }
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  )
}

function tellReport(report: Report): void {
  if (report.kind === 'crash') {
    const who = report.label ?? report.name ?? report.definition
    process.stderr.write(`crash: ${who} (${report.pid}): ${showReason(report.reason)}\n`)
  } else if (report.kind === 'supervisor' && report.event !== 'child_terminated') {
    process.stderr.write(
      `supervisor ${report.name ?? report.pid}: ${report.event}: ${String(report.child)}: ${showReason(report.reason)}\n`,
    )
  }
}

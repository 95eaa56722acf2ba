// `espalier run`: reads the flow and the agents, starts the trees, runs the flow, prints what came of it.

import { existsSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join, resolve } from 'node:path'
import type { GroupView } from '../actors/consensus/consensus.ts'
import type { Decision } from '../actors/decisions/decision.ts'
import { type AgentDeclaration, parseAgents } from '../actors/flow/agents-file.ts'
import type { FlowResult, TaskProgress } from '../actors/orchestrator/protocol.ts'
import { keysVariable, receiptPaths, receiptsDamaged } from '../actors/receipt/receipt-store.ts'
import { createNode, EspalierError, OptionError, type Report, showReason } from '../src/index.ts'
import { openLmdb, StorageError, type TransactionalStore } from '../src/storage/index.ts'
import { createSystemChildren, systemFiles, systemModules } from '../src/system/index.ts'
import { type FlowThreads, startFlowThreads } from '../supervisors/flow-threads.ts'
import { type Flows, type RunningFlow, startFlows } from '../supervisors/flows.ts'
import { type ProgressView, progressView } from './progress.ts'
import { showVerdict, verifyData } from './receipts.ts'
import { columns, countOf, seconds } from './table.ts'

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
  const interruption = new Interruption()
  const view = progressView(process.stdout, options.json)
  try {
    await refuseDamage(options.data)
    const [result, decided] = await withFlows(agents, options.data, async (flows, threads) => {
      await tellUnfinished(flows, view)
      const done = await runFlow(flows, input, view, interruption)
      return [done, await decidedIn(flows, threads, done.record.flowId)] as const
    }).finally(() => view.close())
    return await report(result, decided, options, interruption.signal)
  } catch (error) {
    if (!(error instanceof InterruptedError)) throw error
    process.stderr.write(`espalier: ${error.message}\n`)
    return exitCodeOf(interruption.signal ?? 'SIGTERM')
  } finally {
    interruption.close()
  }
}

// As shells count.
function exitCodeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

// In a child process: a damaged store can end whoever opens it.
async function refuseDamage(data: string): Promise<void> {
  if (!existsSync(receiptPaths(data).store)) return
  const verdict = await verifyData(data)
  if (verdict.kind !== 'intact') throw receiptsDamaged(showVerdict(verdict))
}

async function withFlows<T>(
  agents: readonly AgentDeclaration[],
  data: string,
  use: (flows: Flows, threads: FlowThreads) => Promise<T>,
): Promise<T> {
  const paths = receiptPaths(data)
  await systemFiles.makeFolder(paths.store)
  const store = await openStore(paths.store, data)
  let started = false
  // Why the trees could not start is told by what rejects.
  const node = createNode({ name: 'flows', onReport: (event) => started && tellReport(event) })
  const keys = process.env[keysVariable]
  let threads: FlowThreads | undefined
  try {
    threads = await startFlowThreads(node, join(data, 'decisions'))
    const flows = await startFlows({
      node,
      decisions: threads.decisions,
      machinesOn: threads.machinesOn,
      agents,
      dataFolder: data,
      store,
      files: systemFiles,
      ports: { children: createSystemChildren(), modules: systemModules, environment: environment() },
      ...(keys === undefined ? {} : { keys }),
    })
    started = true
    const answer = await use(flows, threads)
    await flows.stop()
    return answer
  } finally {
    await threads?.stop()
    await node.stop()
    await store.close()
  }
}

async function openStore(path: string, data: string): Promise<TransactionalStore> {
  try {
    return await openLmdb({ path })
  } catch (error) {
    if (!(error instanceof StorageError) || error.code !== 'ERR_STORAGE_LOCKED') throw error
    const hint = `another flow is running on the data folder ${data}; wait for it, or give --data another folder`
    throw new StorageError(error.code, `${hint} (${error.message})`)
  }
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

async function tellUnfinished(flows: Flows, view: ProgressView): Promise<void> {
  for (const { flowId, input, startedAtMs, receipt } of await flows.unfinished()) {
    const how = receipt === undefined ? 'ended without a receipt' : `was stopped, see receipt ${receipt}`
    const line = input.replace(/\s+/g, ' ').trim()
    const what = line.length > 60 ? `${line.slice(0, 59)}…` : line
    view.note(`unfinished: ${flowId} of ${new Date(startedAtMs).toISOString()} ${how}: ${what}`)
  }
}

/** What the group has recorded of a flow. */
interface Decided {
  readonly decisions: readonly Decision[]
  readonly view: GroupView | undefined
}

async function decidedIn(flows: Flows, threads: FlowThreads, flowId: string): Promise<Decided> {
  return { decisions: (await flows.decisions(flowId)) ?? [], view: await threads.view() }
}

function showDecided({ decisions, view }: Decided): string {
  const count = countOf(decisions.length, 'decision')
  if (view === undefined) return `${count}; of the group, no replica answers`
  const { members, leader, term } = view
  return `${count}, recorded by a group of ${members.length} (${leader ?? 'nobody'} leads in term ${term})`
}

async function report(
  result: FlowResult,
  decided: Decided,
  options: RunOptions,
  signal: NodeJS.Signals | undefined,
): Promise<number> {
  const { record, receipt, problem } = result
  const verdict = await verifyData(options.data)
  if (options.json) {
    process.stdout.write(
      `${JSON.stringify({ kind: 'result', receipt, problem, record, decided, verification: verdict })}\n`,
    )
  } else {
    if (problem !== '') process.stderr.write(`espalier: ${problem}\n`)
    const rows = record.tasks.map((task) => {
      const last = task.attempts.at(-1)
      return [
        task.id,
        task.role,
        last?.agent ?? '-',
        task.outcome.replaceAll('_', ' '),
        String(task.attempts.length),
        last === undefined ? '-' : seconds(last.durationMs),
        last?.reason ?? '',
      ]
    })
    const head = ['task', 'role', 'agent', 'outcome', 'attempts', 'took']
    if (rows.some((row) => row.at(-1) !== '')) head.push('reason')
    if (rows.length > 0) process.stdout.write(`\n${columns(head, rows)}`)
    process.stdout.write(`\nflow      ${record.flowId}: ${record.outcome} in ${seconds(record.durationMs)}\n`)
    process.stdout.write(`decided   ${showDecided(decided)}\n`)
    process.stdout.write(`receipt   ${receipt.id}\n`)
    process.stdout.write(`head      ${countOf(receipt.count, 'receipt')}, ${receipt.digest}\n`)
    process.stdout.write(`verified  ${showVerdict(verdict)}\n`)
  }
  if (signal !== undefined) return exitCodeOf(signal)
  if (verdict.kind !== 'intact') return 1
  if (problem !== '') return 2
  return record.outcome === 'succeeded' ? 0 : 1
}

/** The flow was ended out of order: code `ERR_INTERRUPTED`. */
class InterruptedError extends EspalierError {
  constructor(message: string) {
    super('ERR_INTERRUPTED', `${message}; the next run will report it`)
  }
}

/** What ends a flow in order: Ctrl-C, `kill`, and the end of the terminal. */
const endings = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The first of these signals ends the flow in order; the second, or a deadline, without. */
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
    for (const signal of endings) process.on(signal, this.#onSignal)
  }

  /** The flow to stop when a signal comes, or has come. */
  stops(flow: RunningFlow, view: ProgressView): void {
    this.#flow = { flow, view }
    if (this.signal !== undefined) this.#stop(this.signal)
  }

  close(): void {
    clearTimeout(this.#timer)
    for (const signal of endings) process.off(signal, this.#onSignal)
  }

  #onSignal = (signal: NodeJS.Signals): void => {
    const again = this.signal !== undefined
    this.signal ??= signal
    if (again) this.#giveUp(new InterruptedError(`${signal}: ended at once, before the flow could stop in order`))
    else this.#stop(signal)
  }

  #stop(signal: NodeJS.Signals): void {
    this.#flow?.view.note(`${signal}: stopping the flow`)
    this.#flow?.flow.stop(signal)
    this.#timer ??= setTimeout(() => {
      this.#giveUp(new InterruptedError(`${signal}: the flow did not stop within ${seconds(stopDeadlineMs)}`))
    }, stopDeadlineMs)
  }
}

function readSpec(spec: string): string {
  if (spec === '-') return readFileSync(0, 'utf8')
  if (/^[^\s,]+(?:\.json|\.txt|\.flow)$|^\.{0,2}\//.test(spec) && !existsSync(spec))
    throw new OptionError('spec', spec, 'a file that exists, or a flow such as "roleA, roleB parallel 2"')
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

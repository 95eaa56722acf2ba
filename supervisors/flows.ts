// The face of flows: starts the trees on a node, runs flows on them, and ends them in order.

import type { AgentStart } from '../actors/agent/agent.ts'
import type { RunnerPorts } from '../actors/agent/runner.ts'
import type { Consensus } from '../actors/consensus/consensus.ts'
import type { Decision } from '../actors/decisions/decision.ts'
import { Recorder, recorderName, recordTimeoutMs } from '../actors/decisions/recorder.ts'
import type { AgentDeclaration } from '../actors/flow/agents-file.ts'
import type { OrchestratorStart, Workshop } from '../actors/orchestrator/orchestrator.ts'
import type { FlowEvent, FlowResult, OrchestratorProtocol } from '../actors/orchestrator/protocol.ts'
import { type KeyRing, openKeyRing, parseKeyRing } from '../actors/receipt/key-ring.ts'
import { type JournalEntry, ReceiptServer, receiptServerName } from '../actors/receipt/receipt-server.ts'
import { receiptPaths } from '../actors/receipt/receipt-store.ts'
import {
  Down,
  EspalierError,
  ExitError,
  type Node,
  type Pid,
  type Ref,
  type Self,
  type SupervisorProtocol,
  showReason,
} from '../src/index.ts'
import type { Files } from '../src/kernel/ports/index.ts'
import type { TransactionalStore } from '../src/storage/index.ts'
import { flowTree, workshop } from './flow-tree.ts'

export interface FlowsOptions {
  /** The node to run on. Stays the caller's. */
  readonly node: Node
  readonly agents: readonly AgentDeclaration[]
  /** Where receipts, keys and the journal lie. */
  readonly dataFolder: string
  /** The open store of that folder (`receiptPaths(dataFolder).store`). Stays the caller's. */
  readonly store: TransactionalStore
  readonly files: Files
  readonly ports: RunnerPorts
  /** Keys as text, in place of the key file. */
  readonly keys?: string
  /** The group that records every decision before it is acted on. Default: decisions are not recorded. */
  readonly decisions?: Consensus
  /**
   * The node, of a thread, where orchestrators, executors and module agents live. They are placed by their child specs,
   * and come back with the thread. Default: `node`.
   */
  readonly machinesOn?: string
}

/** A flow under way. */
export interface RunningFlow {
  readonly flowId: string
  /** Resolves with the result once the receipt is durable. Rejects only if no receipt could be made. */
  readonly finished: Promise<FlowResult>
  /** Ends the flow in order: running tasks are stopped, the receipt says so. */
  stop(reason: string): void
}

export interface Flows {
  /** Begins a flow. `onEvent` hears of its progress. */
  run(input: string, onEvent?: (event: FlowEvent) => void): Promise<RunningFlow>
  /** Flows that had begun before and did not end, or were stopped: each is told once. */
  unfinished(): Promise<readonly JournalEntry[]>
  /** What the orchestrator of a flow has decided, oldest first, as the group has it; undefined without a group. */
  decisions(flowId: string): Promise<readonly Decision[] | undefined>
  /** Ends the trees. */
  stop(): Promise<void>
}

/** The flow system failed under a flow: code `ERR_FLOW_LOST`. */
export class FlowLostError extends EspalierError {}

/** Starts the trees. Rejects if the receipts are damaged or no agent can be started. */
export async function startFlows(options: FlowsOptions): Promise<Flows> {
  const { node, agents, dataFolder, store, files, ports } = options
  const paths = receiptPaths(dataFolder)
  const keys: KeyRing =
    options.keys === undefined
      ? await openKeyRing({ files, secrets: node.ports.secrets, path: paths.keys })
      : parseKeyRing(options.keys, 'keys')
  const receipts = { store, files, headPath: paths.head, keys }
  const home = node.name
  const team: AgentStart[] = agents.map((declaration) => ({ declaration, ports, home }))
  const { decisions, machinesOn } = options
  const tree = await node.start(flowTree({ agents: team, receipts, decisions, machinesOn })).catch((error: unknown) => {
    throw error instanceof ExitError ? (errorIn(error.reason) ?? error) : error
  })
  const shop: Workshop = { ...workshop, home, decisions: decisions === undefined ? undefined : recorderName }
  return {
    run: (input, onEvent) => runFlow(node, shop, agents, input, onEvent),
    unfinished: () => takeUnfinished(node),
    decisions: async (flowId) =>
      node.whereis(Recorder, recorderName)?.call('decisions', flowId, { timeoutMs: recordTimeoutMs }),
    stop: () => tree.stop('shutdown'),
  }
}

/** The error that an exit reason wraps, at whatever depth supervisors have put it. */
function errorIn(reason: unknown, depth = 8): Error | undefined {
  if (reason instanceof Error) return reason
  if (typeof reason !== 'object' || reason === null || depth === 0) return undefined
  for (const part of Object.values(reason)) {
    const found = errorIn(part, depth - 1)
    if (found !== undefined) return found
  }
  return undefined
}

async function takeUnfinished(node: Node): Promise<readonly JournalEntry[]> {
  const server = node.whereis(ReceiptServer, receiptServerName)
  if (server === undefined) throw new FlowLostError('ERR_FLOW_LOST', 'the receipt server is not running')
  const entries = await server.call('unfinished')
  await server.call(
    'forget',
    entries.map((entry) => entry.flowId),
  )
  return entries
}

async function runFlow(
  node: Node,
  shop: Workshop,
  agents: readonly AgentDeclaration[],
  input: string,
  onEvent: ((event: FlowEvent) => void) | undefined,
): Promise<RunningFlow> {
  const flowId = `flow-${Buffer.from(node.ports.secrets.bytes(8)).toString('hex')}`
  const startedAtMs = Math.round(node.ports.clock.epochMs())
  const client = new FlowClient(flowId, onEvent)
  const pid = node.spawn((self) => client.live(self), { label: `client of ${flowId}` })
  const start: OrchestratorStart = { flowId, input, startedAtMs, agents, client: pid, workshop: shop }
  const supervisor = node.whereis(workshop.orchestrators) as Ref<SupervisorProtocol> | undefined
  const started = supervisor === undefined ? { error: 'noproc' } : await supervisor.call('start_child', start)
  if ('error' in started || started.ok === undefined) {
    node.sendExit(pid, 'shutdown')
    const why = 'error' in started ? showReason(started.error) : 'ignored'
    throw new FlowLostError('ERR_FLOW_LOST', `the flow could not begin: ${why}`)
  }
  node.send(pid, new Watch(started.ok))
  return { flowId, finished: client.finished, stop: (reason) => node.send(pid, new Stop(reason)) }
}

class Watch {
  readonly orchestrator: Pid
  constructor(orchestrator: Pid) {
    this.orchestrator = orchestrator
  }
}
class Stop {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

/** How long a flow whose orchestrator has ended waits for word of the next one, in milliseconds. */
const comebackMs = 5000

/** The process that hears a flow's events for the world outside. */
class FlowClient {
  readonly finished: Promise<FlowResult>
  readonly #flowId: string
  readonly #onEvent: ((event: FlowEvent) => void) | undefined
  #orchestrator: Pid | undefined
  /** The orchestrator has ended, and none has come in its place yet. */
  #lost = false
  #stopping: string | undefined
  #settle: { resolve(result: FlowResult): void; reject(error: Error): void } = { resolve: () => {}, reject: () => {} }

  constructor(flowId: string, onEvent: ((event: FlowEvent) => void) | undefined) {
    this.#flowId = flowId
    this.#onEvent = onEvent
    this.finished = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  async live(self: Self): Promise<void> {
    for (;;) {
      const message = await self.receive(undefined, this.#lost ? { timeoutMs: comebackMs } : {})
      if (message === undefined) {
        const why = `${this.#flowId}: its orchestrator ended and did not come back`
        return this.#settle.reject(new FlowLostError('ERR_FLOW_LOST', why))
      }
      if (message instanceof Watch && this.#orchestrator === undefined) this.#follow(self, message.orchestrator)
      if (message instanceof Stop) this.#stop(self, message.reason)
      if (message instanceof Down && message.target === this.#orchestrator) this.#lost = true
      if (!isFlowEvent(message)) continue
      if (message.kind === 'phase') this.#follow(self, message.orchestrator)
      this.#onEvent?.(message)
      if (message.kind === 'finished') return this.#settle.resolve(message.result)
    }
  }

  /** Takes to a new orchestrator, the first or a restarted one, which must be told what the old one was told. */
  #follow(self: Self, orchestrator: Pid): void {
    if (this.#orchestrator === orchestrator) return
    this.#orchestrator = orchestrator
    this.#lost = false
    self.monitor(orchestrator)
    if (this.#stopping !== undefined) this.#stop(self, this.#stopping)
  }

  #stop(self: Self, reason: string): void {
    this.#stopping = reason
    if (this.#orchestrator !== undefined) self.cast(this.#orchestrator as Ref<OrchestratorProtocol>, 'stop', reason)
  }
}

function isFlowEvent(message: unknown): message is FlowEvent {
  return typeof message === 'object' && message !== null && 'kind' in message && 'flowId' in message
}

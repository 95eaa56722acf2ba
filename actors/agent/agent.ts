// An agent: a process that does the tasks of one declaration. It tells when it begins one and answers when it is done,
// does as many at once as declared, and keeps the others waiting in order.
//
// Invariant: a task's child process does not outlive the agent (however that ends), the flow that asked, or `cancel`.

import {
  Down,
  defineServer,
  ExitError,
  type From,
  noReply,
  type Pid,
  type Reference,
  reply,
  stop,
} from '../../src/index.ts'
import type { AgentDeclaration } from '../flow/agents-file.ts'
import { registryAt } from '../registry/registry.ts'
import { type RunnerPorts, runTask, type TaskOrder, type TaskResult } from './runner.ts'

/** Tasks that may wait for one agent. */
const maxWaiting = 1024

/** What an agent is started with. */
export interface AgentStart {
  readonly declaration: AgentDeclaration
  readonly ports: RunnerPorts
  /** The node of the registry. Default: this one. */
  readonly home?: string | undefined
}

/** Sent to the executor when an attempt leaves the queue: from now on its time counts. Plain: it may cross threads. */
export interface Begun {
  /** The attempt's id. */
  readonly begun: string
}

export function isBegun(message: unknown): message is Begun {
  return typeof message === 'object' && message !== null && 'begun' in message && typeof message.begun === 'string'
}

/** One attempt at a task, asked for by an executor. */
export interface RunOrder extends TaskOrder {
  /** Unique: names the attempt for {@link AgentProtocol} `cancel`. */
  readonly attemptId: string
  /** Who asks, and hears {@link Begun}. When it ends, the attempt is stopped. */
  readonly executor: Pid
}

export interface AgentProtocol {
  readonly call: {
    /** Does a task, and answers when it is done. */
    run(order: RunOrder): TaskResult
    /** How many tasks run and wait. */
    load(): { readonly running: number; readonly waiting: number }
  }
  readonly cast: {
    /** Stops an attempt: its `run` is answered once nothing of it is left. Unknown attempts are no error. */
    cancel(attemptId: string): void
  }
}

interface Job {
  readonly order: RunOrder
  readonly from: From<TaskResult>
  readonly abort: AbortController
  readonly monitor: Reference
}

interface AgentState extends AgentStart {
  readonly running: Map<string, Job>
  readonly waiting: Job[]
}

/** What an agent sends itself when a task is done. */
class Done {
  readonly attemptId: string
  readonly result: TaskResult

  constructor(attemptId: string, result: TaskResult) {
    this.attemptId = attemptId
    this.result = result
  }
}

/** Agents that are started with an A, of which `startOf` makes what they need. */
export function agentServer<A>(startOf: (argument: A) => AgentStart) {
  return defineServer<AgentProtocol>()({
    name: 'flow_agent',
    init: async (argument: A, { self }) => {
      const { declaration, ports, home } = startOf(argument)
      const { id, role, concurrency } = declaration
      self.label = `agent ${id}`
      const entry = { id, role, concurrency, pid: self.pid }
      const registered = await self.call(registryAt(self, home), 'register', entry).catch(noRegistry)
      if (registered === undefined) return stop('no_registry')
      if (!registered) return stop({ already_registered: id })
      const state: AgentState = { declaration, ports, running: new Map(), waiting: [] }
      // However this process ends, what it has started ends with it.
      self.signal.addEventListener('abort', () => {
        for (const job of state.running.values()) job.abort.abort()
      })
      return state
    },
    call: {
      run: ({ self, state, from }, order) => {
        if (state.waiting.length >= maxWaiting) return reply(refused('the agent has too many tasks waiting'), state)
        const monitor = self.monitor(order.executor)
        state.waiting.push({ order, from: from as From<TaskResult>, abort: new AbortController(), monitor })
        startWaiting(self, state)
        return noReply(state)
      },
      load: ({ state }) => reply({ running: state.running.size, waiting: state.waiting.length }, state),
    },
    cast: {
      cancel: ({ self, state }, attemptId) => {
        const at = state.waiting.findIndex((job) => job.order.attemptId === attemptId)
        const [waiting] = at < 0 ? [] : state.waiting.splice(at, 1)
        if (waiting !== undefined) {
          self.demonitor(waiting.monitor, { flush: true })
          self.reply(waiting.from, refused('stopped before it began'))
        }
        state.running.get(attemptId)?.abort.abort()
        return state
      },
    },
    info: ({ self, state }, message) => {
      if (message instanceof Done) {
        const job = state.running.get(message.attemptId)
        state.running.delete(message.attemptId)
        if (job !== undefined) {
          self.demonitor(job.monitor, { flush: true })
          self.reply(job.from, message.result)
        }
        startWaiting(self, state)
      } else if (message instanceof Down) {
        for (const job of state.running.values()) if (job.monitor === message.ref) job.abort.abort()
        const at = state.waiting.findIndex((job) => job.monitor === message.ref)
        if (at >= 0) state.waiting.splice(at, 1)
      }
      return state
    },
  })
}

/** An agent on the node of its supervisor. */
export const Agent = agentServer((start: AgentStart) => start)

function noRegistry(error: unknown): undefined {
  if (!(error instanceof ExitError)) throw error
}

function startWaiting(self: { readonly pid: Pid; send(to: Pid, message: unknown): void }, state: AgentState): void {
  while (state.running.size < state.declaration.concurrency) {
    const job = state.waiting.shift()
    if (job === undefined) return
    const { attemptId } = job.order
    state.running.set(attemptId, job)
    self.send(job.order.executor, { begun: attemptId } satisfies Begun)
    void runTask(state.declaration.runner, job.order, job.abort.signal, state.ports).then((result) => {
      self.send(self.pid, new Done(attemptId, result))
    })
  }
}

function refused(reason: string): TaskResult {
  return { succeeded: false, reason, output: { digest: emptyDigest, bytes: 0, dropped: 0, tail: '' } }
}

/** SHA-256 of nothing. */
export const emptyDigest = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

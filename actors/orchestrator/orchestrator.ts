// Leads one flow: idle → specification → pseudocode → architecture → refinement → completion → idle; from anywhere to
// error, and from there to idle. However the flow goes, it leaves a receipt. Then the machine ends.
//
// A helper that fails is restarted by its supervisor and joins again, with its work to do anew; one that does not come
// back fails the phase.

import {
  Down,
  defineStatem,
  ExitError,
  located,
  type Pid,
  type Ref,
  type Reference,
  type Self,
  showReason,
  statem,
} from '../../src/index.ts'
import { Recorder, recordTimeoutMs } from '../decisions/recorder.ts'
import type { ExecutorProtocol, ExecutorStart } from '../executor/executor.ts'
import type { AgentDeclaration } from '../flow/agents-file.ts'
import type { FlowSpec } from '../flow/flow-spec.ts'
import type { Metrics, MonitorProtocol, MonitorStart } from '../monitor/monitor.ts'
import type { Plan } from '../planner/plan.ts'
import type { PlannerStart } from '../planner/planner.ts'
import { type FlowRecord, type PhaseRecord, textOf } from '../receipt/receipt.ts'
import { ReceiptServer, receiptServerName } from '../receipt/receipt-server.ts'
import type { SpecParserStart } from '../spec-parser/spec-parser.ts'
import { designFor, showDesign } from './design.ts'
import type { Execution, FlowEvent, Helper, OrchestratorProtocol, TaskProgress } from './protocol.ts'

/** How a machine starts its helpers: the names of the dynamic supervisors, which are the concern of the tree. */
export interface Workshop {
  readonly specParsers: string
  readonly planners: string
  readonly executors: string
  readonly monitors: string
  /** The recorder of decisions. Default: they are not recorded. */
  readonly decisions?: string | undefined
  /** The node of these supervisors, of the recorder, of the registry and of the receipt server. Default: the orchestrator's own. */
  readonly home?: string | undefined
}

export interface OrchestratorStart {
  readonly flowId: string
  readonly input: string
  readonly startedAtMs: number
  readonly agents: readonly AgentDeclaration[]
  /** Hears {@link FlowEvent}s as plain messages. */
  readonly client: Pid
  readonly workshop: Workshop
}

interface Data extends OrchestratorStart {
  readonly beganMs: number
  readonly phaseBeganMs: number
  readonly phases: readonly PhaseRecord[]
  readonly spec?: FlowSpec
  readonly plan?: Plan
  readonly execution?: Execution
  readonly monitor?: Ref<MonitorProtocol>
  /** Who works on the phase, once it has joined. */
  readonly helper?: Helper & { readonly watch: Reference }
  readonly problem: string
  /** Set once the client wants the flow to end. */
  readonly stopping?: string
  readonly finished: boolean
  /** A decision could not be recorded: the flow fails, and records no more. */
  readonly unrecorded: boolean
}

type Phase = 'specification' | 'pseudocode' | 'architecture' | 'refinement' | 'completion' | 'error'

const go = statem.nextEvent('internal', 'go')

/** What a dynamic supervisor takes: the argument of the child. */
type StartChild = {
  readonly call: { start_child(argument: unknown): { readonly ok: Pid | undefined } | { readonly error: unknown } }
}

/** A phase, entered by its internal event. */
type Entered = ReturnType<typeof entered>

export const Orchestrator = located(
  import.meta.url,
  'Orchestrator',
  defineStatem<OrchestratorProtocol>()({
    name: 'flow_orchestrator',
    init: (start: OrchestratorStart, { self }) => {
      const nowMs = self.now()
      const data: Data = {
        ...start,
        beganMs: nowMs,
        phaseBeganMs: nowMs,
        phases: [],
        problem: '',
        finished: false,
        unrecorded: false,
      }
      return statem.initial('idle', data, go)
    },
    states: {
      idle: {
        internal: async ({ self, data }) => {
          if (data.finished) return statem.stop('normal')
          const { flowId, input, startedAtMs } = data
          await self.call(receiptServer(self, data), 'begin', { flowId, input, startedAtMs })
          return enter(self, 'specification', data)
        },
      },
      specification: {
        internal: async ({ self, data }) => {
          const roles = [...new Set(data.agents.map((agent) => agent.role))]
          const start: SpecParserStart = { input: data.input, roles, owner: ownRef(self) }
          await startChild(self, data, data.workshop.specParsers, start)
          return statem.keepStateAndData()
        },
        cast: {
          parsed: ({ self, data }, result) => {
            if ('error' in result) return fail(self, data, 'specification', result.error)
            const { tasks, parallel } = result.ok
            const done = closed(
              self,
              data,
              'specification',
              'succeeded',
              `tasks: ${tasks.length}, at most ${parallel} at once`,
            )
            return onward(self, 'pseudocode', { ...done, spec: result.ok })
          },
        },
      },
      pseudocode: {
        internal: async ({ self, data }) => {
          if (data.spec === undefined) return fail(self, data, 'pseudocode', 'there is nothing to plan')
          const start: PlannerStart = {
            spec: data.spec,
            agents: data.agents,
            owner: ownRef(self),
            home: homeOf(self, data),
          }
          await startChild(self, data, data.workshop.planners, start)
          return statem.keepStateAndData()
        },
        cast: {
          planned: ({ self, data }, result) => {
            if ('error' in result) return fail(self, data, 'pseudocode', result.error)
            const { criticalPath, cost } = result.ok
            const detail = `about ${cost.makespanMs} ms; critical path ${criticalPath.join(' → ')}`
            tell(self, data, { kind: 'plan', flowId: data.flowId, plan: result.ok })
            return onward(self, 'architecture', {
              ...closed(self, data, 'pseudocode', 'succeeded', detail),
              plan: result.ok,
            })
          },
        },
      },
      architecture: {
        internal: ({ self, data }) => {
          if (data.plan === undefined) return fail(self, data, 'architecture', 'there is no plan')
          const detail = showDesign(designFor(data.plan))
          return onward(self, 'refinement', closed(self, data, 'architecture', 'succeeded', detail))
        },
      },
      refinement: {
        internal: async ({ self, data }) => {
          const { flowId, plan, beganMs, workshop } = data
          if (plan === undefined) return fail(self, data, 'refinement', 'there is no plan')
          const home = homeOf(self, data)
          const watch: MonitorStart = { owner: ownRef(self), home }
          await startChild(self, data, workshop.monitors, watch)
          const start: ExecutorStart = { flowId, plan, beganMs, owner: ownRef(self), home }
          await startChild(self, data, workshop.executors, start)
          return statem.keepStateAndData()
        },
        cast: {
          progress: ({ self, data }, task) => {
            tell(self, data, { kind: 'task', flowId: data.flowId, task })
            observe(self, data, task)
            return statem.keepStateAndData()
          },
          executed: ({ self, data }, execution) => {
            const succeeded = execution.tasks.filter((task) => task.outcome === 'succeeded').length
            const detail = `${succeeded} of ${execution.tasks.length} tasks succeeded`
            const done = { ...closed(self, data, 'refinement', execution.outcome, detail), execution }
            return enter(self, execution.outcome === 'succeeded' ? 'completion' : 'error', done)
          },
          stop: ({ self, data }, reason) => {
            const stopping = { ...data, stopping: reason }
            tellToStop(self, stopping)
            return statem.keep(stopping)
          },
        },
      },
      completion: { internal: ({ self, data }) => conclude(self, data) },
      error: { internal: ({ self, data }) => conclude(self, data) },
    },
    any: {
      cast: {
        joined: ({ self, data }, { kind, pid }) => {
          if (kind === 'monitor') return statem.keep({ ...data, monitor: pid as Ref<MonitorProtocol> })
          if (data.helper !== undefined) self.demonitor(data.helper.watch, { flush: true })
          const joined = { ...data, helper: { kind, pid, watch: self.monitor(pid) } }
          tellToStop(self, joined)
          return statem.keep(joined, statem.cancel('state_timeout'))
        },
        alert: ({ self, data }, text) => {
          tell(self, data, { kind: 'alert', flowId: data.flowId, text })
          return statem.keepStateAndData()
        },
        stop: ({ data }, reason) => statem.keep({ ...data, stopping: reason }),
        // An answer to a life of this machine that is over: a restarted one asks again.
        parsed: () => statem.keepStateAndData(),
        planned: () => statem.keepStateAndData(),
        executed: () => statem.keepStateAndData(),
        progress: () => statem.keepStateAndData(),
      },
      info: ({ data }, message) => {
        const isHelper = message instanceof Down && message.ref === data.helper?.watch
        if (!isHelper || message.reason === 'normal') return statem.keepStateAndData()
        return statem.keepStateAndData(statem.stateTimeout(comebackMs))
      },
      stateTimeout: ({ self, state, data }) => {
        if (state === 'idle' || state === 'completion' || state === 'error') return statem.keepStateAndData()
        return fail(self, data, state, `the ${data.helper?.kind ?? 'helper'} failed and did not come back`)
      },
    },
  }),
)

/** How long a helper that has failed is given to come back, in milliseconds. */
const comebackMs = 5000

function tellToStop(self: Self, { helper, stopping }: Data): void {
  if (helper?.kind !== 'executor' || stopping === undefined) return
  self.cast(helper.pid as Ref<ExecutorProtocol>, 'stop', stopping)
}

// The monitor hears of the end of every task that was begun.
function observe(self: Self, { monitor }: Data, { taskId, agent, state, attempt, durationMs }: TaskProgress): void {
  if (monitor === undefined || attempt === 0 || state === 'running' || state === 'retrying') return
  self.cast(monitor, 'observed', { taskId, agent, outcome: state, durationMs })
}

function entered(phase: Phase, data: Data) {
  return statem.next(phase, data, go)
}

// A phase begins once the group, if there is one, has recorded that it does.
async function enter(self: Self, phase: Phase, data: Data): Promise<Entered> {
  const problem = data.unrecorded ? undefined : await record(self, data, phase)
  if (problem !== undefined) return fail(self, { ...data, unrecorded: true }, phase, problem)
  tell(self, data, { kind: 'phase', flowId: data.flowId, phase, orchestrator: self.pid })
  return entered(phase, { ...data, phaseBeganMs: self.now() })
}

/** Undefined once it is recorded, or where decisions are not; else why it is not. */
async function record(self: Self, data: Data, phase: Phase): Promise<string | undefined> {
  const { flowId, workshop } = data
  if (workshop.decisions === undefined) return undefined
  const recorder = self.at(Recorder, homeOf(self, data), workshop.decisions)
  const because = data.phases.at(-1)?.detail ?? 'the flow has begun'
  const decision = { flowId, by: String(self.pid), phase, because }
  const told = await self
    .call(recorder, 'record', decision, { timeoutMs: recordTimeoutMs })
    .catch((error: unknown) => ({ error: error instanceof ExitError ? showReason(error.reason) : String(error) }))
  return told === 'recorded' ? undefined : `the decision to begin ${phase} could not be recorded: ${told.error}`
}

// To the next phase, unless the client wants no more.
function onward(self: Self, phase: Phase, data: Data): Promise<Entered> {
  return data.stopping === undefined ? enter(self, phase, data) : fail(self, data, phase, `stopped: ${data.stopping}`)
}

function fail(self: Self, data: Data, phase: Phase, problem: string): Promise<Entered> {
  const outcome = data.stopping === undefined ? 'failed' : 'stopped'
  return enter(self, 'error', { ...closed(self, data, phase, outcome, problem), problem })
}

function closed(self: Self, data: Data, phase: Phase, outcome: PhaseRecord['outcome'], detail: string): Data {
  const durationMs = Math.round(self.now() - data.phaseBeganMs)
  return { ...data, phases: [...data.phases, { phase, outcome, durationMs, detail: textOf(detail, maxDetail) }] }
}

/** A receipt's texts are bounded. */
const maxDetail = 10_000

async function conclude(self: Self, data: Data) {
  const metrics: Metrics = data.monitor === undefined ? {} : await self.call(data.monitor, 'finish').catch(() => ({}))
  const outcome = data.execution?.outcome ?? (data.stopping === undefined ? 'failed' : 'stopped')
  const record: FlowRecord = {
    flowId: data.flowId,
    input: textOf(data.input),
    startedAtMs: data.startedAtMs,
    durationMs: Math.round(self.now() - data.beganMs),
    outcome,
    plan: data.plan === undefined ? null : planRecord(data.plan),
    tasks: [...(data.execution?.tasks ?? [])],
    phases: [...data.phases],
    metrics,
  }
  const receipt = await self.call(receiptServer(self, data), 'append', record, { timeoutMs: appendTimeoutMs })
  tell(self, data, { kind: 'finished', flowId: data.flowId, result: { record, problem: data.problem, receipt } })
  return statem.next('idle', { ...data, finished: true }, go)
}

/** A disk may be slow; a receipt is worth the wait. */
const appendTimeoutMs = 60_000

function planRecord(plan: Plan): NonNullable<FlowRecord['plan']> {
  return {
    tasks: plan.tasks.map((task) => ({ ...task, dependsOn: [...task.dependsOn] })),
    parallel: plan.parallel,
    criticalPath: [...plan.criticalPath],
    cost: { ...plan.cost },
  }
}

function tell(self: Self, data: Data, event: FlowEvent): void {
  self.send(data.client, event)
}

function ownRef(self: Self): Ref<OrchestratorProtocol> {
  return self.pid as Ref<OrchestratorProtocol>
}

function receiptServer(self: Self, data: Data): Ref<typeof ReceiptServer> {
  return self.at(ReceiptServer, homeOf(self, data), receiptServerName)
}

function homeOf(self: Self, { workshop }: Data): string {
  return workshop.home ?? self.pid.nodeName
}

async function startChild(self: Self, data: Data, supervisorName: string, argument: unknown): Promise<Pid> {
  const supervisor = self.at(homeOf(self, data), supervisorName) as Ref<StartChild>
  const started = await self.call(supervisor, 'start_child', argument)
  if ('error' in started) return self.exit({ not_started: supervisorName, reason: started.error })
  return started.ok ?? self.exit({ ignored: supervisorName })
}

// Watches one flow: observing; upon an alert alerting → recovering, and from there to complete, or, if there is nobody
// to recover to, to alert_persists → observing. What is observed later leads from complete back to observing. A flow
// that asks for its figures completes the monitor for good. A figure that nothing was measured for is left out.

import { Down, defineStatem, located, type Ref, statem } from '../../src/index.ts'
import { listOf } from '../flow/nearest-word.ts'
import type { OrchestratorProtocol } from '../orchestrator/protocol.ts'
import type { TaskOutcome } from '../receipt/receipt.ts'
import { registryAt } from '../registry/registry.ts'

/** The share of tasks that failed or timed out from which on there is an alert, once `minTasks` have ended. */
export const alertRule = { failureRate: 0.5, minTasks: 2 } as const

export interface MonitorStart {
  readonly owner: Ref<OrchestratorProtocol>
  /** The node of the registry. Default: this one. */
  readonly home?: string | undefined
}

export interface Observation {
  readonly taskId: string
  readonly agent: string
  readonly outcome: TaskOutcome
  readonly durationMs: number
}

/** By name, the unit in the name. */
export type Metrics = Readonly<Record<string, number>>

export interface MonitorProtocol {
  readonly call: {
    /** The figures of the flow. The monitor then ends. */
    finish(): Metrics
  }
  readonly cast: {
    observed(task: Observation): void
  }
}

interface Data extends MonitorStart {
  readonly beganMs: number
  readonly observed: readonly Observation[]
  readonly alerts: number
  /** Agents an alert was raised for and that had no process to recover to. */
  readonly persisting: number
}

const go = statem.nextEvent('internal', 'go')

export const Monitor = located(
  import.meta.url,
  'Monitor',
  defineStatem<MonitorProtocol>()({
    name: 'flow_monitor',
    init: (start: MonitorStart, { self }) => {
      self.monitor(start.owner)
      self.cast(start.owner, 'joined', { kind: 'monitor', pid: self.pid })
      const data: Data = { ...start, beganMs: self.now(), observed: [], alerts: 0, persisting: 0 }
      return statem.initial('observing', data)
    },
    states: {
      observing: {
        cast: {
          observed: ({ data }, task) => {
            const seen = { ...data, observed: [...data.observed, task] }
            return isFailure(task) &&
              failureRate(seen) >= alertRule.failureRate &&
              seen.observed.length >= alertRule.minTasks
              ? statem.next('alerting', { ...seen, alerts: data.alerts + 1 }, go)
              : statem.keep(seen)
          },
        },
        call: { finish: ({ data }) => statem.next('complete', data, statem.postpone()) },
      },
      alerting: {
        internal: ({ self, data }) => {
          const failed = data.observed.filter(isFailure).map((task) => task.taskId)
          const have = failed.length === 1 ? 'has' : 'have'
          const text = `${failed.length} of the ${data.observed.length} tasks so far ${have} failed: ${listOf(failed)}`
          self.cast(data.owner, 'alert', text)
          return statem.next('recovering', data, go)
        },
      },
      recovering: {
        // Recovery is the supervisors' work; what is left to see is whether the agent is there again.
        internal: async ({ self, data }) => {
          const agent = data.observed.at(-1)?.agent ?? ''
          const found = await self.call(registryAt(self, data.home), 'find', agent).catch(() => undefined)
          return found === undefined ? statem.next('alert_persists', data, go) : statem.next('complete', data)
        },
      },
      alert_persists: {
        internal: ({ data }) => statem.next('observing', { ...data, persisting: data.persisting + 1 }),
      },
      complete: {
        cast: { observed: ({ data }) => statem.next('observing', data, statem.postpone()) },
        call: {
          finish: ({ self, data, from }) =>
            statem.stopAndReply('normal', [statem.reply(from, metrics(data, self.now() - data.beganMs))]),
        },
      },
    },
    any: {
      cast: { observed: () => statem.keepStateAndData(statem.postpone()) },
      call: { finish: () => statem.keepStateAndData(statem.postpone()) },
      // Nobody is left who would ask.
      info: (_context, message) => (message instanceof Down ? statem.stop('shutdown') : statem.keepStateAndData()),
    },
  }),
)

// A task that was told to stop has not failed.
function isFailure({ outcome }: Observation): boolean {
  return outcome === 'failed' || outcome === 'timed_out'
}

function failureRate(data: Data): number {
  return data.observed.filter(isFailure).length / data.observed.length
}

function metrics(data: Data, elapsedMs: number): Metrics {
  const { observed, alerts, persisting } = data
  const figures: Record<string, number> = { tasks_observed: observed.length, alerts, alerts_persisting: persisting }
  if (observed.length === 0) return figures
  const durations = observed.map((task) => task.durationMs)
  figures.failure_rate = round(failureRate(data))
  figures.latency_mean_ms = round(durations.reduce((sum, ms) => sum + ms, 0) / durations.length)
  figures.latency_max_ms = Math.max(...durations)
  if (elapsedMs > 0) figures.throughput_per_s = round((observed.length * 1000) / elapsedMs)
  return figures
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}

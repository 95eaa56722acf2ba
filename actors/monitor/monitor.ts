// Watches one flow: observing → alerting → recovering → observing …, and complete when the flow asks for its figures.
// A figure that nothing was measured for is left out.

import { defineStatem, type Ref, statem } from '../../src/index.ts'
import type { OrchestratorProtocol } from '../orchestrator/protocol.ts'
import type { TaskOutcome } from '../receipt/receipt.ts'
import { Registry, registryName } from '../registry/registry.ts'

/** The share of tasks that did not succeed from which on there is an alert, once `minTasks` have ended. */
export const alertRule = { failureRate: 0.5, minTasks: 2 } as const

export interface MonitorStart {
  readonly owner: Ref<OrchestratorProtocol>
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

export const Monitor = defineStatem<MonitorProtocol>()({
  name: 'flow_monitor',
  init: (start: MonitorStart, { self }) =>
    statem.initial('observing', { ...start, beganMs: self.now(), observed: [], alerts: 0, persisting: 0 } as Data),
  states: {
    observing: {
      cast: {
        observed: ({ data }, task) => {
          const seen = { ...data, observed: [...data.observed, task] }
          return task.outcome !== 'succeeded' &&
            failureRate(seen) >= alertRule.failureRate &&
            seen.observed.length >= alertRule.minTasks
            ? statem.next('alerting', { ...seen, alerts: data.alerts + 1 }, go)
            : statem.keep(seen)
        },
      },
      call: {
        finish: ({ self, data, from }) =>
          statem.next('complete', data, statem.reply(from, metrics(data, self.now() - data.beganMs)), go),
      },
    },
    alerting: {
      internal: ({ self, data }) => {
        const failed = data.observed.filter((task) => task.outcome !== 'succeeded')
        self.cast(data.owner, 'alert', `${failed.length} of ${data.observed.length} tasks did not succeed`)
        return statem.next('recovering', data, go)
      },
    },
    recovering: {
      // Recovery is the supervisors' work; what is left to see is whether the agent is there again.
      internal: async ({ self, data }) => {
        const registry = self.whereis(Registry, registryName)
        const agent = data.observed.at(-1)?.agent ?? ''
        const found = registry === undefined ? undefined : await self.call(registry, 'find', agent)
        return statem.next('observing', found === undefined ? { ...data, persisting: data.persisting + 1 } : data)
      },
    },
    complete: { internal: () => statem.stop('normal') },
  },
  any: {
    cast: { observed: () => statem.keepStateAndData(statem.postpone()) },
    call: { finish: () => statem.keepStateAndData(statem.postpone()) },
  },
})

function failureRate(data: Data): number {
  return data.observed.filter((task) => task.outcome !== 'succeeded').length / data.observed.length
}

function metrics(data: Data, elapsedMs: number): Metrics {
  const { observed, alerts, persisting } = data
  const figures: Record<string, number> = { tasks_observed: observed.length, alerts, alerts_persisting: persisting }
  if (observed.length === 0) return figures
  const durations = observed.map((task) => task.durationMs)
  figures['failure_rate'] = round(failureRate(data))
  figures['latency_mean_ms'] = round(durations.reduce((sum, ms) => sum + ms, 0) / durations.length)
  figures['latency_max_ms'] = Math.max(...durations)
  if (elapsedMs > 0) figures['throughput_per_s'] = round((observed.length * 1000) / elapsedMs)
  return figures
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000
}

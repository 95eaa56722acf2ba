import type { Ref } from 'espalier'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Agent } from '../../../actors/agent/agent.ts'
import { Monitor, type Observation } from '../../../actors/monitor/monitor.ts'
import type { OrchestratorProtocol } from '../../../actors/orchestrator/protocol.ts'
import { Registry, registryName } from '../../../actors/registry/registry.ts'
import { Stage } from '../stage.ts'
import { states } from '../state-trace.ts'

vi.mock('../../../src/behaviours/statem-results.ts', async (original) =>
  (await import('../state-trace.ts')).traced(await original()),
)

let stage: Stage
let owner: ReturnType<Stage['probe']>
let monitor: Ref<typeof Monitor>

beforeEach(async () => {
  states.length = 0
  stage = new Stage()
  owner = stage.probe()
  const registry = await stage.run(stage.node.start(Registry, undefined, { name: registryName }))
  const pid = stage.probe().pid as Ref<typeof Agent>
  await stage.run(registry.call('register', { id: 'here', role: 'r', concurrency: 1, pid }))
  monitor = await stage.run(stage.node.start(Monitor, { owner: owner.pid as Ref<OrchestratorProtocol> }))
  await stage.world.settle()
})

async function observe(agent: string, ...outcomes: Observation['outcome'][]): Promise<void> {
  for (const [at, outcome] of outcomes.entries())
    monitor.cast('observed', { taskId: `t${at + 1}`, agent, outcome, durationMs: 100 * (at + 1) })
  await stage.world.settle()
}

describe('a monitor', () => {
  test('joins its flow and observes', () => {
    expect(owner.casts('joined')).toEqual([{ kind: 'monitor', pid: monitor }])
    expect(states).toEqual(['observing'])
  })

  test('is complete, and ends, when it is asked for its figures', async () => {
    await observe('here', 'succeeded', 'failed', 'succeeded')
    await stage.world.advance(1000)
    expect(await stage.run(monitor.call('finish'))).toEqual({
      tasks_observed: 3,
      alerts: 1,
      alerts_persisting: 0,
      failure_rate: 0.333,
      latency_mean_ms: 200,
      latency_max_ms: 300,
      throughput_per_s: 3,
    })
    await stage.world.settle()
    expect(stage.node.processes()).not.toContain(monitor)
  })

  test('leaves out the figures that nothing was measured for', async () => {
    expect(await stage.run(monitor.call('finish'))).toEqual({ tasks_observed: 0, alerts: 0, alerts_persisting: 0 })
    expect(states).toEqual(['observing', 'complete'])
  })

  test('raises an alert once half of at least two tasks have failed: alerting, recovering, complete', async () => {
    await observe('here', 'succeeded', 'timed_out')
    expect(owner.casts('alert')).toEqual(['1 of the 2 tasks so far has failed: t2'])
    expect(states).toEqual(['observing', 'alerting', 'recovering', 'complete'])
  })

  test('observes again after a recovery', async () => {
    await observe('here', 'succeeded', 'failed', 'failed')
    expect(owner.casts('alert')).toEqual([
      '1 of the 2 tasks so far has failed: t2',
      '2 of the 3 tasks so far have failed: t2, t3',
    ])
    expect(states.slice(3)).toEqual(['complete', 'observing', 'alerting', 'recovering', 'complete'])
  })

  test('an alert persists while its agent has no process: recovering, alert_persists, observing', async () => {
    await observe('gone', 'failed', 'failed')
    expect(states).toEqual(['observing', 'alerting', 'recovering', 'alert_persists', 'observing'])
    expect(await stage.run(monitor.call('finish'))).toMatchObject({ alerts: 1, alerts_persisting: 1 })
  })

  test.each([
    ['one failure alone', ['failed']],
    ['fewer than half', ['succeeded', 'succeeded', 'failed']],
    ['tasks that were told to stop', ['stopped', 'stopped', 'stopped']],
  ] as const)('raises no alert for %s', async (_name, outcomes) => {
    await observe('here', ...outcomes)
    expect(owner.casts('alert')).toEqual([])
  })

  test('ends with the flow that it watches, and is not restarted for it', async () => {
    stage.node.sendExit(owner.pid, 'kill')
    await stage.world.settle()
    expect(stage.node.processes()).not.toContain(monitor)
    expect(stage.crashes).toEqual([])
  })
})

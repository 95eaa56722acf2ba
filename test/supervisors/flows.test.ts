import type { Pid } from 'espalier'
import { beforeEach, describe, expect, test } from 'vitest'
import { receiptServerName } from '../../actors/receipt/receipt-server.ts'
import { receiptPaths } from '../../actors/receipt/receipt-store.ts'
import { Registry, registryName } from '../../actors/registry/registry.ts'
import { commandAgent } from '../actors/stage.ts'
import { FlowStage } from './flow-stage.ts'

const phases = ['specification', 'pseudocode', 'architecture', 'refinement']

let stage: FlowStage
let flows: Awaited<ReturnType<FlowStage['start']>>
beforeEach(async () => {
  stage = new FlowStage()
  flows = await stage.start()
})

/** Lets every child, also those to come, end well. */
function succeed(): void {
  stage.children.onSpawn = (child) => child.exit(0)
  for (const child of stage.children.alive) child.exit(0)
}

describe('a flow', () => {
  test('runs its tasks and leaves a receipt that verifies', async () => {
    succeed()
    const begun = await stage.begin(flows, 'a, b, a parallel 2')
    const { record, receipt } = await stage.result(begun)
    expect(record).toMatchObject({ flowId: begun.flow.flowId, outcome: 'succeeded', input: 'a, b, a parallel 2' })
    expect(record.tasks.map(({ role, outcome }) => [role, outcome])).toEqual([
      ['a', 'succeeded'],
      ['b', 'succeeded'],
      ['a', 'succeeded'],
    ])
    expect(record.metrics).toMatchObject({ tasks_observed: 3, failure_rate: 0 })
    expect(begun.phases()).toEqual([...phases, 'completion'])
    expect(await stage.verdict()).toEqual({ kind: 'intact', count: 1, digest: receipt.digest, beyondHead: 0 })
  })

  test('leaves no machine behind', async () => {
    succeed()
    await stage.result(await stage.begin(flows, 'a'))
    await stage.world.settle()
    for (const name of ['orchestrators', 'specParsers', 'planners', 'executors', 'monitors'] as const)
      expect([name, await stage.machines(name)]).toEqual([name, []])
  })

  test('several at once share the agents, and each has its own receipt', async () => {
    const begun = await Promise.all([1, 2, 3].map(() => stage.begin(flows, 'a, b')))
    expect(stage.children.alive).toHaveLength(2)
    succeed()
    const results = await Promise.all(begun.map((each) => stage.result(each)))
    expect(new Set(results.map(({ receipt }) => receipt.id)).size).toBe(3)
    expect(await stage.verdict()).toMatchObject({ kind: 'intact', count: 3 })
  })

  test.each([
    ['a wrong spec', 'a paralel 2', /column 3/],
    ['an unknown role', 'a, c', /unknown role "c".*known roles: a, b/],
    [
      'a cycle',
      '{"tasks":[{"id":"x","role":"a","dependsOn":["y"]},{"id":"y","role":"b","dependsOn":["x"]}]}',
      /x.*y.*x|y.*x.*y/,
    ],
  ])('red: %s fails with a receipt that says so, and nothing runs', async (_name, input, problem) => {
    const result = await stage.result(await stage.begin(flows, input))
    expect(result.problem).toMatch(problem)
    expect(result.record).toMatchObject({ outcome: 'failed', tasks: [], plan: null })
    expect(stage.children.spawned).toEqual([])
    expect(await stage.verdict()).toMatchObject({ kind: 'intact', count: 1 })
  })

  test('that is stopped ends its children and says so', async () => {
    const begun = await stage.begin(flows, 'a, b')
    begun.flow.stop('SIGTERM')
    const { record } = await stage.result(begun)
    expect([record.outcome, stage.children.alive]).toEqual(['stopped', []])
  })
})

describe('a machine that is killed midway', () => {
  test.each(['flow_spec_parser', 'flow_planner'])('%s: is restarted, and the flow finishes', async (child) => {
    succeed()
    const killed: Pid[] = []
    stage.node.onReport((report) => {
      if (report.kind !== 'progress' || report.child !== child || killed.length > 0) return
      killed.push(report.started)
      stage.node.sendExit(report.started, 'kill')
    })
    const { record } = await stage.result(await stage.begin(flows, 'a, b'))
    expect([killed.length, record.outcome]).toEqual([1, 'succeeded'])
    const restarts = stage.reports.filter((report) => report.kind === 'progress' && report.child === child)
    expect(restarts).toHaveLength(2)
  })

  test('the executor: its tasks are begun anew, and no child of its life before is left', async () => {
    const begun = await stage.begin(flows, 'a, b')
    expect(await stage.kill('executors')).toBe(1)
    await stage.world.settle()
    expect(stage.children.alive).toHaveLength(2)
    expect(stage.children.spawned).toHaveLength(4)
    succeed()
    const { record } = await stage.result(begun)
    expect(record.tasks.map(({ outcome, attempts }) => [outcome, attempts.length])).toEqual([
      ['succeeded', 1],
      ['succeeded', 1],
    ])
  })

  test('the executor: the end of an attempt of before is none of the next attempt', async () => {
    stage = new FlowStage([commandAgent('a', { concurrency: 2 })])
    const begun = await stage.begin(await stage.start(), 'a')
    const [before] = stage.children.spawned
    if (before !== undefined) before.heedsStop = false
    await stage.kill('executors')
    await stage.world.settle()
    // Both run: the first is being ended, and takes its time.
    expect(stage.children.alive).toHaveLength(2)
    before?.die('SIGKILL')
    await stage.world.settle()
    expect(begun.events.filter((event) => event.kind === 'finished')).toEqual([])
    succeed()
    const { record } = await stage.result(begun)
    expect(record.outcome).toBe('succeeded')
  })

  test('the executor: the restarted one hears of a stop', async () => {
    const begun = await stage.begin(flows, 'a, b')
    await stage.kill('executors')
    await stage.world.settle()
    begun.flow.stop('SIGTERM')
    const { record } = await stage.result(begun)
    expect([record.outcome, stage.children.alive]).toEqual(['stopped', []])
  })

  test('the monitor: the restarted one watches on, and ends with the flow', async () => {
    const begun = await stage.begin(flows, 'a, b')
    expect(await stage.kill('monitors')).toBe(1)
    succeed()
    const { record } = await stage.result(begun)
    expect(record.metrics).toMatchObject({ tasks_observed: 2 })
    await stage.world.settle()
    expect(await stage.machines('monitors')).toEqual([])
  })

  test('the executor, more often than its supervisor bears: the flow fails, with a receipt', async () => {
    const begun = await stage.begin(flows, 'a')
    for (let times = 1; times <= 4; times += 1) await stage.kill('executors')
    const { problem, record } = await stage.result(begun)
    expect([problem, record.outcome]).toEqual(['the executor failed and did not come back', 'failed'])
    await stage.world.settle()
    expect(stage.children.alive).toEqual([])
  })

  test('the orchestrator: the flow begins anew under the next one, and its children of before are gone', async () => {
    const begun = await stage.begin(flows, 'a, b')
    expect(await stage.kill('orchestrators')).toBe(1)
    await stage.world.settle()
    expect(begun.phases()).toEqual([...phases, ...phases])
    expect([stage.children.spawned.length, stage.children.alive.length]).toEqual([4, 2])
    // Longer than a lost flow is waited for: it is not lost.
    await stage.world.advance(30_000)
    succeed()
    const { record } = await stage.result(begun)
    expect(record.outcome).toBe('succeeded')
    expect(await stage.verdict()).toMatchObject({ kind: 'intact', count: 1 })
    await stage.world.settle()
    expect([await stage.machines('executors'), await stage.machines('monitors')]).toEqual([[], []])
  })

  test('the orchestrator, after it was told to stop: the next one stops too', async () => {
    const begun = await stage.begin(flows, 'a')
    stage.children.of('task_1').heedsStop = false
    begun.flow.stop('SIGTERM')
    await stage.world.settle()
    await stage.kill('orchestrators')
    for (const child of stage.children.alive) child.die('SIGKILL')
    const { record } = await stage.result(begun)
    expect(record.outcome).toBe('stopped')
  })

  test('the orchestrator, more often than its supervisor bears: the flow is lost, and says so', async () => {
    const begun = await stage.begin(flows, 'a')
    for (let times = 1; times <= 4; times += 1) await stage.kill('orchestrators')
    await expect(stage.result(begun)).rejects.toThrow('its orchestrator ended and did not come back')
    await stage.world.settle()
    expect(stage.children.alive).toEqual([])
    expect(await stage.run(flows.unfinished())).toMatchObject([{ flowId: begun.flow.flowId }])
  })

  test('an agent: comes back, and its task is begun again', async () => {
    const begun = await stage.begin(flows, 'a')
    const registry = stage.node.whereis(Registry, registryName)
    const agent = await stage.run(registry?.call('find', 'a') ?? Promise.reject())
    stage.node.sendExit(agent?.pid as Pid, 'kill')
    await stage.world.advance(1000)
    succeed()
    const { record } = await stage.result(begun)
    expect(record.tasks[0]?.attempts.map(({ outcome }) => outcome)).toEqual(['failed', 'succeeded'])
  })

  test('the receipt server: everything starts again; the flow is lost and the next start reports it', async () => {
    const begun = await stage.begin(flows, 'a')
    stage.node.sendExit(stage.node.whereis(receiptServerName) as Pid, 'kill')
    await stage.world.settle()
    expect(stage.children.alive).toEqual([])
    await expect(stage.result(begun)).rejects.toMatchObject({ code: 'ERR_FLOW_LOST' })
    expect(await stage.run(flows.unfinished())).toMatchObject([{ flowId: begun.flow.flowId, input: 'a' }])
  })
})

describe('unfinished flows', () => {
  test('are told once', async () => {
    const begun = await stage.begin(flows, 'a')
    begun.flow.stop('SIGTERM')
    const { receipt } = await stage.result(begun)
    expect(await stage.run(flows.unfinished())).toMatchObject([{ flowId: begun.flow.flowId, receipt: receipt.id }])
    expect(await stage.run(flows.unfinished())).toEqual([])
  })
})

describe('the system', () => {
  test('does not start on damaged receipts, and says what is wrong and what to do', async () => {
    succeed()
    await stage.result(await stage.begin(flows, 'a'))
    await stage.run(flows.stop())
    stage.files.held.delete(receiptPaths('/data').head)
    await expect(stage.start()).rejects.toMatchObject({
      code: 'ERR_RECEIPTS_DAMAGED',
      message: expect.stringContaining(
        'see `espalier receipts verify`; to begin a new chain, move the data folder away',
      ),
    })
  })

  test('that has stopped runs no flow', async () => {
    await stage.run(flows.stop())
    await expect(stage.run(flows.run('a'))).rejects.toMatchObject({ code: 'ERR_FLOW_LOST' })
    await expect(stage.run(flows.unfinished())).rejects.toMatchObject({ code: 'ERR_FLOW_LOST' })
  })

  test('that stops under a flow ends its children', async () => {
    await stage.begin(flows, 'a, b')
    await stage.run(flows.stop())
    expect(stage.children.alive).toEqual([])
  })

  test('one seed, one run: whoever of the ready goes first, the flow ends the same', async () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const world = new FlowStage(
        ['a', 'b'].map((id) => commandAgent(id)),
        seed,
      )
      world.children.onSpawn = (child) => child.exit(0)
      const system = await world.start()
      const { record } = await world.result(await world.begin(system, 'a, b, b, a parallel 3'))
      expect([seed, record.outcome, world.crashes]).toEqual([seed, 'succeeded', []])
    }
  })
})

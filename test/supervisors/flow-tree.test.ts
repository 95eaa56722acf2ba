import type { CheckedChildSpec, Pid, Ref, SupervisorProtocol } from 'espalier'
import { beforeEach, describe, expect, test } from 'vitest'
import { receiptServerName } from '../../actors/receipt/receipt-server.ts'
import { registryName } from '../../actors/registry/registry.ts'
import { workshop } from '../../supervisors/flow-tree.ts'
import { FlowStage } from './flow-stage.ts'

let stage: FlowStage
let top: Ref<SupervisorProtocol>

beforeEach(async () => {
  stage = new FlowStage()
  await stage.start()
  // The oldest process: everything else was started by it, or by those it started.
  const [oldest] = stage.node.processes()
  top = oldest as Ref<SupervisorProtocol>
})

/** Flags and children of a supervisor, in the order in which they were started. */
async function inspect(supervisor: Ref<SupervisorProtocol>) {
  const state = (await stage.run(stage.node.system(null, supervisor, 'get_state'))) as { flags: unknown }
  const children = await stage.run(supervisor.call('which_children'))
  const specs: CheckedChildSpec[] = []
  for (const { id } of children.toReversed()) {
    const found = await stage.run(supervisor.call('get_childspec', id ?? ''))
    if ('ok' in found) specs.push(found.ok)
  }
  const pids = new Map(children.map(({ id, child }) => [id, child as Pid]))
  return { flags: state.flags, specs, pids }
}
const child = async (supervisor: Ref<SupervisorProtocol>, id: string) =>
  (await inspect(supervisor)).pids.get(id) as Ref<SupervisorProtocol>

describe('the trees are those of the architecture (its section 3)', () => {
  test('the top: one_for_all, 5 restarts in 60 s, over registry, agents, flow supervisor, receipt server, recovery', async () => {
    const { flags, specs } = await inspect(top)
    expect(flags).toMatchObject({ strategy: 'one_for_all', intensity: 5, periodMs: 60_000 })
    expect(specs.map(({ id, restart, shutdown, type }) => [id, restart, shutdown, type])).toEqual([
      ['registry', 'permanent', 5000, 'worker'],
      ['agents', 'permanent', 'infinity', 'supervisor'],
      ['flow_supervisor', 'permanent', 'infinity', 'supervisor'],
      ['receipt_server', 'permanent', 5000, 'worker'],
      ['recovery_supervisor', 'permanent', 'infinity', 'supervisor'],
    ])
  })

  test('the flow supervisor: one_for_one, 10 restarts in 60 s, over the five dynamic supervisors', async () => {
    const { flags, specs } = await inspect(await child(top, 'flow_supervisor'))
    expect(flags).toMatchObject({ strategy: 'one_for_one', intensity: 10, periodMs: 60_000 })
    expect(specs.map(({ id, restart, shutdown, type }) => [id, restart, shutdown, type])).toEqual(
      ['orchestrators', 'spec_parsers', 'planners', 'executors', 'monitors'].map((id) => [
        id,
        'permanent',
        'infinity',
        'supervisor',
      ]),
    )
  })

  test.each([
    ['orchestrators', 'flow_orchestrator'],
    ['specParsers', 'flow_spec_parser'],
    ['planners', 'flow_planner'],
    ['executors', 'flow_executor'],
    ['monitors', 'flow_monitor'],
  ] as const)(
    '%s: simple_one_for_one, 3 restarts in 60 s, of transient machines with 5 s to leave',
    async (name, id) => {
      const supervisor = stage.supervisor(name)
      const state = await stage.run(stage.node.system(null, supervisor, 'get_state'))
      expect(state).toMatchObject({ flags: { strategy: 'simple_one_for_one', intensity: 3, periodMs: 60_000 } })
      expect(await stage.run(supervisor.call('get_childspec', id))).toMatchObject({
        ok: { restart: 'transient', shutdown: 5000, type: 'worker' },
      })
      expect(await stage.run(supervisor.call('count_children'))).toEqual({
        specs: 1,
        active: 0,
        supervisors: 0,
        workers: 0,
      })
    },
  )

  test('an agent that fails comes back alone', async () => {
    const agents = await child(top, 'agents')
    const { flags, pids } = await inspect(agents)
    expect(flags).toMatchObject({ strategy: 'one_for_one' })
    stage.node.sendExit(pids.get('a') as Pid, 'kill')
    await stage.world.settle()
    const after = (await inspect(agents)).pids
    expect([after.get('a') !== pids.get('a'), after.get('b') === pids.get('b')]).toEqual([true, true])
  })
})

describe('what the numbers mean', () => {
  const standing = () => [registryName, receiptServerName, workshop.executors].map((name) => stage.node.whereis(name))

  test('the end of the receipt server takes registry, agents and flows with it, and all come back', async () => {
    const before = [...standing(), await child(top, 'agents')]
    stage.node.sendExit(before[1] as Pid, 'kill')
    await stage.world.settle()
    const after = [...standing(), await child(top, 'agents')]
    expect(after.every((pid, at) => pid !== undefined && pid !== before[at])).toBe(true)
  })

  test('the end of a dynamic supervisor concerns no other', async () => {
    const [registry, receipts, executors] = standing()
    stage.node.sendExit(executors as Pid, 'kill')
    await stage.world.settle()
    const after = standing()
    expect([after[0] === registry, after[1] === receipts, after[2] !== executors]).toEqual([true, true, true])
  })

  test('the sixth restart within a minute ends the system', async () => {
    for (let restart = 1; restart <= 6; restart += 1) {
      expect(stage.node.processes()).toContain(top)
      stage.node.sendExit(stage.node.whereis(registryName) as Pid, 'kill')
      await stage.world.settle()
    }
    expect(stage.node.processes()).toEqual([])
  })

  test('six restarts in more than a minute do not', async () => {
    for (let restart = 1; restart <= 6; restart += 1) {
      stage.node.sendExit(stage.node.whereis(registryName) as Pid, 'kill')
      await stage.world.advance(15_000)
    }
    expect(stage.node.processes()).toContain(top)
  })
})

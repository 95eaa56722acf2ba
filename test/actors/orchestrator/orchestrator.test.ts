import { defineServer, type Pid, type Ref, reply } from 'espalier'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { type Decision, readDecision } from '../../../actors/decisions/decision.ts'
import { Recorder, recorderName } from '../../../actors/decisions/recorder.ts'
import { Orchestrator } from '../../../actors/orchestrator/orchestrator.ts'
import type { FlowEvent, FlowResult, OrchestratorProtocol } from '../../../actors/orchestrator/protocol.ts'
import { type Plan, planFlow } from '../../../actors/planner/plan.ts'
import { parseKeyRing } from '../../../actors/receipt/key-ring.ts'
import { ReceiptServer, receiptServerName } from '../../../actors/receipt/receipt-server.ts'
import { MemoryDisk } from '../../../src/storage/index.ts'
import { MemoryFiles } from '../receipt/samples.ts'
import { commandAgent, type Probe, Stage } from '../stage.ts'
import { states } from '../state-trace.ts'

vi.mock('../../../src/behaviours/statem-results.ts', async (original) =>
  (await import('../state-trace.ts')).traced(await original()),
)

/** Stands in for a dynamic supervisor: keeps the arguments of the children it is asked for, and starts none. */
const Starter = defineServer({
  init: (probe: Pid) => ({ probe, arguments: [] as unknown[] }),
  call: {
    start_child: ({ state }, argument: unknown) =>
      reply({ ok: state.probe }, { ...state, arguments: [...state.arguments, argument] }),
    arguments: ({ state }) => reply(state.arguments, state),
  },
})

const agents = [commandAgent('lint')]
const spec = {
  tasks: [{ id: 'task_1', role: 'lint', dependsOn: [], priority: 0, timeoutMs: 1000 }],
  parallel: 2,
  timeoutMs: 1000,
}
const plan: Plan = planFlow(spec, agents)
const executed = (outcome: 'succeeded' | 'failed' | 'stopped') => ({
  outcome,
  tasks: [{ id: 'task_1', role: 'lint', outcome, attempts: [] }],
})
const workshop = { specParsers: 'parsers', planners: 'planners', executors: 'executors', monitors: 'monitors' }

let stage: Stage
let client: Probe
let helper: Probe
let orchestrator: Ref<OrchestratorProtocol>

beforeEach(async () => {
  stage = new Stage()
  client = stage.probe()
  helper = stage.probe()
  for (const name of Object.values(workshop)) await stage.run(stage.node.start(Starter, helper.pid, { name }))
  const store = await new MemoryDisk().open('data')
  const receipts = { store, files: new MemoryFiles(), headPath: 'head', keys: parseKeyRing('11'.repeat(32), 'test') }
  await stage.run(stage.node.start(ReceiptServer, receipts, { name: receiptServerName }))
  states.length = 0
  await start('lint')
})

async function start(input: string): Promise<void> {
  const begin = { flowId: 'flow-1', input, startedAtMs: 5, agents, client: client.pid, workshop }
  orchestrator = await stage.run(stage.node.start(Orchestrator, begin))
  await stage.world.settle()
}
const asked = async (name: string) => {
  const starter = stage.node.whereis(Starter, name)
  return starter === undefined ? [] : stage.run(starter.call('arguments'))
}
const events = () => client.inbox as FlowEvent[]
const result = (): FlowResult | undefined => {
  const last = events().at(-1)
  return last?.kind === 'finished' ? last.result : undefined
}
async function tell(...casts: readonly (() => void)[]): Promise<void> {
  for (const cast of casts) {
    cast()
    await stage.world.settle()
  }
}
const parsed = () => orchestrator.cast('parsed', { ok: spec })
const planned = () => orchestrator.cast('planned', { ok: plan })
const join = (kind: 'executor' | 'monitor' | 'spec parser') => () =>
  void orchestrator.cast('joined', { kind, pid: helper.pid })

describe('an orchestrator', () => {
  test('goes idle, specification, pseudocode, architecture, refinement, completion, idle, and ends', async () => {
    await tell(parsed, planned, () => orchestrator.cast('executed', executed('succeeded')))
    expect(states).toEqual(['idle', 'specification', 'pseudocode', 'architecture', 'refinement', 'completion', 'idle'])
    expect(stage.node.processes()).not.toContain(orchestrator)
    expect(stage.crashes).toEqual([])
  })

  test('asks a parser, a planner, a monitor and an executor in turn, and hands on what it learns', async () => {
    expect(await asked('parsers')).toEqual([{ input: 'lint', roles: ['lint'], owner: orchestrator }])
    expect(await asked('planners')).toEqual([])
    await tell(parsed)
    expect(await asked('planners')).toEqual([{ spec, agents, home: 'stage', owner: orchestrator }])
    expect(await asked('executors')).toEqual([])
    await tell(planned)
    expect(await asked('monitors')).toEqual([{ owner: orchestrator, home: 'stage' }])
    expect(await asked('executors')).toMatchObject([{ flowId: 'flow-1', plan, owner: orchestrator }])
  })

  test('tells its client of phases, plan, progress, alerts and the end, and leaves a receipt of them', async () => {
    const task = { taskId: 'task_1', role: 'lint', agent: 'lint', attempt: 1, durationMs: 0, reason: '', tail: '' }
    await tell(
      parsed,
      planned,
      () => orchestrator.cast('progress', { ...task, state: 'running' }),
      () => orchestrator.cast('alert', 'look out'),
      () => orchestrator.cast('executed', executed('succeeded')),
    )
    expect(events().map((event) => (event.kind === 'phase' ? event.phase : event.kind))).toEqual([
      'specification',
      'pseudocode',
      'plan',
      'architecture',
      'refinement',
      'task',
      'alert',
      'completion',
      'finished',
    ])
    expect(result()).toMatchObject({
      problem: '',
      receipt: { id: expect.stringMatching(/^1-[0-9a-f]{12}$/), count: 1 },
      record: {
        flowId: 'flow-1',
        input: 'lint',
        startedAtMs: 5,
        outcome: 'succeeded',
        plan: { parallel: 2, criticalPath: ['task_1'] },
        tasks: [{ id: 'task_1', outcome: 'succeeded' }],
        phases: [
          { phase: 'specification', outcome: 'succeeded', detail: 'tasks: 1, at most 2 at once' },
          { phase: 'pseudocode', outcome: 'succeeded', detail: 'about 1000 ms; critical path task_1' },
          { phase: 'architecture', outcome: 'succeeded', detail: 'single, agents: 1, routes: 1, consensus: none' },
          { phase: 'refinement', outcome: 'succeeded', detail: '1 of 1 tasks succeeded' },
        ],
      },
    })
  })

  test.each([
    ['a wrong spec', [() => orchestrator.cast('parsed', { error: 'column 3' })], 'column 3'],
    ['no agent', [parsed, () => orchestrator.cast('planned', { error: 'nobody' })], 'nobody'],
  ] as const)('red: %s leads to error and idle, with a receipt that says why', async (_name, casts, problem) => {
    await tell(...casts)
    expect(states.slice(-2)).toEqual(['error', 'idle'])
    expect(result()).toMatchObject({ problem, record: { outcome: 'failed', tasks: [] } })
    expect(result()?.record.phases.at(-1)).toMatchObject({ outcome: 'failed', detail: problem })
  })

  test('red: tasks that fail lead from refinement to error and idle', async () => {
    await tell(parsed, planned, () => orchestrator.cast('executed', executed('failed')))
    expect(states.slice(-3)).toEqual(['refinement', 'error', 'idle'])
    expect(result()).toMatchObject({ problem: '', record: { outcome: 'failed', plan: { parallel: 2 } } })
  })

  test('takes no notice of answers that come twice or late', async () => {
    await tell(parsed, planned, parsed, planned, () => orchestrator.cast('parsed', { error: 'late' }))
    expect(states.at(-1)).toBe('refinement')
  })
})

describe('stop', () => {
  test.each([
    ['specification', [], [parsed]],
    ['pseudocode', [parsed], [planned]],
  ] as const)('in %s ends the flow at the next step, before any task', async (_phase, before, after) => {
    await tell(...before, () => orchestrator.cast('stop', 'SIGTERM'), ...after)
    expect(result()).toMatchObject({ problem: 'stopped: SIGTERM', record: { outcome: 'stopped', tasks: [] } })
    expect(await asked('executors')).toEqual([])
  })

  test('in refinement is the executor to carry out, whether it has joined yet or not', async () => {
    await tell(parsed, planned, () => orchestrator.cast('stop', 'SIGTERM'), join('executor'))
    expect(helper.casts('stop')).toEqual(['SIGTERM'])
    await tell(() => orchestrator.cast('stop', 'again'))
    expect(helper.casts('stop')).toEqual(['SIGTERM', 'again'])
    await tell(() => orchestrator.cast('executed', executed('stopped')))
    expect(result()?.record.outcome).toBe('stopped')
  })
})

describe('a helper', () => {
  const killed = () => stage.node.sendExit(helper.pid, 'kill')

  test('that fails and does not come back within 5 s fails the phase', async () => {
    await tell(parsed, planned, join('executor'), killed)
    await stage.world.advance(4999)
    expect(result()).toBeUndefined()
    await stage.world.advance(1)
    expect(result()).toMatchObject({ problem: 'the executor failed and did not come back' })
  })

  test('that joins again in time goes on, and is told to stop if the flow is to', async () => {
    await tell(parsed, planned, join('executor'), () => orchestrator.cast('stop', 'SIGTERM'), killed)
    helper = stage.probe()
    await stage.world.advance(4000)
    await tell(join('executor'))
    await stage.world.advance(10_000)
    expect(helper.casts('stop')).toEqual(['SIGTERM'])
    expect(result()).toBeUndefined()
  })

  test('that ends after its answer concerns nobody', async () => {
    await tell(join('spec parser'), parsed, killed)
    helper = stage.probe()
    await tell(join('executor'), planned)
    await stage.world.advance(10_000)
    expect(states.at(-1)).toBe('refinement')
  })
})

test('an input too long for a receipt, with lone surrogates, is cut and mended in it', async () => {
  await start(`\ud800${'x'.repeat(100_000)}`)
  await tell(() => orchestrator.cast('parsed', { error: 'too long' }))
  expect(result()?.record.input).toHaveLength(65_536)
  expect(result()?.record.input[0]).toBe('\ufffd')
})

describe('an orchestrator whose decisions a group records', () => {
  /** A group that commits when the test says so. */
  class Group {
    readonly proposed: Decision[] = []
    #settle: { resolve: (answer: Uint8Array) => void; reject: (error: Error) => void }[] = []

    propose(command: Uint8Array): Promise<Uint8Array> {
      const decision = readDecision(command)
      if (decision !== undefined) this.proposed.push(decision)
      return new Promise((resolve, reject) => this.#settle.push({ resolve, reject }))
    }
    read = () => Promise.resolve(new Uint8Array())
    view = () => Promise.resolve(undefined)
    watch = () => () => {}

    async commit(): Promise<void> {
      this.#settle.shift()?.resolve(Uint8Array.of(1))
      await stage.world.settle()
    }
    async refuse(): Promise<void> {
      this.#settle.shift()?.reject(new Error('no quorum'))
      await stage.world.settle()
    }
  }

  let group: Group
  beforeEach(async () => {
    group = new Group()
    client = stage.probe()
    await stage.run(stage.node.start(Recorder, { group }, { name: recorderName }))
    const shop = { ...workshop, decisions: recorderName }
    const begin = { flowId: 'flow-2', input: 'lint', startedAtMs: 5, agents, client: client.pid, workshop: shop }
    states.length = 0
    orchestrator = await stage.run(stage.node.start(Orchestrator, begin))
    await stage.world.settle()
  })

  test('begins a phase once the decision is committed, not before', async () => {
    expect(group.proposed).toMatchObject([{ flowId: 'flow-2', phase: 'specification', because: 'the flow has begun' }])
    expect(states).toEqual(['idle'])
    await group.commit()
    expect(states).toEqual(['idle', 'specification'])
    await tell(parsed)
    expect(states).toEqual(['idle', 'specification'])
    await group.commit()
    expect(states).toEqual(['idle', 'specification', 'pseudocode'])
    expect(group.proposed.map(({ because }) => because)[1]).toBe('tasks: 1, at most 2 at once')
  })

  test('fails the flow, with a receipt that says why, where a decision cannot be recorded', async () => {
    await group.commit()
    await tell(parsed)
    await group.refuse()
    expect(result()).toMatchObject({
      problem: 'the decision to begin pseudocode could not be recorded: no quorum',
      record: { outcome: 'failed' },
    })
    expect(group.proposed).toHaveLength(2)
  })

  test('does not wait for ever: after 20 seconds without an answer the flow fails', async () => {
    await stage.world.advance(20_001)
    expect(result()?.problem).toBe('the decision to begin specification could not be recorded: "timeout"')
  })
})

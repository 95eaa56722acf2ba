// The flow system on real threads. Everything from the built package: threads run compiled code.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Node } from 'espalier'
import type { FlowEvent, Flows, FlowThreads } from 'espalier/flows'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MemoryDisk } from '../../src/storage/index.ts'
import { MemoryFiles } from '../actors/receipt/samples.ts'
import { compiledFolder } from '../storage/compiled.ts'
import { espalier } from '../threads/compiled.ts'

const flowsUrl = pathToFileURL(join(compiledFolder('supervisors'), 'index.js')).href
const compiled: typeof import('espalier/flows') = await import(flowsUrl)

const text = JSON.stringify({
  agents: [{ role: 'sleeper', runner: { kind: 'command', argv: ['sleep', '0.4'] } }],
})

let folder: string
let node: Node
let threads: FlowThreads
let flows: Flows

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-flow-threads-'))
  node = espalier.createNode({ name: 'flows' })
  threads = await compiled.startFlowThreads(node, join(folder, 'decisions'))
  flows = await compiled.startFlows({
    node,
    agents: compiled.parseAgents(text, join(folder, 'agents.json')),
    dataFolder: folder,
    store: await new MemoryDisk().open('data'),
    files: new MemoryFiles(),
    keys: '11'.repeat(32),
    decisions: threads.decisions,
    machinesOn: threads.machinesOn,
    ports: {
      children: compiled.createSystemChildren(),
      modules: compiled.systemModules,
      environment: { PATH: process.env.PATH ?? '' },
    },
  })
})
afterEach(async () => {
  await flows.stop()
  await threads.stop()
  await node.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** Resolves with the first event that fits. */
function heard(events: { on: (event: FlowEvent) => void }, fits: (event: FlowEvent) => boolean): Promise<FlowEvent> {
  return new Promise((resolve) => {
    events.on = (event) => {
      if (fits(event)) resolve(event)
    }
  })
}

describe('a flow system on threads', () => {
  test('its orchestrator lives on the thread of the machines, and its decisions in a group of three', async () => {
    const events: FlowEvent[] = []
    const flow = await flows.run('sleeper', (event) => events.push(event))
    expect((await flow.finished).record.outcome).toBe('succeeded')
    const nodes = events.flatMap((event) => (event.kind === 'phase' ? [event.orchestrator.nodeName] : []))
    expect(new Set(nodes)).toEqual(new Set(['machines']))
    const phases = (await flows.decisions(flow.flowId))?.map(({ phase }) => phase)
    expect(phases).toEqual(['specification', 'pseudocode', 'architecture', 'refinement', 'completion'])
    expect((await threads.view())?.members).toEqual(['decider-1', 'decider-2', 'decider-3'])
  })

  test('a flow goes on when the thread of its machines dies, and when a replica’s does', {
    timeout: 60_000,
  }, async () => {
    const events = { on: (_event: FlowEvent) => {} }
    const isRunning = (event: FlowEvent) => event.kind === 'task' && event.task.state === 'running'
    const running = heard(events, isRunning)
    const flow = await flows.run('sleeper', (event) => events.on(event))
    await running
    const again = heard(events, isRunning)
    const leader = (await threads.view())?.leader ?? 'decider-1'
    await Promise.all([threads.threads.get('machines')?.terminate(), threads.threads.get(leader)?.terminate()])
    await again
    const { record } = await flow.finished
    expect(record.outcome).toBe('succeeded')
    const decisions = (await flows.decisions(flow.flowId)) ?? []
    expect(decisions.at(-1)?.phase).toBe('completion')
    expect(new Set(decisions.map(({ by }) => by)).size).toBe(2)
  })
})

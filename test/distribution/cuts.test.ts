// Under random cuts: a start on another node is answered exactly once and leaves no process behind that its starter does
// not know, and a supervisor has each of its children exactly once.

import { createNode, type Node, type Pid, type StartResult } from 'espalier'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { supervisorOf } from '../../src/behaviours/supervisor.ts'
import { MemoryCarrier } from '../../src/distribution/carriers/memory-carrier.ts'
import { Distribution } from '../../src/distribution/distribution.ts'
import { createSystemPorts } from '../../src/system/index.ts'
import { modules } from './stages.ts'
import { Counter } from './workers.ts'

const { turns } = createSystemPorts()
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

type Step = 'act' | 'wait' | 'soon' | 'cut'
const steps = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant<Step>('act') },
    { weight: 4, arbitrary: fc.constant<Step>('wait') },
    { weight: 2, arbitrary: fc.constant<Step>('soon') },
    { weight: 2, arbitrary: fc.constant<Step>('cut') },
  ),
  { maxLength: 40 },
)

interface Pair {
  readonly near: Node
  readonly far: Node
  readonly carrier: MemoryCarrier
}

async function withPair(run: (pair: Pair) => Promise<void>): Promise<void> {
  const carrier = new MemoryCarrier(turns)
  const [near, far] = [createNode({ name: 'near' }), createNode({ name: 'far' })]
  const meshes = [near, far].map((node) => new Distribution(node, { carrier, modules }))
  await run({ near, far, carrier })
  for (const mesh of meshes) mesh.close()
  await Promise.all([near.stop(), far.stop()])
}

async function walk(chosen: readonly Step[], carrier: MemoryCarrier, act: () => void): Promise<void> {
  for (const step of chosen) {
    if (step === 'act') act()
    else if (step === 'cut') carrier.sever()
    else if (step === 'wait') await turn()
    // Between two microtasks of the nodes.
    else await Promise.resolve()
  }
}

/** Waits until `holds`, at most so many turns. */
async function settle(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !holds(); i++) await turn()
}

/** The pids of the counters that live there: all but the node's own service. */
const counters = (node: Node): string[] =>
  node
    .processes()
    .map((pid) => `${pid}`)
    .filter((text) => text !== `${node.whereis('$node')}`)
    .sort()

test('each linked start is answered once, and what lives there is what the starter is linked to', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (chosen) => {
      await withPair(async ({ near, far, carrier }) => {
        const answers: StartResult[] = []
        let linked: Pid[] = []
        let started = 0
        let act = () => {}
        near.spawn(async (self) => {
          self.trapExit = true
          act = () => {
            started++
            self.tryStartLink(Counter, 1, { on: 'far' }).then((result) => answers.push(result))
          }
          for (;;) {
            await self.receive()
            linked = self.links()
          }
        })
        await turn()
        await walk(chosen, carrier, () => act())
        await settle(() => answers.length === started)
        expect(answers).toHaveLength(started)
        const owner = near.processes()[0]
        const known = () => {
          if (owner !== undefined) near.send(owner, 'look')
          return linked.map((pid) => `${pid}`).sort()
        }
        await settle(() => known().join() === counters(far).join())
        expect(known()).toEqual(counters(far))
        // Nothing was cut: nothing has failed.
        if (!chosen.includes('cut')) expect(counters(far)).toHaveLength(started)
      })
    }),
    { numRuns: 150 },
  )
})

test('a supervisor has each of its children exactly once when the cuts are over', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (chosen) => {
      await withPair(async ({ near, far, carrier }) => {
        const children = ['one', 'two', 'three'].map((id) => ({ id, start: [Counter, 1], on: 'far' }))
        const tree = await near.start(supervisorOf('tree', () => ({ intensity: 10_000, children })))
        const victim = () => {
          const [pid] = far.processes().slice(1)
          if (pid !== undefined) far.sendExit(pid, 'kill')
        }
        await walk(chosen, carrier, victim)
        let known: string[] = []
        // The last of those that were cut off may still be about to end.
        for (let i = 0; i < 400; i++) {
          const children = await tree.call('which_children')
          known = children.map(({ child }) => `${child}`).sort()
          if (known.join() === counters(far).join()) break
          await turn()
        }
        expect([counters(far), known.length]).toEqual([known, 3])
      })
    }),
    { numRuns: 150 },
  )
})

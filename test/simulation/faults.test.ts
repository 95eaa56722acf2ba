import {
  drawFaults,
  type Fault,
  faultsFrom,
  readSchedule,
  runOnce,
  SeededRandom,
  shrinkList,
  simulate,
  stepsOf,
} from 'espalier/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const nodes = ['n1', 'n2', 'n3']
const storm = { forMs: 1000 }
const draws = fc.array(fc.array(fc.nat(), { maxLength: 8 }), { maxLength: 10 })
const arbitraryFaults = draws.map((lists) => faultsFrom(lists, nodes, storm))

describe('faults drawn by a seed', () => {
  test('are the same for the same seed, and swarm: seeds differ in the kinds there are', () => {
    const of = (seed: number) => drawFaults(new SeededRandom(seed), nodes, storm)
    expect(of(1)).toEqual(of(1))
    const kinds = Array.from({ length: 50 }, (_, seed) => [...new Set(of(seed).map(({ kind }) => kind))].sort().join())
    expect(new Set(kinds).size).toBeGreaterThan(20)
    expect(new Set(kinds.join().split(',')).size).toBe(9)
  })
})

describe('faults as fast-check values', () => {
  test('property: a storm of the kinds that must be asked for can be held by a schedule file', () => {
    const kinds = ['tornWrite', 'rot', 'kill'] as const
    fc.assert(
      fc.property(draws, (lists) => {
        const steps = JSON.parse(JSON.stringify(stepsOf(faultsFrom(lists, nodes, { ...storm, kinds }))))
        expect(readSchedule({ name: 'x', protocol: 'sample', nodes: 3, seed: 1, steps }).steps).toEqual(steps)
      }),
    )
  })

  test('property: every list of numbers is a storm that a schedule file can hold', () => {
    fc.assert(
      fc.property(arbitraryFaults, (faults) => {
        const steps = JSON.parse(JSON.stringify(stepsOf(faults)))
        const schedule = readSchedule({ name: 'x', protocol: 'sample', nodes: 3, seed: 1, steps })
        expect(schedule.steps).toEqual(steps)
      }),
    )
  })

  test('shrink to the least list that fails', () => {
    const details = fc.check(
      fc.property(arbitraryFaults, (faults) => {
        const crashed = new Set(faults.flatMap((fault) => (fault.kind === 'crash' ? [fault.node] : [])))
        return crashed.size < 2
      }),
      { seed: 1, numRuns: 2000 },
    )
    const [least] = details.counterexample ?? [[]]
    expect(least.map(({ kind, atMs, forMs }: Fault) => ({ kind, atMs, forMs }))).toEqual([
      { kind: 'crash', atMs: 0, forMs: 1 },
      { kind: 'crash', atMs: 0, forMs: 1 },
    ])
  })

  test('property: a node that starts a counter at boot is back after any storm', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryFaults, fc.nat(), async (faults, seed) => {
        await simulate(
          seed,
          async (world) => {
            for (const name of nodes) {
              world.createNode({
                name,
                boot: (node) => node.spawn(async (self) => void (await self.receive()), { name: 'idler' }),
              })
            }
            await world.storm(storm)
            const isBack = (name: string) => world.node(name).whereis('idler') !== undefined
            await world.converge('all are back', () => nodes.every(isBack), { withinMs: 10 })
          },
          { faults, maxShrinks: 0 },
        )
      }),
      { numRuns: 30 },
    )
  })
})

describe('shrinking a failing run', () => {
  test('property: finds a list from which nothing more can be left out', async () => {
    const failing = fc.tuple(fc.uniqueArray(fc.nat(99), { minLength: 1, maxLength: 20 }), fc.nat(2))
    await fc.assert(
      fc.asyncProperty(failing, async ([items, more]) => {
        const needed = items.slice(0, 1 + more)
        const least = await shrinkList(items, async (some) => needed.every((item) => some.includes(item)))
        expect([...least].sort()).toEqual([...needed].sort())
      }),
    )
  })

  test('leaves the one crash that does it', async () => {
    const failed = await simulate(4, async (world) => {
      for (const name of nodes) world.createNode({ name })
      world.always('n2 is up', () => world.isUp('n2'))
      await world.storm({ forMs: 1000, kinds: ['crash'], maxFaults: 40 })
    }).catch((error: { readonly run: { readonly faults: readonly Fault[] }; readonly message: string }) => error)
    if (!('run' in failed)) throw new Error('seed 4 crashes n2')
    expect(failed.run.faults).toMatchObject([{ kind: 'crash', node: 'n2' }])
    expect(failed.message).toMatch(/faults needed: 1 of \d+\n {2}\{"at":\d+,"op":"crash","node":"n2"\}/)
  })

  test('red: a run that would never end is stopped', async () => {
    const run = await runOnce(
      1,
      async (world) => {
        world.createNode({
          boot: (node) =>
            node.spawn(async (self) => {
              for (;;) await self.sleep(1)
            }),
        })
        await world.advance(Number.POSITIVE_INFINITY)
      },
      { maxEvents: 1000 },
    )
    expect(run).toMatchObject({ failure: { kind: 'budget' } })
  })
})

import {
  createWorld,
  type Machine,
  modulesFrom,
  runOnce,
  type SimulatedOffloadOptions,
  type World,
} from 'espalier/testing'
import { describe, expect, it } from 'vitest'

const url = 'file:///work.js'
let called: unknown[] = []
const modules = modulesFrom({
  [url]: {
    double: (n: number) => {
      called.push(n)
      return 2 * n
    },
    push: (list: number[]) => {
      list.push(0)
      return list
    },
    slip: () => {
      throw new RangeError('a slip')
    },
    answer: 42,
  },
})

/** A node whose machine offloads as the options say. */
function machineWith(offload: SimulatedOffloadOptions = {}, seed = 1): { world: World; machine: Machine } {
  called = []
  const world = createWorld({ seed })
  const machines: Machine[] = []
  world.createNode({ modules, offload, boot: (_node, machine) => void machines.push(machine) })
  const [machine] = machines
  if (machine === undefined) throw new Error('not booted')
  return { world, machine }
}

/** What comes of a run: its result or its error, and when. */
async function outcomeOf(world: World, run: Promise<unknown>): Promise<unknown> {
  const outcome = await world.run(
    run.then(
      (result) => ({ result }),
      (error: unknown) => ({ error }),
    ),
  )
  return { ...outcome, atMs: world.time.nowMs }
}

describe('offloaded work in a simulated world', () => {
  it('computes as long as its script says, then gives what the function returns', async () => {
    const { world, machine } = machineWith({ script: ({ args }) => ({ forMs: 10 * Number(args[0]) }) })
    const run = machine.offload.run(url, 'double', [3])
    await world.advance(29)
    expect(called).toEqual([])
    expect(await outcomeOf(world, run)).toEqual({ result: 6, atMs: 30 })
  })

  it('has copies of its arguments, and its caller a copy of the result', async () => {
    const { world, machine } = machineWith()
    const list = [1, 2]
    expect(await world.run(machine.offload.run(url, 'push', [list]))).toEqual([1, 2, 0])
    expect(list).toEqual([1, 2])
    await expect(machine.offload.run(url, 'push', [() => 1])).rejects.toMatchObject({ code: 'ERR_OPTION' })
  })

  it('waits for a thread in its turn; beyond the queue it is refused', async () => {
    const { world, machine } = machineWith({ maxThreads: 2, maxQueue: 1, script: () => ({ forMs: 10 }) })
    const runs = [1, 2, 3].map((n) => machine.offload.run(url, 'double', [n]))
    await expect(machine.offload.run(url, 'double', [4])).rejects.toMatchObject({ code: 'ERR_CAPACITY' })
    expect(await outcomeOf(world, Promise.all(runs.slice(0, 2)))).toEqual({ result: [2, 4], atMs: 10 })
    expect(await outcomeOf(world, runs[2] ?? Promise.resolve())).toEqual({ result: 6, atMs: 20 })
  })

  it('fails as its script says, or as the function does, or for want of one', async () => {
    const { world, machine } = machineWith({
      script: ({ name, random }) => (name === 'double' ? { fails: new Error(`lot ${random.below(1)}`) } : {}),
    })
    const failureOf = (name: string) => world.run(machine.offload.run(url, name, [1]).catch(String))
    expect(await failureOf('double')).toBe('Error: lot 0')
    expect(called).toEqual([])
    expect(await failureOf('slip')).toBe('RangeError: a slip')
    expect(await failureOf('answer')).toBe(`TypeError: ${url}: answer is no function`)
    expect(await failureOf('question')).toBe(`Error: ${url} has no export "question"`)
  })

  it('is given up by a signal, and its thread is free at once', async () => {
    const { world, machine } = machineWith({ script: ({ args }) => ({ forMs: args[0] === 1 ? 1000 : 10 }) })
    const end = new AbortController()
    const given = machine.offload.run(url, 'double', [1], { signal: end.signal })
    const next = machine.offload.run(url, 'double', [2])
    await world.advance(5)
    end.abort(new Error('enough'))
    expect(await outcomeOf(world, given)).toEqual({ error: new Error('enough'), atMs: 5 })
    expect(await outcomeOf(world, next)).toEqual({ result: 4, atMs: 15 })
    expect(machine.busy).toBe(false)
    await expect(machine.offload.run(url, 'double', [3], { signal: end.signal })).rejects.toThrow('enough')
    await world.advance(2000)
    expect(called).toEqual([2])
  })

  it('is given up after its time, waiting included', async () => {
    const { world, machine } = machineWith({ script: () => ({ forMs: 50 }) })
    const first = machine.offload.run(url, 'double', [1])
    const late = machine.offload.run(url, 'double', [2], { timeoutMs: 60 })
    const soon = machine.offload.run(url, 'double', [3], { timeoutMs: 500 })
    expect(await outcomeOf(world, first)).toEqual({ result: 2, atMs: 50 })
    expect(await outcomeOf(world, late)).toMatchObject({ error: { code: 'ERR_OFFLOAD_TIMEOUT' }, atMs: 60 })
    expect(await outcomeOf(world, soon)).toEqual({ result: 6, atMs: 110 })
    expect(called).toEqual([1, 3])
    await expect(machine.offload.run(url, 'double', [4], { timeoutMs: 0 })).rejects.toMatchObject({
      code: 'ERR_OPTION',
    })
  })

  it('is gone with the power of its node, what waited too, and the next life finds free threads', async () => {
    const { world, machine } = machineWith({ script: () => ({ forMs: 50 }) })
    let settled = 0
    for (const n of [1, 2]) {
      void machine.offload.run(url, 'double', [n], { timeoutMs: 200 }).finally(() => {
        settled += 1
      })
    }
    world.crash('node')
    world.restart('node')
    expect(await outcomeOf(world, machine.offload.run(url, 'double', [3]))).toEqual({ result: 6, atMs: 50 })
    await world.advance(1000)
    expect([settled, called]).toEqual([0, [3]])
  })

  it('takes the time that the seed draws: one seed, one run', async () => {
    const lasting = async (seed: number) => {
      const { world, machine } = machineWith({ maxThreads: 3 }, seed)
      const order: unknown[] = []
      const runs = [1, 2, 3].map((n) => machine.offload.run(url, 'double', [n]).then((result) => order.push(result)))
      await world.run(Promise.all(runs))
      return [world.hash, world.time.nowMs, order]
    }
    expect(await lasting(1)).toEqual(await lasting(1))
    const orders = await Promise.all([1, 2, 3, 4, 5].map(async (seed) => (await lasting(seed))[2]))
    expect(new Set(orders.map(String)).size).toBeGreaterThan(1)
  })

  it('a handler that awaits it is not stuck', async () => {
    const run = await runOnce(1, async (world) => {
      let done = false
      world.createNode({
        modules,
        boot: (node, { offload }) => {
          node.spawn(async () => {
            done = (await offload.run(url, 'double', [21])) === 42
          })
        },
      })
      await world.eventually('the work is done', () => done, { withinMs: 1000 })
    })
    expect(run).not.toHaveProperty('failure')
  })
})

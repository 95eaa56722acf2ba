// The kinds of fault that a storm has only when asked for: torn writes, rot, killed processes.

import { defineServer, reply, supervisor } from 'espalier'
import { type LogRecovery, openLog } from 'espalier/storage'
import { type Fault, type FaultKind, runOnce, type World } from 'espalier/testing'
import { expect, test } from 'vitest'

/** What the lives of a node have found on its disk, each with what was acknowledged before. */
interface Found {
  readonly kind: LogRecovery['kind'] | 'head'
  readonly wrong: string | undefined
}

/** A node that appends to a durable log without rest, through a storm of these kinds. */
async function logUnder(kinds: readonly FaultKind[], seed: number): Promise<Found[]> {
  const found: Found[] = []
  const acknowledged: string[] = []
  const run = await runOnce(seed, async (world) => {
    world.createNode({
      boot: async (node, { disk }) => {
        const store = await disk.memory.open('store')
        const log = await openLog(store, { name: 'log' }).catch((error: { code: string }) => error.code)
        if (typeof log === 'string') {
          // This life of the node was over while it opened the log.
          if (log !== 'ERR_STORAGE_CLOSED') found.push({ kind: 'head', wrong: log === 'ERR_LOG_ROT' ? undefined : log })
          return
        }
        const isRot = log.recovery.kind === 'rot'
        const entries = isRot ? [] : (await log.read(1)).map((entry) => Buffer.from(entry).toString())
        const isWhole = acknowledged.every((entry, i) => entries[i] === entry)
        found.push({ kind: log.recovery.kind, wrong: isRot || isWhole ? undefined : `holds ${entries}` })
        if (isRot) return
        acknowledged.splice(0, Number.POSITIVE_INFINITY, ...entries)
        node.spawn(async (self) => {
          for (;;) {
            const entry = `entry ${acknowledged.length + 1}`
            await log.append([Buffer.from(entry)])
            acknowledged.push(entry)
            await self.sleep(3)
          }
        })
      },
    })
    await world.storm({ forMs: 400, kinds, maxFaults: 6 })
  })
  expect(run).not.toHaveProperty('failure')
  return found
}

async function kindsFound(kinds: readonly FaultKind[]): Promise<Set<Found['kind']>> {
  const found = (await Promise.all(Array.from({ length: 30 }, (_, i) => logUnder(kinds, i + 1)))).flat()
  expect(found.filter(({ wrong }) => wrong !== undefined)).toEqual([])
  return new Set(found.map(({ kind }) => kind))
}

test('a power cut alone leaves a durable log whole', async () => {
  expect(await kindsFound(['crash'])).toEqual(new Set(['ok']))
})

test('a torn write and a turned bit are noticed by a durable log, whichever record they strike', async () => {
  expect([...(await kindsFound(['tornWrite']))].sort()).toContain('tail-dropped')
  expect([...(await kindsFound(['rot']))].sort()).toEqual(['head', 'ok', 'rot'])
})

const Counter = defineServer({
  name: 'counter',
  init: () => 0,
  call: { add: ({ state }) => reply(state + 1, state + 1) },
})

function counters(world: World): void {
  world.createNode({
    boot: (node) =>
      node.start(
        supervisor({
          strategy: 'one_for_one',
          intensity: 100,
          periodMs: 1000,
          children: ['a', 'b'].map((id) => ({ id, start: [Counter, undefined], name: id })),
        }),
        undefined,
        { name: 'top' },
      ),
  })
}

test('a killed process is one that another has started: its supervisor starts it anew', async () => {
  const starts: string[] = []
  const run = await runOnce(
    5,
    async (world) => {
      counters(world)
      await world.settle()
      const top = world.node('node').whereis('top')
      await world.storm({ forMs: 1000, kinds: ['kill'], maxFaults: 20 })
      await world.converge('both are back', () => world.probe('node', 'a') === 0 && world.probe('node', 'b') === 0)
      expect(world.faults.length).toBeGreaterThan(3)
      expect(world.node('node').whereis('top')).toBe(top)
    },
    { onEvent: ({ kind, who }) => void (kind === 'start' && starts.push(who)) },
  )
  expect(run).not.toHaveProperty('failure')
  expect(starts.filter((who) => who === 'a').length).toBeGreaterThan(1)
  expect(starts.filter((who) => who === 'b').length).toBeGreaterThan(1)
})

test('red: who cannot bear a killed process is found, and the kill is what is left', async () => {
  const run = await runOnce(5, async (world) => {
    world.createNode({
      boot: (node) => {
        node.spawn(async (self) => {
          self.spawn(async (child) => void (await child.receive()), { name: 'worker' })
          await self.receive()
        })
      },
    })
    await world.settle()
    world.always('the worker lives', () => world.node('node').whereis('worker') !== undefined)
    await world.storm({ forMs: 1000, kinds: ['kill'], maxFaults: 3 })
  })
  expect(run).toMatchObject({ failure: { kind: 'invariant', rule: 'the worker lives' } })
})

test('a clock is set back and forward again: the wall clock goes back, the monotonic one never', async () => {
  let backwards = 0
  for (let seed = 1; seed <= 10; seed++) {
    const run = await runOnce(seed, async (world) => {
      const node = world.createNode()
      const clock = world.clock('node')
      let [now, wall] = [0, 0]
      world.always('now() never goes back', () => {
        const [before, beforeWall] = [now, wall]
        now = node.now()
        wall = clock.epochMs()
        if (wall < beforeWall) backwards++
        return now >= before
      })
      node.spawn(async (self) => {
        for (;;) await self.sleep(7)
      })
      await world.storm({ forMs: 1000, kinds: ['clockBack'] })
      world.heal()
      await world.advance(10_000)
      // Each fault that the storm's end has not cut off has given back what it took.
      const taken = world.faults.map((fault) => (fault.kind === 'clockBack' && ends(fault) > 1000 ? fault.backMs : 0))
      const left = taken.reduce((sum, ms) => sum + ms, 0)
      if (clock.epochMs() !== 1_600_000_000_000 + world.time.nowMs - left)
        world.fail('invariant', 'wall', 'is not true')
    })
    expect(run).not.toHaveProperty('failure')
  }
  expect(backwards).toBeGreaterThan(10)
})

function ends({ atMs, forMs }: Fault): number {
  return atMs + forMs
}

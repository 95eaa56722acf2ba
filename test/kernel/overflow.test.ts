import { createNode, defineServer, Exit, type Node, type Ref, reply } from 'espalier'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from './until.ts'

let node: Node
let handled: unknown[]
let letters: unknown[]
let holding: boolean

beforeEach(() => {
  handled = []
  letters = []
  holding = false
  node = createNode({
    onReport: (report) => {
      if (report.kind === 'dead_letter') letters.push([report.why, report.tag ?? report.message])
    },
  })
})
afterEach(() => node.stop())

/** Notes what it handles; `hold` keeps it busy until the gate opens. */
const Bounded = defineServer({
  init: (_: null, { self }) => {
    self.trapExit = true
    return null
  },
  call: {
    ask: ({ state }, n: number) => {
      handled.push(`call ${n}`)
      return reply(n, state)
    },
  },
  cast: {
    tell: ({ state }, n: number) => {
      handled.push(`cast ${n}`)
      return state
    },
    hold: async ({ state }, gate: Promise<void>) => {
      holding = true
      await gate
      return state
    },
  },
  info: ({ state }, message) => {
    handled.push(message)
    return state
  },
})

type Overflow = 'refuse' | 'drop_newest' | 'drop_oldest'
const start = (overflow: Overflow | undefined, capacity = 3) =>
  node.start(Bounded, null, { mailbox: overflow === undefined ? { capacity } : { capacity, overflow } })

/** Starts a server that is busy until `open` is called: what is sent meanwhile waits. */
async function startBusy(overflow: Overflow | undefined) {
  let open = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const server = await start(overflow)
  server.cast('hold', gate)
  await until(() => holding)
  return { server, open }
}

const ask = (server: Ref<typeof Bounded>, n: number) =>
  server.call('ask', n).catch((error: unknown) => (error as { code: unknown }).code)

describe.each(['busy', 'idle'] as const)('a full mailbox of a process that is %s', (how) => {
  const prepare = async (overflow: Overflow | undefined) => {
    if (how === 'busy') return startBusy(overflow)
    return { server: await start(overflow), open: () => {} }
  }

  test('refuses by default: casts answer false, calls fail with overloaded, plain messages are dead letters', async () => {
    const { server, open } = await prepare(undefined)
    const casts = [1, 2, 3, 4].map((n) => server.cast('tell', n))
    const call = ask(server, 5)
    server.send('six')
    expect(await call).toBe('ERR_OVERLOADED')
    open()
    await node.idle()
    expect(casts).toEqual([true, true, true, false])
    expect(handled).toEqual(['cast 1', 'cast 2', 'cast 3'])
    expect(letters).toEqual([['overflow', 'six']])
    expect(node.counters.refused).toBe(1)
  })

  test('drop_newest: what is too much is a dead letter, and its sender is not told', async () => {
    const { server, open } = await prepare('drop_newest')
    const casts = [1, 2, 3, 4].map((n) => server.cast('tell', n))
    const call = ask(server, 5)
    server.send('six')
    expect(await call).toBe('ERR_OVERLOADED')
    open()
    await node.idle()
    expect(casts).toEqual([true, true, true, true])
    expect(handled).toEqual(['cast 1', 'cast 2', 'cast 3'])
    expect(letters).toEqual([
      ['overflow', 'tell'],
      ['overflow', 'six'],
    ])
  })

  test('drop_oldest: the oldest makes room; a call that is dropped fails with overloaded', async () => {
    const { server, open } = await prepare('drop_oldest')
    const call = ask(server, 1)
    for (const n of [2, 3, 4, 5]) expect(server.cast('tell', n)).toBe(true)
    expect(await call).toBe('ERR_OVERLOADED')
    open()
    await node.idle()
    expect(handled).toEqual(['cast 3', 'cast 4', 'cast 5'])
    expect(letters).toEqual([['overflow', 'tell']])
  })
})

test('exits and downs are neither bounded nor dropped', async () => {
  const { server, open } = await startBusy('drop_oldest')
  const from = node.spawn((self) => {
    for (let i = 0; i < 5; i++) self.sendExit(server, i)
  })
  await until(() => !node.isAlive(from))
  for (const n of [1, 2, 3, 4]) server.cast('tell', n)
  open()
  await node.idle()
  const exits = handled.filter((message) => message instanceof Exit)
  expect(exits).toEqual([0, 1, 2, 3, 4].map((reason) => new Exit(from, reason)))
  expect(handled.at(-1)).toBe('cast 4')
})

test('a full mailbox can be stopped', async () => {
  const server = await start('refuse', 1)
  server.cast('tell', 1)
  await server.stop()
  expect(handled).toEqual(['cast 1'])
})

test('the bound holds for messages that wait behind signals under way', async () => {
  const server = await start('refuse')
  let accepted = 0
  node.spawn((self) => {
    self.link(server)
    for (let n = 0; n < 100; n++) if (self.cast(server, 'tell', n)) accepted++
    self.unlink(server)
  })
  await node.idle()
  expect(accepted).toBeLessThanOrEqual(3)
  expect(handled.length).toBe(accepted)
})

test('the bound holds while the process is suspended', async () => {
  const server = await start('refuse')
  await node.system(null, server, 'suspend')
  const accepted = [1, 2, 3, 4, 5].filter((n) => server.cast('tell', n))
  expect(accepted).toEqual([1, 2, 3])
  await node.system(null, server, 'resume')
  await node.idle()
  expect(handled).toEqual(['cast 1', 'cast 2', 'cast 3'])
})

test('a raw process with a bound: what it is waiting for comes through', async () => {
  const log: unknown[] = []
  const pid = node.spawn(
    async (self) => {
      log.push(await self.receive((message) => message === 'go'))
      for (;;) log.push(await self.receive())
    },
    { mailbox: { capacity: 2, overflow: 'drop_oldest' } },
  )
  await node.idle()
  for (const message of ['a', 'b', 'c']) {
    node.send(pid, message)
    await node.idle()
  }
  node.send(pid, 'go')
  await node.idle()
  expect(log).toEqual(['go', 'c'])
  expect(letters).toEqual([
    ['overflow', 'a'],
    ['overflow', 'b'],
  ])
})

test('model: accepted, refused and dropped add up, and never more than the bound waits', async () => {
  const act = fc.constantFrom('cast' as const, 'send' as const, 'call' as const, 'turn' as const)
  const policy = fc.constantFrom<Overflow>('refuse', 'drop_newest', 'drop_oldest')
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { maxLength: 60 }),
      policy,
      fc.integer({ min: 1, max: 5 }),
      async (acts, overflow, capacity) => {
        handled = []
        const server = await start(overflow, capacity)
        const before = { ...node.counters }
        let sent = 0
        const calls: Promise<unknown>[] = []
        for (const [n, what] of acts.entries()) {
          if (what === 'turn') {
            const had = handled.length
            await node.idle()
            expect(handled.length - had).toBeLessThanOrEqual(capacity)
            continue
          }
          sent++
          if (what === 'cast') server.cast('tell', n)
          else if (what === 'send') server.send(n)
          else calls.push(ask(server, n))
        }
        await node.idle()
        const overloaded = (await Promise.all(calls)).filter((outcome) => outcome === 'ERR_OVERLOADED').length
        const lost =
          node.counters.deadLetters - before.deadLetters + node.counters.refused - before.refused + overloaded
        expect(handled.length + lost).toBe(sent)
        await server.stop()
      },
    ),
  )
})

test.each([0, -1, 1.5, Number.NaN])('a capacity of %d is refused', (capacity) => {
  expect(() => node.spawn(() => {}, { mailbox: { capacity } })).toThrow(/mailbox.capacity: expected an integer >= 1/)
})

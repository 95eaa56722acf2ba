import { createNode, defineServer, isCrash, type Node, next, type Report, reply, type Self } from 'espalier'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from './until.ts'

let node: Node
let crashes: (Report & { kind: 'crash' })[]
let escaped: unknown[]
const noteEscape = (error: unknown) => escaped.push(error)

beforeEach(() => {
  crashes = []
  escaped = []
  process.on('uncaughtException', noteEscape)
  process.on('unhandledRejection', noteEscape)
  node = createNode({
    onReport: (report) => {
      if (report.kind === 'crash') crashes.push(report)
    },
  })
})
afterEach(async () => {
  await node.stop()
  process.off('uncaughtException', noteEscape)
  process.off('unhandledRejection', noteEscape)
})

/** Long enough for Node to find a rejection that nobody handles. */
const settle = async () => {
  await node.idle()
  await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
}

const boom = (): never => {
  throw new Error('boom')
}
const later = async (): Promise<never> => {
  await new Promise((resolve) => setImmediate(resolve))
  return boom()
}
/** No promise, but something that one can await. */
class Rejecting implements PromiseLike<never> {
  // biome-ignore lint/suspicious/noThenProperty: it is what this is about
  then<A, B>(
    _?: ((value: never) => A | PromiseLike<A>) | null,
    reject?: ((error: unknown) => B | PromiseLike<B>) | null,
  ) {
    return Promise.reject(new Error('boom')).then(null, reject)
  }
}

const Fragile = defineServer({
  init: (how: 'fine' | 'throws' | 'rejects') => {
    if (how === 'throws') return boom()
    return how === 'rejects' ? later() : 0
  },
  call: { throws: () => boom(), rejects: () => later(), ask: ({ state }) => reply(state, state) },
  cast: {
    throws: () => boom(),
    rejects: () => later(),
    thenable: () => new Rejecting(),
    onwards: ({ state }) => next(state, { continue: 'x' }),
    soon: ({ state }) => next(state, { timeoutMs: 0 }),
  },
  info: (_, message) => (message === 'later' ? later() : boom()),
  continue: () => boom(),
})

describe('code that fails ends its process, is reported, and reaches no handler of the host', () => {
  const bodies: [string, (self: Self) => void | PromiseLike<void>, string | undefined][] = [
    ['a body that throws', () => boom(), undefined],
    ['a body that rejects', () => later(), undefined],
    [
      'a body that throws after a receive',
      async (self) => {
        self.send(self.pid, 1)
        await self.receive()
        boom()
      },
      undefined,
    ],
    [
      'a condition of a receive',
      async (self) => {
        self.sendAfter(0, self.pid, 1)
        await self.receive(() => boom())
      },
      undefined,
    ],
  ]

  test.each(bodies)('%s', async (_, body) => {
    const pid = node.spawn(body, { name: 'it', label: 'the fragile one' })
    while (node.isAlive(pid)) await settle()
    await settle()
    expect(escaped).toEqual([])
    expect(crashes).toEqual([
      expect.objectContaining({
        pid,
        name: 'it',
        label: 'the fragile one',
        reason: expect.objectContaining({ error: new Error('boom') }),
      }),
    ])
  })

  test.each([
    ['throws', 'throws'],
    ['rejects', 'rejects'],
    ['thenable', 'thenable'],
    ['onwards', 'continue'],
    ['soon', 'info'],
  ] as const)('the cast %s', async (tag, handling) => {
    const server = await node.start(Fragile, 'fine')
    server.cast(tag)
    await settle()
    expect(escaped).toEqual([])
    expect(crashes).toEqual([expect.objectContaining({ pid: server, handling })])
    expect(node.isAlive(server)).toBe(false)
  })

  test.each(['throws', 'rejects'] as const)('the call %s, which its caller hears of too', async (tag) => {
    const server = await node.start(Fragile, 'fine')
    const error = await server.call(tag).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'ERR_EXIT', cause: new Error('boom') })
    await settle()
    expect([escaped, crashes.length]).toEqual([[], 1])
  })

  test.each(['throws', 'rejects'] as const)('init that %s', async (how) => {
    const error = await node.start(Fragile, how).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'ERR_EXIT', cause: new Error('boom') })
    await settle()
    expect([escaped, crashes.map(({ handling }) => handling)]).toEqual([[], ['init']])
  })

  test.each(['now', 'later'])('info, %s', async (message) => {
    const server = await node.start(Fragile, 'fine')
    server.send(message)
    await settle()
    expect([escaped, crashes.length]).toEqual([[], 1])
  })

  test('terminate', async () => {
    for (const terminate of [() => boom(), () => later()]) {
      const server = await node.start(defineServer({ init: () => 0, terminate }))
      const error = await server.stop().catch((caught: unknown) => caught)
      expect(error).toMatchObject({ cause: new Error('boom') })
    }
    await settle()
    expect([escaped, crashes.length]).toEqual([[], 2])
  })

  test('a call that fails while nobody awaits it, in a process that is no more', async () => {
    const server = await node.start(Fragile, 'fine')
    let called = false
    const pid = node.spawn(async (self) => {
      self.call(server, 'rejects')
      called = true
      await self.receive()
    })
    await until(() => called)
    node.sendExit(pid, 'kill')
    await settle()
    expect(escaped).toEqual([])
  })
})

describe('a crash', () => {
  test('has what was thrown and where, also if it is no error', async () => {
    for (const thrown of [new Error('boom'), 'text', undefined, { code: 7 }]) {
      node.spawn(() => {
        throw thrown
      })
    }
    await settle()
    const reasons = crashes.map(({ reason }) => reason)
    expect(reasons.every(isCrash)).toBe(true)
    expect(reasons.map((reason) => (isCrash(reason) ? reason.error : undefined))).toEqual([
      new Error('boom'),
      'text',
      undefined,
      { code: 7 },
    ])
    expect(isCrash(reasons[0]) && reasons[0].stack).toContain('crash.test.ts')
  })

  test('of one process leaves the others of its turn alone', async () => {
    const log: number[] = []
    for (let i = 0; i < 5; i++) node.spawn(() => (i % 2 === 0 ? boom() : void log.push(i)))
    await settle()
    expect(log).toEqual([1, 3])
    expect([escaped, crashes.length]).toEqual([[], 3])
  })

  test('an orderly exit is none', async () => {
    for (const reason of ['normal', 'shutdown', { shutdown: 1 }]) node.spawn((self) => self.exit(reason))
    await settle()
    expect(crashes).toEqual([])
    node.spawn((self) => self.exit('boom'))
    await settle()
    expect(crashes.map(({ reason }) => reason)).toEqual(['boom'])
  })
})

import { createNode, defineServer, ExitError, ignore, type Node, OptionError, reply, stop } from 'espalier'
import { createWorld } from 'espalier/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let node: Node

beforeEach(() => {
  node = createNode()
})
afterEach(() => node.stop())

const Echo = defineServer({
  init: (how: 'fine' | 'ignore' | 'stop' | 'throw' | 'never') => {
    if (how === 'ignore') return ignore()
    if (how === 'stop') return stop('not today')
    if (how === 'throw') throw new Error('boom')
    return how === 'never' ? new Promise<null>(() => {}) : null
  },
  call: { echo: ({ state }, value: number) => reply(value, state) },
})

describe('a start', () => {
  test('is over when init is', async () => {
    let ready = false
    const Slow = defineServer({
      init: async () => {
        await new Promise((resolve) => setImmediate(resolve))
        ready = true
        return null
      },
    })
    await node.start(Slow)
    expect(ready).toBe(true)
  })

  test('fails with the reason of an init that stops, ignores or throws, and leaves nothing behind', async () => {
    const outcomes: unknown[] = []
    for (const how of ['stop', 'ignore', 'throw'] as const) {
      outcomes.push(await node.tryStart(Echo, how, { name: 'echo' }))
      const error = await node.start(Echo, how, { name: 'echo' }).catch((caught: unknown) => caught)
      expect(error).toBeInstanceOf(ExitError)
      outcomes.push(error instanceof ExitError ? error.reason : error)
      expect([node.processes(), node.registered()]).toEqual([[], []])
    }
    const crash = { error: new Error('boom'), stack: expect.any(String) }
    expect(outcomes).toEqual([{ error: 'not today' }, 'not today', 'ignore', 'ignore', { error: crash }, crash])
  })

  test('under a name that is taken answers who has it', async () => {
    const first = await node.start(Echo, 'fine', { name: 'echo' })
    expect(await node.tryStart(Echo, 'fine', { name: 'echo' })).toEqual({ error: { already_started: first } })
    const error = await node.start(Echo, 'fine', { name: 'echo' }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'ERR_EXIT', reason: { already_started: first } })
    expect(node.processes()).toEqual([first])
  })

  test('that takes too long is given up, and its process killed', async () => {
    const world = createWorld()
    const slow = world.createNode()
    expect(await world.run(slow.tryStart(Echo, 'never', { timeoutMs: 100 }))).toEqual({ error: 'timeout' })
    expect(slow.now()).toBe(100)
    expect([slow.processes(), slow.timerCount]).toEqual([[], 0])
  })

  test('that is done in time is not killed later, even if its starter has ended meanwhile', async () => {
    const world = createWorld()
    const slow = world.createNode()
    let finish = (_: null) => {}
    const Slow = defineServer({
      init: () =>
        new Promise<null>((resolve) => {
          finish = resolve
        }),
    })
    slow.spawn((self) => {
      self.start(Slow, undefined, { name: 'slow', timeoutMs: 100 })
    })
    await world.settle()
    finish(null)
    await world.settle()
    expect(slow.timerCount).toBe(0)
    await world.advance(200)
    expect(slow.whereis('slow')).toBeDefined()
  })

  test.each([
    ['mailbox.capacity', { mailbox: { capacity: 0 } }],
    ['timeoutMs', { timeoutMs: -1 }],
  ])('with a wrong %s is refused, and leaves nothing behind', async (field, options) => {
    const error = await node.start(Echo, 'fine', options).catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(OptionError)
    expect(error).toMatchObject({ field, code: 'ERR_OPTION' })
    expect(node.processes()).toEqual([])
  })

  test('its end before init is done fails it with the reason', async () => {
    const starting = node.tryStart(Echo, 'never', { name: 'victim' })
    const victim = node.whereis('victim')
    if (victim === undefined) throw new Error('a starting process has its name')
    node.sendExit(victim, 'boom')
    expect(await starting).toEqual({ error: 'boom' })
  })
})

describe('an orderly stop', () => {
  test('resolves when the process has ended, and makes no error', async () => {
    const server = await node.start(Echo, 'fine')
    let errors = 0
    const prepare = Error.prepareStackTrace
    Error.prepareStackTrace = (error) => {
      if (error instanceof ExitError) errors++
      return ''
    }
    try {
      await server.stop()
      expect(errors).toBe(0)
      await server.stop().catch((error: Error) => error.stack)
      expect(errors, 'the check sees an error that is made').toBe(1)
    } finally {
      Error.prepareStackTrace = prepare
    }
    expect(node.isAlive(server)).toBe(false)
  })

  test('with a reason of one’s own resolves too, also if it is an object', async () => {
    const server = await node.start(Echo, 'fine')
    await server.stop({ shutdown: { because: [1, 2] } })
    expect(node.isAlive(server)).toBe(false)
  })

  test('rejects with the true reason if the process ended for another', async () => {
    const Stubborn = defineServer({
      init: () => null,
      terminate: () => {
        throw new Error('boom')
      },
    })
    const server = await node.start(Stubborn)
    const error = await server.stop().catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'ERR_EXIT', reason: { error: new Error('boom') } })
  })

  test('of nobody rejects with noproc, whatever the reason', async () => {
    const server = await node.start(Echo, 'fine')
    await server.stop()
    for (const reason of ['normal', 'noproc']) {
      const error = await server.stop(reason).catch((caught: unknown) => caught)
      expect(error).toMatchObject({ code: 'ERR_NOPROC', reason: 'noproc' })
    }
  })

  test('ends a raw process that receives', async () => {
    const pid = node.spawn(async (self) => void (await self.receive()))
    await node.stop()
    expect(node.isAlive(pid)).toBe(false)
  })
})

describe('exit reasons as errors', () => {
  test.each([
    ['timeout', 'ERR_TIMEOUT'],
    ['noproc', 'ERR_NOPROC'],
    ['noconnection', 'ERR_NOCONNECTION'],
    ['overloaded', 'ERR_OVERLOADED'],
    ['shutdown', 'ERR_EXIT'],
    [{ anything: 1 }, 'ERR_EXIT'],
  ])('%j has the code %s', (reason, code) => {
    const error = new ExitError(reason, 'counter', 'call "add"')
    expect(error).toMatchObject({ code, reason, callee: 'counter', name: 'ExitError' })
  })

  test('a crash carries its cause, and says what was asked of whom', async () => {
    const cause = new Error('boom')
    const Crashing = defineServer({
      init: () => null,
      call: {
        crash: () => {
          throw cause
        },
      },
    })
    const server = await node.start(Crashing)
    const error = await server.call('crash').catch((caught: unknown) => caught)
    expect(error).toBeInstanceOf(ExitError)
    expect(error).toMatchObject({ code: 'ERR_EXIT', cause, callee: server, reason: { error: cause } })
    expect(String(error)).toBe(`ExitError: call "crash" to ${server}: Error: boom`)
  })

  test('a call without an answer in time says how long it waited', async () => {
    const world = createWorld()
    const other = world.createNode()
    const Silent = defineServer({ init: () => null, call: { ask: () => new Promise<never>(() => {}) } })
    const server = await world.run(other.start(Silent))
    const error = await world.run(server.call('ask', undefined, { timeoutMs: 70 }).catch((caught: unknown) => caught))
    expect(error).toMatchObject({ code: 'ERR_TIMEOUT', reason: 'timeout' })
    expect(String(error)).toContain('had no answer within 70 ms')
    expect(other.now()).toBe(70)
  })

  test('a process that calls itself is told so', async () => {
    const Selfish = defineServer({
      init: () => null,
      call: {
        ask: async ({ self, state }) => {
          const error = await self.call(self.pid as never, 'ask' as never).catch((caught: unknown) => caught)
          return reply(error instanceof ExitError ? error.reason : error, state)
        },
      },
    })
    const server = await node.start(Selfish)
    expect(await server.call('ask')).toBe('calling_self')
  })
})

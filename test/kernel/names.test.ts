import { createNode, defineServer, type Node, ProcessError, reply, type Self } from 'espalier'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let node: Node

beforeEach(() => {
  node = createNode()
})
afterEach(() => node.stop())

const waiting = async (self: Self) => void (await self.receive())

/** What `act` throws in a process, as [code, message]. */
async function refusal(act: (self: Self) => unknown): Promise<unknown> {
  let thrown: unknown
  node.spawn((self) => {
    try {
      act(self)
    } catch (error) {
      thrown = error
    }
  })
  await node.idle()
  expect(thrown).toBeInstanceOf(ProcessError)
  return thrown instanceof ProcessError ? [thrown.code, thrown.message] : undefined
}

describe('a name', () => {
  test('belongs to a process until it ends, and is free then', async () => {
    const pid = node.spawn(waiting, { name: 'it' })
    expect(node.whereis('it')).toBe(pid)
    expect(node.registered()).toEqual([['it', pid]])
    await node.idle()
    node.send('it', 'end')
    await node.idle()
    expect(node.whereis('it')).toBeUndefined()
    expect(node.whereis('it')).not.toBe(node.spawn(waiting, { name: 'it' }))
  })

  test('is free at once after unregister, and the process may have another', async () => {
    const pid = node.spawn(waiting, { name: 'it' })
    node.spawn((self) => {
      self.unregister('it')
      self.register('that', pid)
      self.register('it')
    })
    await node.idle()
    expect(node.registered()).toEqual([['that', pid]])
  })

  test('finds a server with its protocol', async () => {
    const Server = defineServer({ init: () => 7, call: { get: ({ state }) => reply(state, state) } })
    await node.start(Server, undefined, { name: 'seven' })
    const seven: number | undefined = await node.whereis(Server, 'seven')?.call('get')
    expect(seven).toBe(7)
  })

  test('cannot be had twice, nor a second one, nor by nobody', async () => {
    const it = node.spawn(waiting, { name: 'it' })
    const gone = node.spawn(() => {})
    await node.idle()
    expect(await refusal((self) => self.register('it'))).toEqual(['ERR_BADARG', 'register: "it" is taken'])
    expect(await refusal((self) => self.register('other', it))).toEqual(['ERR_BADARG', `register: ${it} is it already`])
    expect(await refusal((self) => self.register('x', gone))).toEqual([
      'ERR_BADARG',
      `register "x": ${gone} does not live here`,
    ])
    expect(await refusal((self) => self.register(''))).toEqual(['ERR_BADARG', 'register: "" is no name'])
    expect(await refusal((self) => self.unregister('nobody'))).toEqual(['ERR_BADARG', 'unregister: nobody is "nobody"'])
  })

  test('that is taken leaves no process behind where one should be started under it', async () => {
    const it = node.spawn(waiting, { name: 'it' })
    expect(() => node.spawn(waiting, { name: 'it' })).toThrow(/"it" is taken/)
    expect(node.processes()).toEqual([it])
    expect(node.whereis('it')).toBe(it)
  })
})

describe('dead letters', () => {
  const letters = () => {
    const found: unknown[] = []
    node.onReport((report) => {
      if (report.kind === 'dead_letter')
        found.push({ to: report.to, why: report.why, tag: report.tag, message: report.message })
    })
    return found
  }

  test('are messages and casts to a process that is no more', async () => {
    const found = letters()
    const gone = await node.start(defineServer({ init: () => 0, cast: { add: ({ state }, n: number) => state + n } }))
    await gone.stop()
    gone.send('hello')
    gone.cast('add', 3)
    expect(found).toEqual([
      { to: gone, why: 'noproc', tag: undefined, message: 'hello' },
      { to: gone, why: 'noproc', tag: 'add', message: 3 },
    ])
    expect(node.counters.deadLetters).toBe(2)
  })

  test('are what an ending process leaves in its mailbox', async () => {
    const found = letters()
    const pid = node.spawn(async (self) => void (await self.receive((message) => message === 'end')))
    await node.idle()
    node.send(pid, 'unread')
    node.send(pid, 'end')
    await node.idle()
    expect(found).toEqual([{ to: pid, why: 'noproc', tag: undefined, message: 'unread' }])
  })

  test('are plain messages to a server that has no handler for them', async () => {
    const found = letters()
    const server = await node.start(defineServer({ init: () => 0 }))
    server.send('hello')
    await node.idle()
    expect(found).toEqual([{ to: server, why: 'unhandled', tag: undefined, message: 'hello' }])
    expect(node.isAlive(server)).toBe(true)
  })

  test('a message to a name that nobody has is an error in a process, as in Erlang', async () => {
    expect(await refusal((self) => self.send('nobody', 1))).toEqual([
      'ERR_BADARG',
      'send: no process is registered as "nobody"',
    ])
  })

  test('a listener hears no more once it has been taken off', async () => {
    const found: unknown[] = []
    const off = node.onReport((report) => found.push(report))
    off()
    node.send(
      node.spawn(() => {}),
      1,
    )
    await node.idle()
    expect(found).toEqual([])
    expect(node.counters.deadLetters).toBe(1)
  })
})

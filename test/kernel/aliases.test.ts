import { createNode, type Node, type Reference, type Self } from 'espalier'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let node: Node
let log: unknown[]

beforeEach(() => {
  node = createNode()
  log = []
})
afterEach(() => node.stop())

/** Starts a process that makes an alias and then notes what comes; answers its pid and the alias. */
async function withAlias(make: (self: Self) => Reference) {
  let alias: Reference | undefined
  const pid = node.spawn(async (self) => {
    alias = make(self)
    for (;;) {
      const message = await self.receive()
      if (typeof message === 'function') message(self)
      else log.push(message)
    }
  })
  await node.idle()
  if (alias === undefined) throw new Error('no alias was made')
  return { pid, alias }
}

/** Sends messages to an alias, each once the one before has been dealt with. */
async function sendAll(alias: Reference, ...messages: unknown[]) {
  for (const message of messages) {
    node.send(alias, message)
    await node.idle()
  }
}

describe('an alias', () => {
  test('takes messages until it is ended', async () => {
    const { pid, alias } = await withAlias((self) => self.alias())
    await sendAll(alias, 1, 2)
    node.send(pid, (self: Self) => log.push(self.unalias(alias), self.unalias(alias)))
    await node.idle()
    await sendAll(alias, 3)
    expect(log).toEqual([1, 2, true, false])
  })

  test('of mode reply takes one', async () => {
    const { alias } = await withAlias((self) => self.alias({ reply: true }))
    await sendAll(alias, 1, 2)
    expect(log).toEqual([1])
  })

  test('of mode reply takes one of two that are under way at once', async () => {
    const { alias } = await withAlias((self) => self.alias({ reply: true }))
    node.send(alias, 1)
    node.send(alias, 2)
    await node.idle()
    expect(log).toEqual([1])
  })

  test('ends with its process', async () => {
    const { pid, alias } = await withAlias((self) => self.alias())
    node.sendExit(pid, 'kill')
    await node.idle()
    await sendAll(alias, 1)
    expect(log).toEqual([])
  })

  test('can be ended by its owner only', async () => {
    const { alias } = await withAlias((self) => self.alias())
    node.spawn((self) => void log.push(self.unalias(alias)))
    await node.idle()
    await sendAll(alias, 1)
    expect(log).toEqual([false, 1])
  })
})

describe("a monitor's alias", () => {
  const modes = ['explicit_unalias', 'demonitor', 'reply_demonitor'] as const

  /** An alias of a monitor, the process it watches, and hands into the one that holds it. */
  async function withMonitor(mode: (typeof modes)[number]) {
    const watched = node.spawn(async (self) => void (await self.receive()))
    const held = await withAlias((self) => self.monitor(watched, { alias: mode }))
    return { ...held, watched }
  }

  test.each([
    ['explicit_unalias', ['before', 'after']],
    ['demonitor', ['before']],
    ['reply_demonitor', ['before']],
  ] as const)('%s: what it takes before and after demonitor', async (mode, taken) => {
    const { pid, alias } = await withMonitor(mode)
    await sendAll(alias, 'before')
    node.send(pid, (self: Self) => self.demonitor(alias))
    await node.idle()
    await sendAll(alias, 'after')
    expect(log).toEqual(taken)
  })

  test.each([
    ['explicit_unalias', true],
    ['demonitor', false],
    ['reply_demonitor', false],
  ] as const)('%s: after the monitor has fired it takes more: %s', async (mode, more) => {
    const { alias, watched } = await withMonitor(mode)
    node.send(watched, 'end')
    await node.idle()
    await sendAll(alias, 'after')
    expect(log).toEqual([{ ref: alias, target: watched, reason: 'normal' }, ...(more ? ['after'] : [])])
  })

  test('reply_demonitor: the first message ends the monitor too', async () => {
    const { alias, watched } = await withMonitor('reply_demonitor')
    await sendAll(alias, 'reply')
    node.send(watched, 'end')
    await node.idle()
    expect(log).toEqual(['reply'])
  })
})

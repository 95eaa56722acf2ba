// `node.at` means the same wherever the name is: on the own node, over a mesh, in a simulated world.

import { Down, defineServer, type Pid, ProcessError, processInfo, reply, type Self } from 'espalier'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { down, inNear as inNearOf, mesh, ownNode, type Stage, world } from './stages.ts'

const Counter = defineServer({
  name: 'counter',
  init: (start: number) => start,
  call: {
    get: ({ state }) => reply(state, state),
  },
  cast: { add: ({ state }, by: number) => state + by },
  info: ({ state }, message) => (message === 'ten' ? state + 10 : state),
})

describe.each([
  ['on the own node', ownNode],
  ['over a mesh', mesh],
  ['in a simulated world', world],
])('a name %s', (_where, createStage) => {
  let stage: Stage
  beforeEach(() => {
    stage = createStage()
  })
  afterEach(() => stage.close())

  const inNear = <T>(body: (self: Self) => T | Promise<T>) => inNearOf(stage, body)
  async function monitorsOf(pid: Pid): Promise<unknown> {
    const info = await stage.run(processInfo(stage.far, pid))
    return info?.monitoredBy.map((watcher) => `${watcher}`)
  }
  const startCounter = (start: number, name = 'counter') => stage.run(stage.far.start(Counter, start, { name }))
  const counter = () => stage.near.at(Counter, 'far', 'counter')

  test('is called, cast and sent to, from a process and from outside', async () => {
    await startCounter(1)
    const from = await inNear((self) => {
      const there = self.at(Counter, 'far', 'counter')
      self.cast(there, 'add', 2)
      self.send(there, 'ten')
      return self.call(there, 'get')
    })
    expect(from).toBe(13)
    counter().cast('add', 1)
    counter().send('ten')
    const outside: number = await stage.run(counter().call('get'))
    expect(outside).toBe(24)
  })

  test('is whoever has it when the message arrives', async () => {
    const address = counter()
    await startCounter(1)
    expect(await stage.run(address.call('get'))).toBe(1)
    await stage.run(address.stop())
    expect(stage.far.whereis('counter')).toBeUndefined()
    await startCounter(2)
    expect(await stage.run(address.call('get'))).toBe(2)
  })

  test('that nobody has fails calls with noproc, and loses the rest in silence', async () => {
    await expect(stage.run(counter().call('get'))).rejects.toMatchObject({ reason: 'noproc' })
    await expect(stage.run(counter().stop())).rejects.toMatchObject({ reason: 'noproc' })
    expect(counter().cast('add', 1)).toBe(true)
    counter().send('ten')
    await stage.settle()
    await expect(inNear((self) => self.call(self.at(Counter, 'far', 'counter'), 'get'))).rejects.toMatchObject({
      reason: 'noproc',
    })
  })

  test('on a node that there is not fails with noconnection', async () => {
    const nowhere = stage.near.at(Counter, 'nowhere', 'counter')
    await expect(stage.run(nowhere.call('get'))).rejects.toMatchObject({ reason: 'noconnection' })
    expect(await inNear(async (self) => down(self, self.at('nowhere', 'counter')))).toBe('noconnection')
  })

  test('is monitored: the end of whoever has it, or noproc', async () => {
    expect(await inNear((self) => down(self, self.at('far', 'counter')))).toBe('noproc')
    await startCounter(1)
    const reason = inNear(async (self) => {
      const there = self.at(Counter, 'far', 'counter')
      const ref = self.monitor(there)
      await self.call(there, 'get')
      stage.far.whereis(Counter, 'counter')?.stop('over')
      const message = await self.receive()
      return message instanceof Down && message.ref === ref ? [message.reason, `${message.target}`] : message
    })
    expect(await reason).toEqual(['over', '<far.counter>'])
  })

  test('that another process has by now: the monitor stays on the first, and demonitor finds it', async () => {
    const first = await startCounter(1)
    let wasThere: unknown
    const holder = stage.near.spawn(async (self) => {
      const ref = self.monitor(self.at('far', 'counter'))
      await self.receive()
      wasThere = self.demonitor(ref, { info: true })
      await self.receive()
    })
    await stage.settle()
    expect(await monitorsOf(first)).toEqual([`${holder}`])
    stage.far.spawn((self) => self.unregister('counter'))
    await stage.settle()
    const second = await startCounter(2)
    stage.near.send(holder, 'go')
    await stage.settle()
    expect([wasThere, await monitorsOf(first), await monitorsOf(second)]).toEqual([true, [], []])
  })

  test('cannot be linked to, nor be sent an exit signal', async () => {
    await startCounter(1)
    for (const act of ['link', 'exit'] as const) {
      const refused = inNear((self) => {
        const there = self.at('far', 'counter')
        if (act === 'link') self.link(there)
        else self.sendExit(there, 'over')
      })
      await expect(refused).rejects.toMatchObject({ code: 'ERR_BADARG', message: expect.stringContaining(act) })
    }
    expect(() => stage.near.sendExit(counter(), 'over')).toThrow(ProcessError)
  })

  test('crosses in a message, and is an address there too', async () => {
    await startCounter(5)
    const relay = stage.far.spawn(
      async (self) => {
        const [asker, address] = (await self.receive()) as [Pid, ReturnType<typeof counter>]
        self.send(asker, [await self.call(address, 'get'), `${address}`])
      },
      { name: 'relay' },
    )
    expect(relay).toBeDefined()
    const answer = await inNear(async (self) => {
      self.send(self.at('far', 'relay'), [self.pid, counter()])
      return await self.receive()
    })
    expect(answer).toEqual([5, '<far.counter>'])
  })

  test('that would name no node is refused, with the field', () => {
    expect(() => stage.near.at('a b', 'x')).toThrow(/^nodeName: expected 1 to 255 letters/)
  })
})

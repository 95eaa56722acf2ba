import {
  createNode,
  Down,
  defineServer,
  Exit,
  ExitError,
  type Node,
  noReply,
  type Pid,
  type Ref,
  reply,
  type Self,
} from 'espalier'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MemoryCarrier } from '../../src/distribution/carriers/memory-carrier.ts'
import { Distribution } from '../../src/distribution/distribution.ts'
import { NodeDown, NodeUp } from '../../src/distribution/node-events.ts'
import { createSystemPorts } from '../../src/system/index.ts'
import { until } from '../kernel/until.ts'
import { spawnCollector, spawnIdle } from '../processes.ts'

const Echo = defineServer({
  name: 'echo',
  init: () => 0,
  call: {
    echo: ({ state }, value: unknown) => reply(value, state),
    from: ({ from, state }) => {
      const call: unknown = from
      return reply(`${(call as { readonly from: Pid }).from}`, state)
    },
    count: ({ state }) => reply(state, state),
    never: ({ state }) => noReply(state),
    crash: (): never => {
      throw new RangeError('boom')
    },
    leak: ({ state }) => reply({ inner: [() => 1] }, state),
  },
  cast: { add: ({ state }, by: number) => state + by },
})

let carrier: MemoryCarrier
let a: Node
let b: Node
let meshA: Distribution
let meshB: Distribution

beforeEach(() => {
  carrier = new MemoryCarrier(createSystemPorts().turns)
  a = createNode({ name: 'a' })
  b = createNode({ name: 'b' })
  meshA = new Distribution(a, { carrier })
  meshB = new Distribution(b, { carrier })
})

afterEach(async () => {
  meshA.close()
  meshB.close()
  await Promise.all([a.stop(), b.stop()])
})

/** `pid` as node a knows it. */
function atA<P extends Pid>(pid: P): P {
  const known: Pid = meshA.pid(pid)
  return known as P
}

/** Runs `body` in a process of node a, and answers what it returns. */
function inA<T>(body: (self: Self) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    a.spawn(async (self) => {
      try {
        resolve(await body(self))
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)))
      }
    })
  })
}

const startEcho = async (): Promise<Ref<typeof Echo>> => atA(await b.start(Echo))

describe('sends and casts', () => {
  test('connect on demand; order: messages of a pair arrive in the order of sending, whatever their kind', async () => {
    const { pid, messages } = spawnCollector(b)
    const to = atA(pid)
    await inA(async (self) => {
      for (let i = 0; i < 5000; i++) self.send(to, i)
    })
    await until(() => messages.length === 5000)
    expect(messages).toEqual(Array.from({ length: 5000 }, (_, i) => i))
    expect([meshA.nodes(), meshB.nodes()]).toEqual([['b'], ['a']])
  })

  test('a message is as it was when it was sent, even while the connection is being made', async () => {
    const { pid, messages } = spawnCollector(b)
    const box = { value: 1 }
    a.send(atA(pid), box)
    box.value = 2
    await until(() => messages.length === 1)
    expect(messages).toEqual([{ value: 1 }])
  })

  test('casts arrive before a call made after them', async () => {
    const echo = await startEcho()
    const count = await inA((self) => {
      for (let i = 0; i < 100; i++) self.cast(echo, 'add', 1)
      return self.call(echo, 'count')
    })
    expect(count).toBe(100)
  })

  test('a pid comes home as the process’s own, and an alias is an address from afar', async () => {
    const { pid: echo, messages } = spawnCollector(b)
    const received = await inA(async (self) => {
      const alias = self.alias({ reply: true })
      self.send(atA(echo), [self.pid, alias])
      await until(() => messages.length === 1)
      const [asker, address] = messages[0] as [Pid, Parameters<Node['send']>[0]]
      b.send(asker, 'to pid')
      b.send(address, 'to alias')
      b.send(address, 'too late')
      b.send(asker, 'end')
      return [await self.receive(), await self.receive(), await self.receive()]
    })
    expect(received).toEqual(['to pid', 'to alias', 'end'])
  })

  test('what cannot cross is refused at the send, with its path', async () => {
    const { pid } = spawnCollector(b)
    const to = atA(pid)
    await expect(inA(async (self) => self.send(to, { on: { done: () => 1 } }))).rejects.toMatchObject({
      code: 'ERR_NOT_PORTABLE',
      field: 'payload.on.done',
    })
    await meshA.connect('b')
    await expect(inA(async (self) => self.send(to, [Symbol('s')]))).rejects.toMatchObject({ field: 'payload[0]' })
  })
})

describe('calls', () => {
  test('a call is answered, by a process and from outside; the callee knows who asks', async () => {
    const echo = await startEcho()
    const value = { at: new Date(5), map: new Map([[1, new Set(['x'])]]), big: 7n }
    expect(await inA((self) => self.call(echo, 'echo', value))).toStrictEqual(value)
    expect(await echo.call('echo', 'outside')).toBe('outside')
    expect(await inA(async (self) => (await self.call(echo, 'from')) === `${self.pid}`)).toBe(true)
    expect(meshA.openCalls).toBe(0)
  })

  test('a crash of the callee fails the call with its reason, error and all', async () => {
    const echo = await startEcho()
    const error = await echo.call('crash').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ExitError)
    expect(error).toMatchObject({ code: 'ERR_EXIT', cause: { name: 'RangeError', message: 'boom' } })
    await expect(echo.call('count')).rejects.toMatchObject({ reason: 'noproc' })
  })

  test('a reply that cannot cross fails the call with its path, and the callee goes on', async () => {
    const echo = await startEcho()
    await expect(echo.call('leak')).rejects.toMatchObject({
      cause: { code: 'ERR_NOT_PORTABLE', message: expect.stringContaining('reply.inner[0]') },
    })
    expect(await echo.call('count')).toBe(0)
  })

  test('an argument that cannot cross rejects the call and leaves no timer', async () => {
    const echo = await startEcho()
    await meshA.connect('b')
    await expect(echo.call('echo', () => 1)).rejects.toMatchObject({ code: 'ERR_NOT_PORTABLE', field: 'payload' })
    expect([meshA.openCalls, a.timerCount]).toEqual([0, 0])
  })

  test('time-out; a late reply is fenced', async () => {
    const slow = await b.start(
      defineServer({
        init: () => 0,
        call: {
          slow: async ({ self, state }) => {
            await self.sleep(20)
            return reply('late', state)
          },
        },
      }),
    )
    const ref = atA(slow)
    await expect(ref.call('slow', undefined, { timeoutMs: 2 })).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    expect(await ref.call('slow')).toBe('late')
  })

  test('stop from afar answers once the process has ended', async () => {
    const local = await b.start(Echo)
    await atA(local).stop('shutdown')
    expect(b.isAlive(local)).toBe(false)
  })

  test('bounded: calls that timed out are forgotten, though nobody ever answers', async () => {
    const echo = await startEcho()
    for (let round = 0; round < 4; round++) {
      const calls = Array.from({ length: 1000 }, () => echo.call('never', undefined, { timeoutMs: 1 }))
      await Promise.allSettled(calls)
    }
    expect(meshA.openCalls).toBeLessThan(2100)
  })

  test('no such node: a call fails with noconnection', async () => {
    const nowhere: unknown = meshA.pid({ nodeName: 'nowhere', creation: 1, id: 1 })
    await expect((nowhere as Ref<typeof Echo>).call('count')).rejects.toMatchObject({ code: 'ERR_NOCONNECTION' })
  })
})

describe('links, monitors and exit signals', () => {
  /** A process of a that traps exits, linked to `to` or monitoring it; tells what it receives. */
  function watcher(to: Pid, ...acts: ('link' | 'monitor')[]) {
    const messages: unknown[] = []
    const pid = a.spawn(async (self) => {
      self.trapExit = true
      for (const act of acts) self[act](to)
      for (;;) messages.push(await self.receive())
    })
    return { pid, messages }
  }

  test('the end of a process breaks its links and fires its monitors, once, with its reason', async () => {
    const far = spawnIdle(b)
    const { messages } = watcher(atA(far), 'link', 'monitor', 'monitor')
    await until(() => meshB.nodes().length === 1)
    b.sendExit(far, 'because')
    await until(() => messages.length === 3)
    expect(messages.map((message) => [message instanceof Exit, (message as Exit | Down).reason])).toEqual([
      [false, 'because'],
      [false, 'because'],
      [true, 'because'],
    ])
  })

  test('a reason that cannot cross is shown as text', async () => {
    const far = spawnIdle(b)
    const { messages } = watcher(atA(far), 'monitor')
    await until(() => meshB.nodes().length === 1)
    b.sendExit(far, { why: () => 1 })
    await until(() => messages.length === 1)
    expect(messages[0]).toMatchObject({ reason: { why: 'function why' } })
  })

  test('noproc: link and monitor of a process that has ended', async () => {
    const far = spawnIdle(b)
    b.sendExit(far, 'kill')
    await b.idle()
    const { messages } = watcher(atA(far), 'link', 'monitor')
    await until(() => messages.length === 2)
    expect(messages).toMatchObject([{ reason: 'noproc' }, { reason: 'noproc' }])
  })

  test('the other way: a process here that ends takes its linked one there with it; unlinked, it does not', async () => {
    const [bound, free] = [spawnIdle(b), spawnIdle(b)]
    const pid = a.spawn(async (self) => {
      self.link(atA(bound))
      self.link(atA(free))
      self.unlink(atA(free))
      await self.receive(() => false)
    })
    await until(() => meshB.nodes().length === 1)
    a.sendExit(pid, 'crash')
    await until(() => !b.isAlive(bound))
    expect(b.isAlive(free)).toBe(true)
  })

  test('demonitor: no Down comes', async () => {
    const far = spawnIdle(b)
    const { pid, messages } = spawnCollector(a)
    await inA(async (self) => {
      const ref = self.monitor(atA(far))
      self.demonitor(ref)
      self.sendExit(atA(far), 'kill')
      await until(() => !b.isAlive(far))
      b.send(meshB.pid(self.pid), 'end')
      self.send(pid, await self.receive())
    })
    await until(() => messages.length === 1)
    expect(messages).toEqual(['end'])
  })

  test('a lost connection: links break and monitors fire once with noconnection, calls fail, nodedown comes last', async () => {
    const far = await b.start(Echo)
    const { pid, messages } = watcher(atA(far), 'link', 'monitor')
    meshA.monitorNode(pid, 'b')
    await meshA.connect('b')
    const call = atA(far).call('never')
    // The call is a frame behind the link: once it has arrived, so has the link.
    await atA(far).call('count')
    carrier.sever('cut')
    await expect(call).rejects.toMatchObject({ code: 'ERR_NOCONNECTION' })
    await until(() => messages.length >= 3)
    expect(messages.map((message) => (message as object).constructor)).toEqual([Down, Exit, NodeDown])
    expect(messages).toMatchObject([{ reason: 'noconnection' }, { reason: 'noconnection' }, { reason: 'cut' }])
    expect([meshA.nodes(), meshA.openCalls]).toEqual([[], 0])
    // Connected anew, nothing more is told.
    await meshA.connect('b')
    expect(b.isAlive(far)).toBe(false)
    expect(await inA(async (self) => self.call(atA(await b.start(Echo)), 'count'))).toBe(0)
    expect(messages).toHaveLength(3)
  })

  test('a lost connection ends a linked process there that traps nothing', async () => {
    const far = spawnIdle(b)
    watcher(atA(far), 'link')
    await until(() => meshB.nodes().length === 1)
    await b.idle()
    meshA.disconnect('b')
    await until(() => !b.isAlive(far))
  })
})

describe('nodes', () => {
  test('monitorNodes tells who comes and goes, with the reason', async () => {
    const { pid, messages } = spawnCollector(a)
    const end = meshA.monitorNodes(pid)
    await meshB.connect('a')
    await until(() => messages.length === 1)
    meshB.disconnect('a')
    await until(() => messages.length === 2)
    expect(messages).toEqual([new NodeUp('b'), new NodeDown('b', 'disconnect')])
    end()
    await meshA.connect('b')
    expect(messages).toHaveLength(2)
  })

  test('monitorNode of a node that cannot be reached: one NodeDown', async () => {
    const { pid, messages } = spawnCollector(a)
    meshA.monitorNode(pid, 'nowhere')
    await until(() => messages.length === 1)
    expect(messages[0]).toBeInstanceOf(NodeDown)
    await expect(meshA.connect('nowhere')).rejects.toMatchObject({ code: 'ERR_CARRIER' })
    expect(messages).toHaveLength(1)
  })

  test('two nodes that dial each other at once have one connection, and nothing is lost', async () => {
    const [atB, here] = [spawnCollector(b), spawnCollector(a)]
    a.send(meshA.pid(atB.pid), 'from a')
    b.send(meshB.pid(here.pid), 'from b')
    await Promise.all([meshA.connect('b'), meshB.connect('a')])
    await until(() => atB.messages.length === 1 && here.messages.length === 1)
    expect([meshA.nodes(), meshB.nodes()]).toEqual([['b'], ['a']])
    expect([a.timerCount, b.timerCount]).toEqual([0, 0])
  })

  test('another life of a node gets nothing that was meant for the one before', async () => {
    const old = spawnCollector(b)
    const to = atA(old.pid)
    meshB.close()
    const again = createNode({ name: 'b' })
    const mesh = new Distribution(again, { carrier })
    const { messages } = spawnCollector(again)
    a.send(to, 'for the old one')
    await expect(inA((self) => self.call(to as Ref<typeof Echo>, 'count'))).rejects.toMatchObject({ reason: 'noproc' })
    expect(messages).toEqual([])
    mesh.close()
    await again.stop()
  })

  test('a name is taken once, and a node does not connect on demand if told not to', async () => {
    expect(() => new Distribution(createNode({ name: 'a' }), { carrier })).toThrow(/there is a node "a"/)
    meshA.close()
    const quiet = new Distribution(a, { carrier, connectOnDemand: false })
    const { pid, messages } = spawnCollector(b)
    a.send(quiet.pid(pid), 1)
    await expect(inA((self) => self.call(quiet.pid(pid) as Ref<typeof Echo>, 'count'))).rejects.toMatchObject({
      code: 'ERR_NOCONNECTION',
    })
    expect([messages, quiet.nodes()]).toEqual([[], []])
    quiet.close()
  })

  test.each([
    ['setupTimeoutMs', { setupTimeoutMs: 0 }],
    ['maxWaiting', { maxWaiting: -1 }],
  ])('%s is checked', (field, option) => {
    expect(() => new Distribution(createNode({ name: 'c' }), { carrier, ...option })).toThrow(
      expect.objectContaining({ code: 'ERR_OPTION', field }),
    )
  })
})

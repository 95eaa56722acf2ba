import { Cast, createNode, defineServer, Exit, type Node, type Pid, type Ref, reply } from 'espalier'
import { createWorld, type World } from 'espalier/testing'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'

let world: World
let node: Node

beforeEach(() => {
  world = createWorld()
  node = world.createNode()
})

const isNumber = (message: unknown): message is number => typeof message === 'number'
const sendAll = (to: Pid, ...messages: unknown[]) => {
  for (const message of messages) node.send(to, message)
}

describe('selective receive', () => {
  test('model: takes the oldest match and leaves the others in order, whatever came when', async () => {
    const arrivals = fc.array(fc.array(fc.nat(9), { maxLength: 6 }), { maxLength: 8 })
    const wanted = fc.array(fc.option(fc.nat(9), { nil: undefined }), { maxLength: 20 })
    await fc.assert(
      fc.asyncProperty(arrivals, wanted, async (batches, wishes) => {
        const one = createNode()
        const taken: unknown[] = []
        const pid = one.spawn(async (self) => {
          for (const wish of wishes) {
            taken.push(await self.receive(wish === undefined ? undefined : (message) => message === wish))
          }
          await self.receive((message) => message === 'never')
        })
        for (const batch of batches) {
          for (const message of batch) one.send(pid, message)
          await one.idle()
        }
        const box = batches.flat()
        const expected: number[] = []
        for (const wish of wishes) {
          const index = wish === undefined ? 0 : box.indexOf(wish)
          const [message] = index < 0 ? [] : box.splice(index, 1)
          if (message === undefined) break
          expected.push(message)
        }
        expect(taken).toEqual(expected)
        await one.stop()
      }),
    )
  })

  test('waits without looking twice at what it has seen', async () => {
    const seen: unknown[] = []
    const pid = node.spawn(async (self) => {
      const message = await self.receive((candidate) => {
        seen.push(candidate)
        return candidate === 'yes'
      })
      seen.push(`got ${String(message)}`)
    })
    await world.settle()
    for (const message of ['no', 'nor this', 'yes', 'too late']) {
      node.send(pid, message)
      await world.settle()
    }
    expect(seen).toEqual(['no', 'nor this', 'yes', 'got yes'])
  })

  test('shows casts, exits and plain messages, and no call', async () => {
    const log: unknown[] = []
    const pid = node.spawn(async (self) => {
      self.trapExit = true
      for (let i = 0; i < 3; i++) log.push(await self.receive())
    }) as Ref<{ cast: { hello: (n: number) => void } }>
    const from = node.spawn((self) => {
      self.cast(pid, 'hello', 1)
      self.send(pid, 'plain')
      self.sendExit(pid, 'trapped')
    })
    await world.settle()
    expect(log).toEqual([new Cast('hello', 1), 'plain', new Exit(from, 'trapped')])
  })

  test('a condition that throws is the failure of the receiver', async () => {
    const reasons: unknown[] = []
    node.onReport((report) => {
      if (report.kind === 'crash') reasons.push(report.reason)
    })
    const late = node.spawn(async (self) => {
      await self.receive(() => {
        throw new Error('no such message')
      })
    })
    await world.settle()
    node.send(late, 'anything')
    await world.settle()
    expect(reasons).toEqual([expect.objectContaining({ error: new Error('no such message') })])
    expect(node.isAlive(late)).toBe(false)
  })

  test('two receives at a time are refused', async () => {
    const log: unknown[] = []
    node.spawn(async (self) => {
      const first = self.receive()
      try {
        self.receive()
      } catch (error) {
        log.push(String(error))
      }
      self.send(self.pid, 'for the first')
      log.push(await first)
    })
    await world.settle()
    expect(log).toEqual([expect.stringContaining('one receive at a time'), 'for the first'])
  })
})

describe('time limits of a receive', () => {
  const receiving = (timeoutMs: number) => {
    const log: unknown[] = []
    const pid = node.spawn(async (self) => {
      log.push(await self.receive(isNumber, { timeoutMs }), node.now())
    })
    return { pid, log }
  }

  test('undefined comes after so many milliseconds, and not before', async () => {
    const { log } = receiving(100)
    await world.advance(99)
    expect(log).toEqual([])
    await world.advance(1)
    expect(log).toEqual([undefined, 100])
  })

  test('messages that do not match do not lengthen it', async () => {
    const { log, pid } = receiving(100)
    for (let i = 0; i < 9; i++) {
      await world.advance(10)
      node.send(pid, 'no number')
    }
    await world.advance(10)
    expect(log).toEqual([undefined, 100])
  })

  test('a match in time ends it, and lets go of the timer', async () => {
    const { log, pid } = receiving(100)
    await world.advance(50)
    node.send(pid, 7)
    await world.advance(0)
    expect(log).toEqual([7, 50])
    expect(node.timers.size).toBe(0)
  })

  test('0 takes what is there, or answers at once', async () => {
    const log: unknown[] = []
    const pid = node.spawn(async (self) => {
      await self.receive((message) => message === 'go')
      log.push(await self.receive(isNumber, { timeoutMs: 0 }), await self.receive(isNumber, { timeoutMs: 0 }))
    })
    await world.settle()
    sendAll(pid, 'x', 1, 'go')
    await world.settle()
    expect(log).toEqual([1, undefined])
  })

  test('a wrong one is refused, and the process may receive again', async () => {
    const log: unknown[] = []
    const pid = node.spawn(async (self) => {
      for (const timeoutMs of [-1, Number.NaN]) {
        await self.receive(undefined, { timeoutMs }).catch((error: unknown) => log.push(String(error)))
      }
      log.push(await self.receive())
    })
    await world.settle()
    node.send(pid, 'fine')
    await world.settle()
    expect(log).toEqual([
      expect.stringContaining('timeoutMs: expected a number of milliseconds'),
      expect.stringContaining('timeoutMs: expected a number of milliseconds'),
      'fine',
    ])
  })

  test('the end of the process lets go of the timer', async () => {
    const { pid } = receiving(100)
    await world.settle()
    expect(node.timers.size).toBe(1)
    node.sendExit(pid, 'kill')
    await world.settle()
    expect(node.timers.size).toBe(0)
  })
})

test('a handler of a server may receive; what it leaves is handled afterwards, in order', async () => {
  const log: unknown[] = []
  const Server = defineServer({
    init: () => null,
    call: {
      ask: async ({ self, state }, whom: Pid) => {
        self.send(whom, self.pid)
        const answer = await self.receive(isNumber)
        return reply(answer, state)
      },
    },
    cast: {
      note: ({ state }, text: string) => {
        log.push(text)
        return state
      },
    },
    info: ({ state }, message) => {
      log.push(message)
      return state
    },
  })
  const other = node.spawn(async (self) => {
    const asker = (await self.receive()) as Ref<typeof Server>
    self.cast(asker, 'note', 'a cast meanwhile')
    self.send(asker, 'a message meanwhile')
    self.send(asker, 42)
  })
  const server = await world.run(node.start(Server))
  expect(await world.run(server.call('ask', other))).toBe(42)
  await world.settle()
  expect(log).toEqual(['a cast meanwhile', 'a message meanwhile'])
})

test('a message and then an exit signal in one turn: who waits for the message dies before he reads it', async () => {
  let read = false
  const reader = node.spawn(async (self) => {
    await self.receive()
    read = true
  })
  await world.settle()
  node.spawn((self) => {
    self.send(reader, 'message')
    self.sendExit(reader, 'boom')
  })
  await world.settle()
  expect(node.isAlive(reader)).toBe(false)
  expect(read).toBe(false)
})

test('isAlive counts the signals that were sent before', async () => {
  const alive: boolean[] = []
  const victim = node.spawn(async (self) => {
    await self.receive()
  })
  node.spawn((self) => {
    alive.push(self.isAlive(victim))
    self.sendExit(victim, 'boom')
    alive.push(self.isAlive(victim))
  })
  await world.settle()
  expect(alive).toEqual([true, false])
})

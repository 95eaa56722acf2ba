import { createNode, Down, Exit, type Node, type Pid, type Self } from 'espalier'
import { createWorld } from 'espalier/testing'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Process } from '../../src/kernel/process.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

/** What one sender does to the receiver, one act after the other. */
type Act = 'message' | 'name' | 'alias' | 'exit' | 'link' | 'unlink' | 'monitor' | 'pause'

const programs = fc.array(
  fc.constantFrom<Act>('message', 'message', 'name', 'alias', 'exit', 'link', 'unlink', 'monitor', 'pause'),
  { maxLength: 30 },
)

interface Observed {
  readonly from: Pid
  readonly event: string
}

interface Sent {
  readonly from: Pid
  readonly n: number
}

/** Runs senders against one receiver; answers what each did and what the receiver saw of each, in order. */
async function observe(program: readonly (readonly Act[])[], seed: number | undefined) {
  const world = seed === undefined ? undefined : createWorld({ seed })
  const node = world?.createNode() ?? createNode()
  const seen: Observed[] = []
  const receiver = node.spawn(
    async (self) => {
      self.trapExit = true
      const alias = self.alias()
      for (;;) {
        const message = await self.receive()
        if (message instanceof Exit) seen.push({ from: message.from, event: `exit ${String(message.reason)}` })
        else if (message instanceof Down) seen.push({ from: message.target as Pid, event: 'down' })
        else if (isSent(message)) seen.push({ from: message.from, event: `message ${message.n}` })
        else if (isHello(message)) {
          self.monitor(message.hello)
          self.send(message.hello, { alias })
        }
      }
    },
    { name: 'receiver' },
  )
  const senders = program.map((acts) => {
    const expected: string[] = []
    const pid = node.spawn((self) => send(self, receiver, acts, expected))
    return { pid, expected }
  })
  await (world?.settle() ?? node.idle())
  const outcome = senders.map(({ pid, expected }) => ({
    expected,
    seen: seen.filter(({ from }) => from === pid).map(({ event }) => event),
  }))
  node.sendExit(receiver, 'kill')
  await (world?.settle() ?? node.idle())
  return outcome
}

async function send(self: Self, receiver: Pid, acts: readonly Act[], expected: string[]): Promise<void> {
  self.send(receiver, { hello: self.pid })
  const { alias } = (await self.receive()) as { alias: never }
  let linked = false
  for (const [n, act] of acts.entries()) {
    const sent: Sent = { from: self.pid, n }
    if (act === 'message') self.send(receiver, sent)
    else if (act === 'name') self.send('receiver', sent)
    else if (act === 'alias') self.send(alias, sent)
    else if (act === 'exit') self.sendExit(receiver, n)
    else if (act === 'link') self.link(receiver)
    else if (act === 'unlink') self.unlink(receiver)
    else if (act === 'monitor') self.monitor(receiver)
    else await self.receive((message) => message === 'never', { timeoutMs: 0 })
    if (act === 'message' || act === 'name' || act === 'alias') expected.push(`message ${n}`)
    if (act === 'exit') expected.push(`exit ${n}`)
    if (act === 'link') linked = true
    if (act === 'unlink') linked = false
  }
  expected.push('down')
  if (linked) expected.push('exit over')
  self.exit('over')
}

const isSent = (message: unknown): message is Sent =>
  typeof message === 'object' && message !== null && 'n' in message && 'from' in message
const isHello = (message: unknown): message is { readonly hello: Pid } =>
  typeof message === 'object' && message !== null && 'hello' in message

const seeds = fc.option(fc.nat(), { nil: undefined })

describe('signal ordering', () => {
  test('signals from one process to another arrive in the order of sending: messages, exits, links, monitors', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(programs, { minLength: 1, maxLength: 4 }), seeds, async (program, seed) => {
        for (const { expected, seen } of await observe(program, seed)) expect(seen).toEqual(expected)
      }),
      { numRuns: 120 },
    )
  })

  test('red: a message that takes the short cut past signals under way', async () => {
    vi.spyOn(Process.prototype, 'accept').mockImplementation(function (this: Process, head, payload) {
      this.deliver(head, payload)
      return true
    })
    const check = await fc.check(
      fc.asyncProperty(fc.array(programs, { minLength: 1, maxLength: 4 }), seeds, async (program, seed) => {
        for (const { expected, seen } of await observe(program, seed)) expect(seen).toEqual(expected)
      }),
      { seed: 1, numRuns: 120, endOnFailure: true },
    )
    expect(check.failed).toBe(true)
  })

  /** A node on its own, and one in each of a few seeded worlds. */
  const everywhere = async (play: (node: Node, settle: () => Promise<void>) => Promise<void>) => {
    const node = createNode()
    await play(node, () => node.idle())
    for (let seed = 0; seed < 20; seed++) {
      const world = createWorld({ seed })
      await play(world.createNode(), () => world.settle())
    }
  }

  test('a message behind an exit signal is never read', async () => {
    await everywhere(async (node, settle) => {
      const read: unknown[] = []
      const victim = node.spawn(async (self) => {
        for (;;) read.push(await self.receive())
      })
      await settle()
      node.spawn((self) => {
        self.sendExit(victim, 'boom')
        self.send(victim, 'too late')
      })
      await settle()
      expect(read).toEqual([])
      expect(node.isAlive(victim)).toBe(false)
    })
  })

  test('a call behind an exit signal finds nobody', async () => {
    await everywhere(async (node, settle) => {
      const victim = node.spawn(async (self) => void (await self.receive()))
      await settle()
      let failure: unknown
      node.spawn(async (self) => {
        self.sendExit(victim, 'boom')
        await self.call(victim as never, 'anything' as never).catch((error: unknown) => {
          failure = error
        })
      })
      await settle()
      expect(failure).toMatchObject({ code: 'ERR_NOPROC' })
    })
  })

  test('a reply sent before the end arrives before the news of the end', async () => {
    await everywhere(async (node, settle) => {
      const log: unknown[] = []
      node.spawn(async (self) => {
        const { pid } = self.spawnMonitor(async (child) => {
          const client = (await child.receive()) as Pid
          child.send(client, 'reply')
        })
        self.send(pid, self.pid)
        log.push(await self.receive(), await self.receive())
      })
      await settle()
      expect(log).toEqual(['reply', expect.any(Down)])
    })
  })

  test('a monitor set behind an exit signal fires with the reason noproc', async () => {
    await everywhere(async (node, settle) => {
      const reasons: unknown[] = []
      const victim = node.spawn(async (self) => void (await self.receive()))
      await settle()
      node.spawn(async (self) => {
        const before = self.monitor(victim)
        self.sendExit(victim, 'boom')
        const after = self.monitor(victim)
        for (const ref of [before, after]) {
          const down = await self.receive((m): m is Down => m instanceof Down && m.ref === ref)
          reasons.push(down?.reason)
        }
      })
      await settle()
      expect(reasons).toEqual(['boom', 'noproc'])
    })
  })

  test('no signal is handled on the stack of its sender', async () => {
    const node = createNode()
    const victim = node.spawn(async (self) => void (await self.receive()))
    await node.idle()
    let aliveAfter: boolean | undefined
    node.spawn((self) => {
      self.sendExit(victim, 'kill')
      aliveAfter = node.isAlive(victim)
    })
    await node.idle()
    expect(aliveAfter).toBe(true)
    expect(node.isAlive(victim)).toBe(false)
  })

  test('an exit signal to oneself strikes before the call returns', async () => {
    const node = createNode()
    let after = false
    const pid = node.spawn((self) => {
      self.sendExit(self.pid, 'boom')
      after = true
    })
    await node.idle()
    expect([after, node.isAlive(pid)]).toEqual([false, false])
  })
})

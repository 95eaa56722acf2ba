// Every bullet of docs/semantics.md, as a test of that title; the last test holds the two lists against each other.

import { readFileSync } from 'node:fs'
import {
  createNode,
  Down,
  defineServer,
  Exit,
  ExitError,
  type Node,
  type Pid,
  type Ref,
  type Report,
  reply,
  type Self,
  supervisor,
} from 'espalier'
import { expect, test } from 'vitest'
import { claimBetweenNodes } from './between-nodes.ts'

const titles: string[] = []
function claim(title: string, run: (node: Node, reports: Report[]) => Promise<void>): void {
  titles.push(title)
  test(title, async () => {
    const reports: Report[] = []
    const node = createNode({ onReport: (report) => reports.push(report) })
    await run(node, reports)
    await node.stop({ timeoutMs: 100 })
  })
}

/** A process that keeps all it receives. */
function collector(node: Node, trapExit = false): { readonly pid: Pid; readonly seen: unknown[] } {
  const seen: unknown[] = []
  const pid = node.spawn(async (self) => {
    self.trapExit = trapExit
    for (;;) seen.push(await self.receive())
  })
  return { pid, seen }
}

/** Runs `act` in a process, until it returns. */
function within<T>(node: Node, act: (self: Self) => T | Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    node.spawn(async (self) => {
      try {
        resolve(await act(self))
      } catch (error) {
        reject(error)
      }
    })
  })
}

const forever = () => new Promise<never>(() => {})

const Echo = defineServer({
  name: 'echo',
  init: () => ({ seen: [] as unknown[] }),
  call: {
    echo: ({ state }, value: unknown) => reply(value, state),
    seen: ({ state }) => reply(state.seen, state),
    fail: () => {
      throw new Error('a bug')
    },
    hang: () => forever(),
  },
  cast: { note: ({ state }, value: unknown) => ({ seen: [...state.seen, value] }) },
})

claim('Messages from one process to another arrive in the order in which they were sent.', async (node) => {
  const { pid, seen } = collector(node)
  await within(node, (self) => {
    for (let i = 0; i < 1000; i++) self.send(pid, i)
  })
  await node.idle()
  expect(seen).toEqual(Array.from({ length: 1000 }, (_, i) => i))
})

claim('An exit signal never overtakes a message that the same process sent before it.', async (node) => {
  const { pid, seen } = collector(node, true)
  await node.idle()
  const sender = await within(node, (self) => {
    self.send(pid, 'before')
    self.sendExit(pid, 'after')
    return self.pid
  })
  await node.idle()
  expect(seen).toEqual(['before', new Exit(sender, 'after')])
})

claim('A message never overtakes an exit signal that the same process sent before it.', async (node) => {
  const { pid, seen } = collector(node, true)
  await node.idle()
  const sender = await within(node, (self) => {
    self.sendExit(pid, 'before')
    self.send(pid, 'after')
    return self.pid
  })
  await node.idle()
  expect(seen).toEqual([new Exit(sender, 'before'), 'after'])
})

claim('No order holds between what two processes send to a third.', async (node) => {
  // All that can be shown: each pair is in order, however the two are mixed.
  const { pid, seen } = collector(node)
  for (const name of ['a', 'b']) {
    node.spawn((self) => {
      for (const i of [1, 2, 3]) self.send(pid, `${name}${i}`)
    })
  }
  await node.idle()
  for (const name of ['a', 'b']) {
    expect(seen.filter((message) => String(message).startsWith(name))).toEqual([1, 2, 3].map((i) => `${name}${i}`))
  }
})

claim("Nothing a process sends is handled before the sender's present turn is over.", async (node) => {
  const order: string[] = []
  const receiver = node.spawn(async (self) => {
    await self.receive()
    order.push('received')
  })
  await node.idle()
  node.spawn((self) => {
    self.send(receiver, 'hello')
    order.push('sent')
  })
  await node.idle()
  expect(order).toEqual(['sent', 'received'])
})

claim('A message to a process that has ended is a dead letter, and no error to its sender.', async (node, reports) => {
  const pid = node.spawn(() => {})
  await node.idle()
  await within(node, (self) => self.send(pid, 'late'))
  expect(node.counters.deadLetters).toBe(1)
  expect(reports).toEqual([{ kind: 'dead_letter', to: pid, why: 'noproc', tag: undefined, message: 'late' }])
})

claim('A message to a name that nobody has is an error to its sender.', async (node) => {
  await expect(within(node, (self) => self.send('nobody', 1))).rejects.toMatchObject({ code: 'ERR_BADARG' })
})

claim('A call to a process that has ended fails with noproc.', async (node) => {
  const echo = await node.start(Echo)
  await echo.stop()
  await expect(echo.call('echo', 1)).rejects.toMatchObject({ reason: 'noproc', code: 'ERR_NOPROC' })
})

claim('A call fails with the exit reason of a server that ends before it has answered.', async (node) => {
  const echo = await node.start(Echo)
  const waiting = echo.call('hang').catch((error: ExitError) => error.reason)
  await within(node, (self) => self.sendExit(echo, 'enough'))
  expect(await waiting).toBe('enough')
})

claim('A call that has timed out is not answered later: a late reply has no effect.', async (node) => {
  const late = defineServer<{ call: { ask(): number } }>()({
    init: () => null,
    call: {
      ask: async ({ self, state }) => {
        await self.sleep(30)
        return reply(1, state)
      },
    },
  })
  const server = await node.start(late)
  const outcome = await within(node, async (self) => {
    const answer = await self.call(server, 'ask', undefined, { timeoutMs: 5 }).catch((error: ExitError) => error.reason)
    await self.call(server, 'ask')
    return { answer, mail: await self.receive(undefined, { timeoutMs: 0 }) }
  })
  expect(outcome).toEqual({ answer: 'timeout', mail: undefined })
})

claim('The server does not learn that a caller has given up, and serves its call all the same.', async (node) => {
  const served: number[] = []
  const slow = defineServer({
    init: () => null,
    call: {
      serve: async ({ self, state }, n: number) => {
        await self.sleep(20)
        served.push(n)
        return reply(n, state)
      },
    },
  })
  const server = await node.start(slow)
  const first = server.call('serve', 1)
  const second = server.call('serve', 2, { timeoutMs: 5 })
  await expect(second).rejects.toMatchObject({ reason: 'timeout' })
  await first
  await server.call('serve', 3)
  expect(served).toEqual([1, 2, 3])
})

claim(
  'When a process ends, the processes linked to it end with the same reason, unless they trap exits.',
  async (node) => {
    const plain = collector(node)
    const trapping = collector(node, true)
    const watcher = collector(node)
    const reasons = within(node, async (self) => {
      self.monitor(plain.pid)
      return self.receive((message) => message instanceof Down)
    })
    await node.idle()
    await within(node, (self) => {
      self.link(plain.pid)
      self.link(trapping.pid)
      self.exit('broken')
    }).catch(() => {})
    await node.idle()
    // `within` catches the exit it throws; the link holds until the process itself ends.
    node.spawn((self) => {
      self.link(plain.pid)
      self.link(trapping.pid)
      self.exit('broken')
    })
    await node.idle()
    expect(await reasons).toMatchObject({ reason: 'broken' })
    expect([plain, trapping, watcher].map(({ pid }) => node.isAlive(pid))).toEqual([false, true, true])
  },
)

claim('The end of a process with reason normal hurts no linked process.', async (node) => {
  const { pid } = collector(node)
  node.spawn((self) => self.link(pid))
  await node.idle()
  expect(node.isAlive(pid)).toBe(true)
})

claim('A process that traps exits finds an exit signal as a message in its mailbox.', async (node) => {
  const { pid, seen } = collector(node, true)
  await node.idle()
  await within(node, (self) => self.sendExit(pid, 'please'))
  await node.idle()
  expect(seen).toEqual([expect.objectContaining({ reason: 'please' })])
})

claim('A kill cannot be trapped, and those linked to the killed process see the reason killed.', async (node) => {
  const victim = collector(node, true)
  const { pid, seen } = collector(node, true)
  await node.idle()
  const linker = node.spawn(async (self) => {
    self.trapExit = true
    self.link(victim.pid)
    self.send(pid, 'linked')
    self.send(pid, ((await self.receive()) as Exit).reason)
  })
  await node.idle()
  node.sendExit(victim.pid, 'kill')
  await node.idle()
  expect([node.isAlive(victim.pid), node.isAlive(linker)]).toEqual([false, false])
  expect(seen).toEqual(['linked', 'killed'])
})

claim('A monitor tells of the end of a process exactly once.', async (node) => {
  const { pid, seen } = collector(node)
  const target = collector(node).pid
  node.spawn(async (self) => {
    const ref = self.monitor(target)
    for (;;) self.send(pid, (await self.receive((message) => message instanceof Down && message.ref === ref)) as Down)
  })
  await node.idle()
  node.sendExit(target, 'done')
  node.sendExit(target, 'again')
  await node.idle()
  expect(seen).toEqual([expect.objectContaining({ reason: 'done' })])
})

claim('A monitor of a process that has ended tells at once, with reason noproc.', async (node) => {
  const gone = node.spawn(() => {})
  await node.idle()
  const down = await within(node, (self) => {
    self.monitor(gone)
    return self.receive()
  })
  expect(down).toMatchObject({ reason: 'noproc' })
})

claim('An exit cascade has run its course before any process reads its mailbox.', async (node) => {
  const seen: unknown[] = []
  // c is linked to b and monitors a; the end of a takes b, and b takes c: c must not see the end of a first.
  const a = node.spawn((self) => self.receive().then(() => self.exit('gone')))
  const b = node.spawn(async (self) => {
    self.link(a)
    await forever()
  })
  const c = node.spawn(async (self) => {
    self.link(b)
    self.monitor(a)
    seen.push(await self.receive())
  })
  await within(node, (self) => self.sleep(1))
  node.send(a, 'go')
  await within(node, (self) => self.sleep(1))
  expect([a, b, c].map((pid) => node.isAlive(pid))).toEqual([false, false, false])
  expect(seen).toEqual([])
})

claim(
  'A killed process whose handler still awaits something is fenced: what that handler still sends has no effect and is counted.',
  async (node) => {
    const { pid, seen } = collector(node)
    let resume: () => void = () => {}
    const gate = new Promise<void>((resolve) => {
      resume = resolve
    })
    const victim = node.spawn(async (self) => {
      await gate
      self.send(pid, 'from beyond')
    })
    await within(node, (self) => self.sleep(1))
    node.sendExit(victim, 'kill')
    await within(node, (self) => self.sleep(1))
    const before = node.counters.fenced
    resume()
    await node.idle()
    expect(seen).toEqual([])
    expect(node.counters.fenced).toBe(before + 1)
  },
)

claim('The abort signal of a killed process fires, so that what it waits for can be given up.', async (node) => {
  const aborted = new Promise<void>((resolve) => {
    const victim = node.spawn(async (self) => {
      self.signal.addEventListener('abort', () => resolve())
      node.sendExit(victim, 'kill')
      await forever()
    })
  })
  await aborted
})

claim('A handler that never returns and never awaits cannot be stopped by a kill on its own thread.', async (node) => {
  // For as long as it runs, nothing else does: the kill takes effect once it returns.
  let turned = 0
  const busy = node.spawn((self) => {
    node.sendExit(self.pid, 'kill')
    const end = performance.now() + 20
    while (performance.now() < end) turned++
  })
  await node.idle()
  expect(turned).toBeGreaterThan(0)
  expect(node.isAlive(busy)).toBe(false)
})

claim('A mailbox has no bound unless it is given one.', async (node) => {
  const echo = await node.start(Echo)
  for (let i = 0; i < 20_000; i++) expect(echo.cast('note', i)).toBe(true)
  node.sendExit(echo, 'kill')
})

/** A server that is busy for good, with a full mailbox. */
async function full(node: Node, overflow: 'refuse' | 'drop_oldest'): Promise<Ref<typeof Echo>> {
  const echo = await node.start(Echo, undefined, { mailbox: { capacity: 2, overflow } })
  void echo.call('hang', undefined, { timeoutMs: Number.POSITIVE_INFINITY }).catch(() => {})
  await within(node, (self) => self.sleep(1))
  expect([echo.cast('note', 1), echo.cast('note', 2)]).toEqual([true, true])
  return echo
}

claim('A full mailbox that refuses answers a call with overloaded, and a cast with false.', async (node) => {
  const echo = await full(node, 'refuse')
  expect(echo.cast('note', 3)).toBe(false)
  await expect(echo.call('seen')).rejects.toMatchObject({ reason: 'overloaded', code: 'ERR_OVERLOADED' })
})

claim('Signals, answers, Exit and Down messages are never bounded.', async (node) => {
  const seen: unknown[] = []
  const target = node.spawn(() => forever())
  const pid = node.spawn(
    async (self) => {
      self.trapExit = true
      self.monitor(target)
      await self.receive((message) => message === 'go')
      for (;;) seen.push(await self.receive())
    },
    { mailbox: { capacity: 2 } },
  )
  await within(node, (self) => self.sleep(1))
  for (const text of ['one', 'two', 'refused']) node.send(pid, text)
  for (let i = 0; i < 3; i++) node.sendExit(pid, i)
  node.sendExit(target, 'kill')
  await within(node, (self) => self.sleep(1))
  // There is no room for 'go' itself: what came as signals is in the mailbox all the same.
  expect(node.counters.deadLetters).toBe(1)
  node.sendExit(pid, 'kill')
  await within(node, (self) => self.sleep(1))
  expect(node.counters.deadLetters).toBe(3)
})

claim('A mailbox that drops its oldest message counts it as a dead letter.', async (node, reports) => {
  const echo = await full(node, 'drop_oldest')
  expect(echo.cast('note', 3)).toBe(true)
  expect(reports).toEqual([{ kind: 'dead_letter', to: echo, why: 'overflow', tag: 'note', message: 1 }])
})

claim(
  'Two processes that send to each other without end do not keep a timer of the host from firing.',
  async (node) => {
    const volley = async (self: Self) => {
      for (;;) self.send((await self.receive()) as Pid, self.pid)
    }
    const [a, b] = [node.spawn(volley), node.spawn(volley)]
    node.send(a, b)
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 1))
    for (const pid of [a, b]) node.sendExit(pid, 'kill')
  },
)

claim('A process with a deep mailbox does not keep another from its turn.', async (node) => {
  let handled = 0
  const deep = await node.start(defineServer({ init: () => 0, cast: { work: () => ++handled } }))
  const other = await node.start(Echo)
  for (let i = 0; i < 5000; i++) deep.cast('work')
  await other.call('echo', 1)
  expect(handled).toBeGreaterThan(0)
  expect(handled).toBeLessThan(5000)
  await node.idle()
  expect(handled).toBe(5000)
})

claim(
  'Processes of high priority run before those of normal and low priority; those of low priority are not starved.',
  async (node) => {
    const order: string[] = []
    const go = (priority: 'high' | 'normal' | 'low') => node.spawn(() => void order.push(priority), { priority })
    await within(node, () => {
      go('low')
      for (let i = 0; i < 20; i++) go('normal')
      go('high')
    })
    await node.idle()
    expect(order[0]).toBe('high')
    expect(order.length).toBe(22)
    expect(order.indexOf('low')).toBeGreaterThan(1)
    expect(order.indexOf('low')).toBeLessThan(21)
  },
)

claim('A server handles one message at a time: while a handler awaits, nothing else is handed to it.', async (node) => {
  let running = 0
  let most = 0
  const server = await node.start(
    defineServer({
      init: () => null,
      call: {
        work: async ({ self, state }) => {
          most = Math.max(most, ++running)
          await self.sleep(1)
          running--
          return reply(null, state)
        },
      },
    }),
  )
  await Promise.all([1, 2, 3].map(() => server.call('work')))
  expect(most).toBe(1)
})

claim('A handler that returns without a promise runs without an await in between.', async (node) => {
  const echo = await node.start(Echo)
  const order: string[] = []
  echo.cast('note', 1)
  const answer = echo.call('seen').then((seen) => order.push(`answer ${seen.length}`))
  order.push('asked')
  await answer
  expect(order).toEqual(['asked', 'answer 1'])
})

claim(
  'A process waits in receive for the oldest message that it wants, and leaves the others in order.',
  async (node) => {
    const got = await within(node, async (self) => {
      for (const n of [1, 2, 3, 4, 5]) self.send(self.pid, n)
      const even = (message: unknown): message is number => typeof message === 'number' && message % 2 === 0
      return [
        await self.receive(even),
        await self.receive(even),
        await self.receive(),
        await self.receive(),
        await self.receive(),
      ]
    })
    expect(got).toEqual([2, 4, 1, 3, 5])
  },
)

claim(
  'An error in a handler ends its process, and never reaches the host as an uncaught exception or an unhandled rejection.',
  async (node) => {
    const escaped: unknown[] = []
    const hear = (error: unknown) => void escaped.push(error)
    process.on('uncaughtException', hear)
    process.on('unhandledRejection', hear)
    const echo = await node.start(Echo)
    await expect(echo.call('fail')).rejects.toBeInstanceOf(ExitError)
    node.spawn(() => {
      throw new Error('a bug')
    })
    node.spawn(() => Promise.reject(new Error('a bug')))
    await within(node, (self) => self.sleep(5))
    process.off('uncaughtException', hear)
    process.off('unhandledRejection', hear)
    expect(escaped).toEqual([])
    expect(node.isAlive(echo)).toBe(false)
  },
)

claim(
  'A crash is reported as an event with the process, the reason and the message it was handling.',
  async (node, reports) => {
    const echo = await node.start(Echo, undefined, { name: 'echo' })
    await echo.call('fail').catch(() => {})
    expect(reports).toEqual([
      expect.objectContaining({ kind: 'crash', pid: echo, definition: 'echo', handling: 'fail' }),
    ])
  },
)

claim(
  'An orderly end, with reason normal, shutdown or { shutdown }, is not reported as a crash.',
  async (node, reports) => {
    for (const reason of ['normal', 'shutdown', { shutdown: 'closing time' }]) {
      const echo = await node.start(Echo)
      await echo.stop(reason)
    }
    expect(reports).toEqual([])
  },
)

const Loud = defineServer({
  init: ([name, log]: readonly [string, string[]], { self }) => {
    self.trapExit = true
    log.push(`start ${name}`)
    return { name, log }
  },
  terminate: ({ state }) => void state.log.push(`end ${state.name}`),
})

claim('Children start in the order of their specs and are ended in the reverse order.', async (node) => {
  const log: string[] = []
  const tree = await node.start(
    supervisor({ children: ['a', 'b', 'c'].map((id) => ({ id, start: [Loud, [id, log]] as const })) }),
  )
  await tree.stop('shutdown')
  expect(log).toEqual(['start a', 'start b', 'start c', 'end c', 'end b', 'end a'])
})

claim(
  'A supervisor that restarts more often than its intensity allows within the period ends with reason shutdown.',
  async (node) => {
    const tree = await node.start(
      supervisor({ intensity: 1, periodMs: 60_000, children: [{ id: 'echo', start: [Echo], name: 'echo' }] }),
    )
    const down = within(node, (self) => {
      self.monitor(tree)
      return self.receive()
    })
    for (let i = 0; i < 2; i++) {
      const echo = node.whereis(Echo, 'echo')
      if (echo !== undefined) await echo.call('fail').catch(() => {})
      await within(node, (self) => self.sleep(1))
    }
    expect(await down).toMatchObject({ reason: 'shutdown' })
  },
)

claim('A supervisor ignores exit signals of processes that are neither its parent nor its children.', async (node) => {
  const tree = await node.start(supervisor({ children: [{ id: 'echo', start: [Echo] }] }))
  await within(node, (self) => self.sendExit(tree, 'go away'))
  expect((await tree.call('count_children')).active).toBe(1)
})

claimBetweenNodes(claim)

test('the page and the tests say the same', () => {
  const page = readFileSync(new URL('../../docs/semantics.md', import.meta.url), 'utf8')
  const bullets = [...page.matchAll(/^- (.+)$/gm)].map((match) => match[1])
  expect(titles).toEqual(bullets)
})

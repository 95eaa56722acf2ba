import { createNode, Down, Exit, type ExitReason, type Node, type Pid, ProcessError, type Self } from 'espalier'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

let node: Node

beforeEach(() => {
  node = createNode()
})
afterEach(() => node.stop())

/** A process that waits until it is told to end, with the reason it is told. */
const waiting = (self: Self) => self.receive().then((reason) => self.exit(reason))
/** A process that traps exits and notes every message. */
const observer = (log: unknown[], begin?: (self: Self) => void) => async (self: Self) => {
  self.trapExit = true
  begin?.(self)
  for (;;) log.push(await self.receive())
}
const linkTo = (log: unknown[], other: Pid) => observer(log, (self) => self.link(other))

describe('links', () => {
  test('an end for a reason spreads to those linked, and to those linked to them', async () => {
    const log: unknown[] = []
    const a = node.spawn(waiting)
    const b = node.spawn((self) => {
      self.link(a)
      return waiting(self)
    })
    await node.idle()
    const c = node.spawn(linkTo(log, b))
    await node.idle()
    node.send(a, 'boom')
    await node.idle()
    expect([a, b, c].map((pid) => node.isAlive(pid))).toEqual([false, false, true])
    expect(log).toEqual([new Exit(b, 'boom')])
  })

  test('a normal end hurts nobody, but those who trap exits hear of it', async () => {
    const log: unknown[] = []
    const a = node.spawn(waiting)
    const b = node.spawn((self) => {
      self.link(a)
      return waiting(self)
    })
    const c = node.spawn(linkTo(log, a))
    await node.idle()
    node.send(a, 'normal')
    await node.idle()
    expect([b, c].map((pid) => node.isAlive(pid))).toEqual([true, true])
    expect(log).toEqual([new Exit(a, 'normal')])
  })

  test('a link is one, however often it is made, and from whichever side', async () => {
    const log: unknown[] = []
    const a = node.spawn(observer([]))
    node.spawn(async (self) => {
      self.trapExit = true
      self.link(a)
      self.link(a)
      log.push(self.links())
      self.sendExit(a, 'kill')
      log.push(await self.receive())
      log.push(await self.receive(undefined, { timeoutMs: 0 }))
      log.push(self.links())
    })
    await node.idle()
    expect(log).toEqual([[a], new Exit(a, 'killed'), undefined, []])
  })

  test('after unlink nothing comes, from either side', async () => {
    const a = node.spawn(waiting)
    const b = node.spawn((self) => {
      self.link(a)
      self.unlink(a)
      return waiting(self)
    })
    await node.idle()
    node.send(a, 'boom')
    await node.idle()
    expect([node.isAlive(a), node.isAlive(b)]).toEqual([false, true])
    const c = node.spawn((self) => {
      self.link(b)
      self.unlink(b)
      self.exit('boom')
    })
    await node.idle()
    expect([node.isAlive(c), node.isAlive(b)]).toEqual([false, true])
  })

  test('after unlink the exit signal of a process that is dying already does not strike', async () => {
    const dying = node.spawn(waiting)
    const former = node.spawn((self) => {
      self.link(dying)
      self.sendExit(dying, 'boom')
      self.unlink(dying)
      return waiting(self)
    })
    await node.idle()
    expect([node.isAlive(dying), node.isAlive(former)]).toEqual([false, true])
  })

  test('a link to nobody throws noproc, or tells a process that traps exits', async () => {
    const gone = node.spawn(() => {})
    await node.idle()
    const log: unknown[] = []
    node.spawn((self) => {
      try {
        self.link(gone)
      } catch (error) {
        log.push(error)
      }
    })
    node.spawn(linkTo(log, gone))
    await node.idle()
    expect(log).toEqual([expect.any(ProcessError), new Exit(gone, 'noproc')])
    expect(log[0]).toMatchObject({ code: 'ERR_NOPROC', reason: 'noproc' })
  })

  test('spawn with link is linked from birth: the end of a child that never ran is felt', async () => {
    const log: unknown[] = []
    node.spawn(
      observer(log, (self) => {
        const child = self.spawn(waiting, { link: true })
        log.push(self.links().length)
        self.sendExit(child, 'early')
      }),
    )
    await node.idle()
    expect(log).toEqual([1, expect.objectContaining({ reason: 'early' })])
  })
})

describe('exit signals', () => {
  const endsBy = async (reason: ExitReason, trapping: boolean) => {
    const log: unknown[] = []
    const victim = node.spawn(trapping ? observer(log) : waiting)
    const downs: unknown[] = []
    node.spawn(observer(downs, (self) => self.monitor(victim)))
    await node.idle()
    node.sendExit(victim, reason)
    await node.idle()
    const heard = log.map((message) => (message instanceof Exit ? message.reason : message))
    return { heard, ended: downs.map((down) => (down instanceof Down ? down.reason : down)) }
  }

  test('end a process, with their reason', async () => {
    expect(await endsBy({ shutdown: 1 }, false)).toEqual({ heard: [], ended: [{ shutdown: 1 }] })
  })
  test('are messages to a process that traps them', async () => {
    expect(await endsBy('boom', true)).toEqual({ heard: ['boom'], ended: [] })
  })
  test('normal has no effect, but for a process that traps exits', async () => {
    expect(await endsBy('normal', false)).toEqual({ heard: [], ended: [] })
    expect(await endsBy('normal', true)).toEqual({ heard: ['normal'], ended: [] })
  })
  test('kill cannot be trapped, and becomes killed', async () => {
    expect(await endsBy('kill', true)).toEqual({ heard: [], ended: ['killed'] })
    expect(await endsBy('kill', false)).toEqual({ heard: [], ended: ['killed'] })
  })
  test('killed is a reason as any other', async () => {
    expect(await endsBy('killed', true)).toEqual({ heard: ['killed'], ended: [] })
  })

  test('kill that comes through a link can be trapped', async () => {
    const log: unknown[] = []
    const a = node.spawn(waiting)
    const b = node.spawn(linkTo(log, a))
    await node.idle()
    node.send(a, 'kill')
    await node.idle()
    expect(log).toEqual([new Exit(a, 'kill')])
    expect(node.isAlive(b)).toBe(true)
  })

  test('normal to oneself ends', async () => {
    const pid = node.spawn(async (self) => {
      self.sendExit(self.pid, 'normal')
      await self.receive()
    })
    await node.idle()
    expect(node.isAlive(pid)).toBe(false)
  })

  test('to nobody have no effect', async () => {
    const gone = node.spawn(() => {})
    await node.idle()
    node.sendExit(gone, 'kill')
    await node.idle()
    expect(node.counters.deadLetters).toBe(0)
  })
})

describe('monitors', () => {
  test('fire once each, with the reason, and are gone then', async () => {
    const log: unknown[] = []
    const victim = node.spawn(waiting)
    const refs: unknown[] = []
    node.spawn(async (self) => {
      refs.push(self.monitor(victim), self.monitor(victim))
      log.push(self.monitors())
      log.push(await self.receive(), await self.receive())
      log.push(self.monitors(), await self.receive(undefined, { timeoutMs: 0 }))
    })
    await node.idle()
    node.send(victim, 'boom')
    await node.idle()
    const [first, second] = refs
    expect(log).toEqual([
      [victim, victim],
      { ref: first, target: victim, reason: 'boom' },
      { ref: second, target: victim, reason: 'boom' },
      [],
      undefined,
    ])
  })

  test('of nobody fire at once with noproc, by pid and by name', async () => {
    const gone = node.spawn(() => {})
    await node.idle()
    const log: unknown[] = []
    node.spawn(
      observer(log, (self) => {
        self.monitor(gone)
        self.monitor('nobody')
      }),
    )
    await node.idle()
    expect(log).toEqual([
      { ref: expect.anything(), target: gone, reason: 'noproc' },
      { ref: expect.anything(), target: 'nobody', reason: 'noproc' },
    ])
  })

  test('by name say the name, and stay with the process that had it', async () => {
    const log: unknown[] = []
    const named = node.spawn(waiting, { name: 'it' })
    node.spawn(
      observer(log, (self) => {
        self.monitor('it')
        self.unregister('it')
      }),
    )
    await node.idle()
    expect(log).toEqual([])
    node.send(named, 'boom')
    await node.idle()
    expect(log).toEqual([{ ref: expect.anything(), target: 'it', reason: 'boom' }])
  })

  test('of oneself never fire', async () => {
    const log: unknown[] = []
    node.spawn(observer(log, (self) => self.monitor(self.pid)))
    await node.idle()
    expect(log).toEqual([])
  })

  test('end with demonitor; flush takes the message that came before, info tells', async () => {
    const log: unknown[] = []
    const victim = node.spawn(waiting)
    node.spawn(async (self) => {
      const early = self.monitor(victim)
      log.push(self.demonitor(early, { info: true }))
      const late = self.monitor(victim)
      const kept = self.monitor(victim)
      self.sendExit(victim, 'boom')
      await self.receive((message) => message instanceof Down && message.ref === kept)
      log.push(self.demonitor(late, { flush: true, info: true }))
      log.push(self.demonitor(late, { flush: true }))
      log.push(await self.receive(undefined, { timeoutMs: 0 }))
    })
    await node.idle()
    expect(log).toEqual([true, false, true, undefined])
  })

  test('spawnMonitor sees the end of a child that never ran', async () => {
    const log: unknown[] = []
    node.spawn(
      observer(log, (self) => {
        const { pid } = self.spawnMonitor(waiting)
        self.sendExit(pid, 'kill')
      }),
    )
    await node.idle()
    expect(log).toEqual([expect.objectContaining({ reason: 'killed' })])
  })
})

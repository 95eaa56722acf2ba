// Every way in which a thread can die, against everything that may hang on one of its processes.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../kernel/until.ts'
import { type Death, echo, espalier, Fixture, room, smallHeap, type TestThread } from './fixture.ts'

let fixture: Fixture

// A watchdog that ends threads only where one is meant to hang: on a machine that is busy, others may seem to.
const impatient = { watchdog: { frozenAfterMs: 1000, graceMs: 50 } }

beforeEach(({ task }) => {
  const hangs = /endless|watchdog/.test(`${task.suite?.name}`)
  fixture = new Fixture(hangs ? impatient : {})
})

afterEach(() => fixture.stop())

const options = { boot: echo, resourceLimits: smallHeap }

const deaths: readonly (readonly [Death | 'terminate', string])[] = [
  ['exit', 'exit'],
  ['throw', 'error'],
  ['out of memory', 'out_of_memory'],
  ['terminate', 'terminated'],
  ['endless loop', 'frozen'],
]

function kill(thread: TestThread, how: Death | 'terminate'): void {
  if (how === 'terminate') void thread.terminate()
  else fixture.refOf(thread).cast('die', how)
}

describe.each(deaths)('a thread ends by %s', (death, how) => {
  test('a link breaks with noconnection', async () => {
    const { thread, ref } = await fixture.start('victim', options)
    const got: unknown[] = []
    fixture.node.spawn(async (self) => {
      self.trapExit = true
      self.link(ref)
      got.push(await self.receive(() => true))
    })
    // The link has arrived once the echo has answered.
    await ref.call('count')
    kill(thread, death)
    await until(() => got.length === 1)
    expect(got).toMatchObject([{ from: ref, reason: 'noconnection' }])
    expect(await thread.ended).toMatchObject({ how })
  })

  test('a monitor fires with noconnection, once', async () => {
    const { thread, ref } = await fixture.start('victim', options)
    const got: unknown[] = []
    fixture.node.spawn(async (self) => {
      self.monitor(ref)
      for (;;) got.push(await self.receive(() => true))
    })
    await ref.call('count')
    kill(thread, death)
    await thread.ended
    await until(() => got.length > 0)
    await fixture.node.idle()
    expect(got).toMatchObject([{ target: ref, reason: 'noconnection' }])
  })

  test('a call in flight fails with noconnection, and later ones too', async () => {
    const { thread, ref } = await fixture.start('victim', options)
    const call = ref.call('never', undefined, { timeoutMs: 10_000 }).then(
      () => 'answered',
      (error: { readonly reason: unknown }) => error.reason,
    )
    await ref.call('count')
    kill(thread, death)
    expect(await call).toBe('noconnection')
    await thread.ended
    await expect(ref.call('count')).rejects.toMatchObject({ reason: 'noconnection' })
  })

  test('under a supervisor it comes back, and serves', async () => {
    const { node, threads } = fixture
    const tree = room.threadSupervisor(threads, [{ name: 'victim', options }], { intensity: 1 })
    await node.start(tree)
    const first = threads.get('victim') as TestThread
    kill(first, death)
    await until(() => (threads.get('victim') ?? first) !== first)
    const second = threads.get('victim') as TestThread
    expect(await fixture.refOf(second).call('echo', 'again')).toBe('again')
    expect(await first.ended).toMatchObject({ how })
  })
})

describe('a thread supervisor', () => {
  test('gives up when a thread dies more often than its intensity allows', async () => {
    const { node, threads } = fixture
    const tree = await node.start(room.threadSupervisor(threads, [{ name: 'victim', options }], { intensity: 1 }))
    const downs: unknown[] = []
    node.spawn(async (self) => {
      self.monitor(tree)
      downs.push(await self.receive(() => true))
    })
    let last: TestThread | undefined
    for (let life = 0; life < 2; life++) {
      await until(() => threads.get('victim') !== undefined && threads.get('victim') !== last)
      last = threads.get('victim') as TestThread
      kill(last, 'exit')
      await last.ended
    }
    await until(() => downs.length === 1)
    expect(downs).toMatchObject([{ reason: 'shutdown' }])
    expect(threads.list()).toEqual([])
  })

  test('stops its threads in order when it is told to end', async () => {
    const { node, threads } = fixture
    const tree = await node.start(
      room.threadSupervisor(threads, [
        { name: 'one', options },
        { name: 'two', options },
      ]),
    )
    await tree.stop('shutdown')
    expect(fixture.of('ended').map(({ name, how }) => `${name} ${how}`)).toEqual(['two stopped', 'one stopped'])
  })
})

describe('the watchdog', () => {
  test('names the process and the message that hang a thread', async () => {
    const { ref, thread } = await fixture.start('victim', options)
    ref.cast('die', 'endless loop')
    expect(await thread.ended).toMatchObject({
      how: 'frozen',
      reason: `frozen: process ${ref.id} of victim, handling "die"`,
    })
    expect(fixture.of('frozen')).toMatchObject([
      { name: 'victim', running: { nodeName: 'victim', processId: ref.id, tag: 'die' } },
    ])
  })

  test('leaves an idle thread alone, and one that is busy in pieces', async () => {
    const { ref } = await fixture.start('victim', options)
    const endMs = performance.now() + 1500
    while (performance.now() < endMs) await ref.call('echo', 'x'.repeat(10_000))
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(fixture.of('frozen')).toEqual([])
  })

  test('tells when the main thread has been frozen', async () => {
    await fixture.start('victim', options)
    await new Promise((resolve) => setTimeout(resolve, 200))
    const endMs = performance.now() + 3000
    while (performance.now() < endMs);
    await until(() => fixture.of('thawed').length > 0)
    expect(fixture.of('frozen')).toMatchObject([{ name: 'main' }])
  })

  test('refuses options that make no sense', () => {
    const node = espalier.createNode({ name: 'wrong' })
    expect(() => new room.Threads(node, { watchdog: { frozenAfterMs: 1 } })).toThrow(/watchdog.frozenAfterMs/)
    expect(() => new room.Threads(node, { watchdog: { graceMs: -1 } })).toThrow(/watchdog.graceMs/)
    expect(() => new room.Threads(node, { windowBytes: 0 })).toThrow(/windowBytes/)
  })
})

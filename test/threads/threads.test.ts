import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { until } from '../kernel/until.ts'
import { compiledUrl, echo, espalier, Fixture, smallHeap, workerModule } from './fixture.ts'

let fixture: Fixture

beforeEach(() => {
  fixture = new Fixture()
})

afterEach(() => fixture.stop())

describe('a thread is a node', () => {
  test('its processes answer calls and take casts', async () => {
    const { ref } = await fixture.start('one')
    expect(await ref.call('echo', { list: [1, new Map([['k', 2n]])] })).toEqual({ list: [1, new Map([['k', 2n]])] })
    ref.cast('add', 2)
    ref.cast('add', 3)
    expect(await ref.call('count')).toBe(5)
  })

  test('what crashes on it is reported by the main thread’s node', async () => {
    const { ref } = await fixture.start('one')
    const reports: unknown[] = []
    fixture.node.onReport((report) => void reports.push(report))
    ref.cast('fail')
    await until(() => reports.length > 0)
    const error = expect.objectContaining({ name: 'RangeError', message: 'a bug', code: 'ERR_BUG' })
    expect(reports).toEqual([
      expect.objectContaining({
        kind: 'crash',
        pid: ref,
        handling: 'fail',
        reason: expect.objectContaining({ error }),
      }),
    ])
  })

  test('bytes that are marked to be moved are moved there and back, others are copied', {
    timeout: 60_000,
  }, async () => {
    const { ref } = await fixture.start('one')
    const [moved, copied] = [new Uint8Array(2000).fill(7), new Uint8Array(2000).fill(8)]
    const answer = ref.call('echo', { moved: espalier.transfer(moved), again: moved, copied })
    expect([moved.byteLength, copied.byteLength]).toEqual([0, 2000])
    const full = (byte: number) => new Uint8Array(2000).fill(byte)
    expect(await answer).toEqual({ moved: full(7), again: full(7), copied: full(8) })
    const words = new Float64Array([1, 2])
    expect(await ref.call('echo', [espalier.transfer(words.buffer), espalier.transfer(new Float64Array([3]))])).toEqual(
      [words.buffer.byteLength === 0 ? new Float64Array([1, 2]).buffer : 'not moved', new Float64Array([3])],
    )
  })

  test('bytes that wait for room are moved too, and in order', { timeout: 60_000 }, async () => {
    const small = new Fixture({ windowBytes: 4096 })
    const { ref } = await small.start('one')
    const sent = Array.from({ length: 20 }, (_, n) => new Uint8Array(3000).fill(n))
    const answers = await Promise.all(sent.map((bytes) => ref.call('echo', espalier.transfer(bytes))))
    expect(answers).toEqual(Array.from({ length: 20 }, (_, n) => new Uint8Array(3000).fill(n)))
    expect(sent.every(({ byteLength }) => byteLength === 0)).toBe(true)
    await small.stop()
  })

  test('a view of a part of a buffer cannot be moved', () => {
    expect(() => espalier.transfer(new Uint8Array(new ArrayBuffer(8), 4))).toThrow(/bytes/)
  })

  test('the next one of its kind takes the spare that it has kept', { timeout: 60_000 }, async () => {
    const idOf = async (name: string, options: import('./fixture.ts').ThreadOptions = {}) => {
      const { thread, booted } = await fixture.start(name, options)
      return { thread, id: booted.threadId }
    }
    const first = await idOf('one', { spare: true })
    const other = await idOf('two')
    await first.thread.terminate()
    const second = await idOf('one', { spare: true })
    // Threads are numbered as they are started: the spare was, before the other one.
    expect(first.id < second.id && second.id < other.id).toBe(true)
    const bounded = await idOf('three', { resourceLimits: smallHeap })
    expect(bounded.id).toBeGreaterThan(other.id)
  })

  test('it is connected to the main thread and to those before it', async () => {
    await fixture.start('one')
    const { booted } = await fixture.start('two')
    expect([...booted.nodes].sort()).toEqual(['main', 'one'])
    await until(() => fixture.threads.distribution.nodes().length === 2)
  })

  test('two of one name cannot be', async () => {
    await fixture.start('one')
    await expect(fixture.threads.start('one')).rejects.toMatchObject({ code: 'ERR_THREAD' })
    await expect(fixture.threads.start('main')).rejects.toMatchObject({ code: 'ERR_THREAD' })
  })

  test('a stopped one is gone in order, and its name can be used again', async () => {
    const { thread } = await fixture.start('one')
    expect(await thread.stop()).toMatchObject({ how: 'stopped', exitCode: 0 })
    expect(fixture.threads.list()).toEqual([])
    await fixture.start('one')
    expect(fixture.of('ended')).toMatchObject([{ how: 'stopped' }])
  })

  test('a boot function that fails fails the start, and leaves no thread', async () => {
    const boot = { ...echo, export: 'fail' }
    await expect(fixture.threads.start('one', { boot })).rejects.toMatchObject({
      code: 'ERR_THREAD',
      cause: { name: 'RangeError', message: 'no boot', code: 'ERR_NO_BOOT' },
    })
    expect(fixture.threads.list()).toEqual([])
    await fixture.start('one')
  })

  test('a module that is missing fails the start', async () => {
    const boot = { module: compiledUrl('nowhere.js'), export: 'boot' }
    await expect(fixture.threads.start('one', { boot })).rejects.toMatchObject({ code: 'ERR_THREAD' })
  })
})

describe('a thread that dies is a nodedown with its reason', () => {
  test.each([
    ['exit', 'exit', 'exit code 7'],
    ['throw', 'error', 'TypeError: nobody caught this'],
    ['out of memory', 'out_of_memory', 'out of memory'],
  ])('%s', async (how, kind, reason) => {
    const downs: unknown[] = []
    const { node, threads } = fixture
    const boot = { module: workerModule('echo.mjs'), export: 'end', args: [how] }
    const witness = node.spawn(async (self) => {
      for (;;) downs.push(await self.receive(() => true))
    })
    await threads.start('mortal', { boot, resourceLimits: smallHeap })
    threads.distribution.monitorNode(witness, 'mortal')
    await until(() => downs.length === 1 && fixture.of('ended').length === 1)
    expect(downs).toMatchObject([{ nodeName: 'mortal', reason }])
    expect(fixture.of('ended')).toMatchObject([{ name: 'mortal', how: kind, reason }])
  })
})

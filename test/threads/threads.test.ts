import type { Pid } from 'espalier'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NodeDown } from '../../src/distribution/node-events.ts'
import { until } from '../kernel/until.ts'
import { compiledUrl, espalier, threads as room, workerModule } from './compiled.ts'

type Node = ReturnType<typeof espalier.createNode>
type Threads = InstanceType<typeof room.Threads>
type End = import('espalier/threads').ThreadEnd
interface Booted {
  readonly pid: Pick<Pid, 'nodeName' | 'creation' | 'id'>
  readonly nodes: readonly string[]
}
interface Echo {
  readonly call: { echo(value: unknown): unknown; count(): number }
  readonly cast: { add(by: number): void }
}

const echo = { module: workerModule('echo.mjs'), export: 'boot' }
let node: Node
let threads: Threads
let ends: End[]

beforeEach(() => {
  ends = []
  node = espalier.createNode({ name: 'main' })
  threads = new room.Threads(node, { onEnd: (end) => void ends.push(end) })
})

afterEach(async () => {
  await threads.stop()
  await node.stop()
})

async function startEcho(name: string) {
  const thread = await threads.start(name, { boot: echo })
  const booted = thread.booted as Booted
  const ref = threads.distribution.pid(booted.pid) as import('espalier').Ref<Echo>
  return { thread, ref, booted }
}

describe('a thread is a node', () => {
  test('its processes answer calls and take casts', async () => {
    const { ref } = await startEcho('one')
    expect(await ref.call('echo', { list: [1, new Map([['k', 2n]])] })).toEqual({ list: [1, new Map([['k', 2n]])] })
    ref.cast('add', 2)
    ref.cast('add', 3)
    expect(await ref.call('count')).toBe(5)
  })

  test('it is connected to the main thread and to those before it', async () => {
    await startEcho('one')
    const { booted } = await startEcho('two')
    expect([...booted.nodes].sort()).toEqual(['main', 'one'])
    await until(() => threads.distribution.nodes().length === 2)
  })

  test('two of one name cannot be', async () => {
    await startEcho('one')
    await expect(threads.start('one')).rejects.toMatchObject({ code: 'ERR_THREAD' })
    await expect(threads.start('main')).rejects.toMatchObject({ code: 'ERR_THREAD' })
  })

  test('a stopped one is gone in order, and its name can be used again', async () => {
    const { thread } = await startEcho('one')
    expect(await thread.stop()).toMatchObject({ kind: 'stopped', exitCode: 0 })
    expect(threads.list()).toEqual([])
    await startEcho('one')
    expect(ends).toMatchObject([{ kind: 'stopped' }])
  })

  test('a boot function that fails fails the start, and leaves no thread', async () => {
    const boot = { module: workerModule('echo.mjs'), export: 'fail' }
    await expect(threads.start('one', { boot })).rejects.toMatchObject({
      code: 'ERR_THREAD',
      cause: { name: 'RangeError', message: 'no boot' },
    })
    expect(threads.list()).toEqual([])
    await startEcho('one')
  })

  test('a module that is missing fails the start', async () => {
    const boot = { module: compiledUrl('nowhere.js'), export: 'boot' }
    await expect(threads.start('one', { boot })).rejects.toMatchObject({ code: 'ERR_THREAD' })
  })
})

describe('a thread that dies is a nodedown with its reason', () => {
  test.each([
    ['exit', 'exit', 'exit code 7'],
    ['throw', 'error', 'TypeError: nobody caught this'],
    ['out of memory', 'out_of_memory', 'out of memory'],
  ])('%s', async (how, kind, reason) => {
    const downs: unknown[] = []
    const boot = { module: workerModule('echo.mjs'), export: 'end', args: [how] }
    const witness = node.spawn(async (self) => {
      for (;;) downs.push(await self.receive(() => true))
    })
    await threads.start('mortal', { boot, resourceLimits: { maxOldGenerationSizeMb: 16 } })
    threads.distribution.monitorNode(witness, 'mortal')
    await until(() => downs.length === 1 && ends.length === 1)
    expect(downs).toEqual([{ ...new NodeDown('mortal', reason) }])
    expect(ends).toMatchObject([{ name: 'mortal', kind, reason }])
  })
})

// Our contender of the room `threads`. Where a row compares us with a bare primitive, both take turns over the same two
// threads, a slice each: where the kernel puts two threads decides more than what runs on them.

import { MessageChannel } from 'node:worker_threads'
import { createNode, type Ref } from 'espalier'
import { OffloadPool, Threads } from 'espalier/threads'
import { Piscina } from 'piscina'
import type { Run } from '../harness/contender.ts'
import { type Bare, Counter, packr } from './far.ts'

const SLICE = 1000
const OUTSTANDING = 256

const node = createNode({ name: 'main' })
const threads = new Threads(node)
const far = new URL('./far.js', import.meta.url)

async function start(name: string, spare = false) {
  const [echo, byId, batches] = [new MessageChannel(), new MessageChannel(), new MessageChannel()]
  const theirs: Bare = { echo: echo.port2, byId: byId.port2, batches: batches.port2 }
  const transfer = Object.values(theirs)
  const thread = await threads.start(name, { spare, boot: { module: far, export: 'boot', args: [theirs], transfer } })
  const counter = threads.distribution.pid(thread.booted as Ref<typeof Counter>) as Ref<typeof Counter>
  return { thread, counter, bare: { echo: echo.port1, byId: byId.port1, batches: batches.port1 } satisfies Bare }
}

const { counter, bare } = await start('far')

/** Runs `body` in a process. */
function inProcess<T>(body: (call: (by: number) => Promise<number>) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    node.spawn(async (self) => {
      await body((by) => self.call(counter, 'add', by)).then(resolve, reject)
    })
  })
}

let answered: (n: number) => void = () => {}
bare.echo.on('message', (n: number) => answered(n))
const bareEcho = (n: number) =>
  new Promise<number>((resolve) => {
    answered = resolve
    bare.echo.postMessage(n)
  })

async function latencies(count: number, into: Float64Array, at: number, one: () => Promise<unknown>): Promise<void> {
  for (let i = 0; i < count; i++) {
    const began = performance.now()
    await one()
    into[at + i] = performance.now() - began
  }
}

function median(values: Float64Array): number {
  const sorted = Float64Array.from(values).sort()
  return ((sorted[(sorted.length - 1) >> 1] ?? 0) + (sorted[sorted.length >> 1] ?? 0)) / 2
}

/** Calls one after another, ours and bare in turns. */
async function call(count: number): Promise<Run> {
  const [ours, theirs] = [new Float64Array(count), new Float64Array(count)]
  let bareCount = 0
  const before = await counter.call('get')
  await inProcess(async (add) => {
    for (let at = 0; at < count; at += SLICE) {
      await latencies(SLICE, ours, at, () => add(1))
      await latencies(SLICE, theirs, at, async () => {
        bareCount = await bareEcho(bareCount)
      })
    }
  })
  const oursCount = (await counter.call('get')) - before
  if (bareCount !== count) throw new Error(`the bare port answered ${bareCount} of ${count}`)
  const [p50, bareP50] = [median(ours) * 1000, median(theirs) * 1000]
  return { completed: oursCount, values: { p50, bareP50, ratio: p50 / bareP50 } }
}

// Slots, not a Map: that would have the collector copy half of what both sides allocate.
const waiting: (((n: number) => void) | null)[] = Array.from({ length: 2 * OUTSTANDING }, () => null)
let nextId = 0
bare.byId.on('message', ({ id, n }: { readonly id: number; readonly n: number }) => {
  const resolve = waiting[id]
  waiting[id] = null
  resolve?.(n)
})
const bareCall = (n: number) =>
  new Promise<number>((resolve) => {
    do nextId = (nextId + 1) % waiting.length
    while (waiting[nextId] !== null)
    waiting[nextId] = resolve
    bare.byId.postMessage({ id: nextId, n })
  })

/** `count` calls, {@link OUTSTANDING} under way at any time. Answers how long they took. */
async function under(count: number, one: (n: number) => Promise<number>): Promise<number> {
  const began = performance.now()
  let left = count
  await Promise.all(
    Array.from({ length: OUTSTANDING }, async () => {
      while (left-- > 0) await one(1)
    }),
  )
  return performance.now() - began
}

/** Many calls at once, ours and bare in turns. */
async function concurrent(count: number): Promise<Run> {
  let [oursMs, bareMs] = [0, 0]
  const before = await counter.call('get')
  await inProcess(async (add) => {
    for (let at = 0; at < count; at += 20 * SLICE) {
      const slice = Math.min(20 * SLICE, count - at)
      oursMs += await under(slice, add)
      bareMs += await under(slice, bareCall)
    }
  })
  const completed = (await counter.call('get')) - before
  return {
    completed,
    values: { rate: (count * 1000) / oursMs, bareRate: (count * 1000) / bareMs, ratio: bareMs / oursMs },
  }
}

/** Small messages one way, ours in the batches the mesh makes and bare in batches of 64. */
async function oneWay(count: number): Promise<Run> {
  const slice = 64 * 1000
  let [oursMs, bareMs] = [0, 0]
  const before = await counter.call('get')
  const bareBefore = await batchesCounted()
  for (let at = 0; at < count; at += slice) {
    let began = performance.now()
    for (let i = 0; i < slice; i++) {
      counter.cast('add', 1)
      // As a sender that does other things too would: a turn now and then.
      if (i % 1024 === 1023) await turn()
    }
    await counter.call('get')
    oursMs += performance.now() - began
    began = performance.now()
    for (let i = 0; i < slice / 64; i++) {
      const batch = Uint8Array.from(packr.pack(Array.from({ length: 64 }, () => ({ tag: 'add', by: 1 }))))
      bare.batches.postMessage(batch, [batch.buffer])
      if (i % 16 === 15) await turn()
    }
    await batchesCounted()
    bareMs += performance.now() - began
  }
  if ((await batchesCounted()) - bareBefore !== count) throw new Error('bare batches were lost')
  const completed = (await counter.call('get')) - before
  return {
    completed,
    values: { rate: (count * 1000) / oursMs, bareRate: (count * 1000) / bareMs, ratio: bareMs / oursMs },
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

function batchesCounted(): Promise<number> {
  return new Promise((resolve) => {
    bare.batches.once('message', resolve)
    bare.batches.postMessage(null)
  })
}

/** Calls within one node: one of the mesh, and one that knows of none, in turns. */
async function local(count: number): Promise<Run> {
  const alone = createNode({ name: 'alone' })
  const sides = await Promise.all(
    [node, alone].map(async (home) => ({ home, server: await home.start(Counter), ms: 0 })),
  )
  const slice = 20 * SLICE
  for (let at = 0; at < count; at += slice) {
    // Who comes first alternates too.
    for (const side of at % (2 * slice) === 0 ? sides : sides.toReversed()) {
      const began = performance.now()
      await new Promise<void>((resolve, reject) => {
        side.home.spawn(async (self) => {
          await under(slice, () => self.call(side.server, 'add', 1)).then(() => resolve(), reject)
        })
      })
      side.ms += performance.now() - began
    }
  }
  const [meshed, plain] = await Promise.all(sides.map(({ server }) => server.call('get')))
  if (meshed !== plain) throw new Error(`the node alone answered ${plain} of ${meshed}`)
  await alone.stop()
  const [ours, bare] = sides.map(({ ms }) => ms)
  return { completed: meshed ?? 0, values: { ratio: (ours ?? 0) / (bare ?? 0) } }
}

/** How long a spare thread may take to load, in milliseconds: threads die more rarely than that. */
const LOADING_MS = 700

/** A thread dies and its successor is ready: the median, in milliseconds. */
async function restart(count: number, spare: boolean): Promise<Run> {
  const took = new Float64Array(count)
  let dying = await start('mortal', spare)
  for (let i = 0; i < count; i++) {
    if (spare) await new Promise((resolve) => setTimeout(resolve, LOADING_MS))
    const began = performance.now()
    await dying.thread.terminate()
    dying = await start('mortal', spare)
    took[i] = performance.now() - began
    if ((await dying.counter.call('add', 1)) !== 1) throw new Error('a restarted thread counts on')
  }
  await dying.thread.stop()
  return { completed: count, values: { p50: median(took) } }
}

/** A run in the pool: ours, and Piscina's own with the same function, in turns. */
async function offload(count: number): Promise<Run> {
  const work = new URL('./work.js', import.meta.url).href
  const ours = new OffloadPool({ maxThreads: 1, idleTimeoutMs: 60_000 })
  const bare = new Piscina({ filename: work, name: 'spin', minThreads: 1, maxThreads: 1, idleTimeout: 60_000 })
  const [ourMs, bareMs] = [new Float64Array(count), new Float64Array(count)]
  let completed = 0
  for (let at = 0; at < count; at += SLICE / 10) {
    await latencies(SLICE / 10, ourMs, at, async () => {
      completed += (await ours.run(work, 'spin', [20_000])) === 20_000 ? 1 : 0
    })
    await latencies(SLICE / 10, bareMs, at, () => bare.run(20_000))
  }
  await Promise.all([ours.close(), bare.destroy()])
  return {
    completed,
    values: { p50: median(ourMs) * 1000, bareP50: median(bareMs) * 1000, ratio: median(ourMs) / median(bareMs) },
  }
}

export const tasks: Readonly<Record<string, (count: number) => Promise<Run>>> = {
  call,
  concurrent,
  'one-way': oneWay,
  local,
  restart: (count) => restart(count, true),
  'restart-cold': (count) => restart(count, false),
  offload,
}

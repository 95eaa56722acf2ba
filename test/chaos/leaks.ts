// Looks for what stays behind: many calls between two threads, and many threads that are started and ended. Heaps, open
// handles and listeners are looked at after a warm-up and at the end, and must be what they were.

import { createNode, type Node, type Ref } from 'espalier'
import { type Thread, Threads } from 'espalier/threads'
import { type Echo, heapBytes } from './leak-thread.ts'

export interface LeakOptions {
  readonly calls: number
  readonly restarts: number
  /** The planted mistake, if any: `keep-listeners`. */
  readonly sabotage: string | undefined
  readonly print: (line: string) => void
}

/** What one call may leave behind in either heap, in bytes: less than any object; the rest is noise of the collector. */
const bytesPerCall = 6
/** What one restart may: a node remembers the pids it has met, a bounded number of them. */
const bytesPerRestart = 1500
/** What any run may. */
const noiseBytes = 300_000
const callsAtOnce = 256
/** So many threads start and end beside each other. */
const lanes = 4

interface Look {
  readonly heap: number
  readonly farHeap: number
  readonly handles: number
  readonly listeners: number
  readonly timers: number
  readonly connections: number
  readonly openCalls: number
}

/** Runs the search; true if nothing has stayed behind. */
export async function searchLeaks({ calls, restarts, sabotage, print }: LeakOptions): Promise<boolean> {
  const node = createNode({ name: 'main' })
  const threads = new Threads(node)
  try {
    const echo = await start(threads, 'echo')
    const look = async (): Promise<Look> => ({
      farHeap: await echo.ref.call('heapBytes'),
      heap: await settled(),
      handles: process.getActiveResourcesInfo().length,
      listeners: process.eventNames().reduce((sum, event) => sum + process.listenerCount(event), 0),
      timers: node.timerCount,
      connections: threads.carrier.size,
      openCalls: threads.distribution.openCalls,
    })
    await call(node, echo.ref, Math.max(10_000, calls / 10))
    const first = await look()
    await call(node, echo.ref, calls)
    const called = await look()
    const bound = noiseBytes + calls * bytesPerCall
    let isFlat = judge(`${calls} calls`, { before: first, after: called, bound, print })
    await restart(threads, Math.max(10, Math.floor(restarts / 10)), undefined)
    const before = await look()
    await restart(threads, restarts, sabotage)
    const after = await look()
    isFlat =
      judge(`${restarts} restarts`, { before, after, bound: noiseBytes + restarts * bytesPerRestart, print }) && isFlat
    return isFlat
  } finally {
    await node.stop()
    await threads.stop()
  }
}

interface Comparison {
  readonly before: Look
  readonly after: Look
  /** What either heap may have grown by. */
  readonly bound: number
  readonly print: (line: string) => void
}

function judge(what: string, { before, after, bound, print }: Comparison): boolean {
  const grown = [after.heap - before.heap, after.farHeap - before.farHeap]
  const counts = (['handles', 'listeners', 'timers', 'connections', 'openCalls'] as const).map((name) => {
    return { name, before: before[name], after: after[name] }
  })
  const isFlat = Math.max(...grown) <= bound && counts.every(({ before, after }) => after <= before)
  const heaps = grown.map((bytes) => `${bytes < 0 ? '' : '+'}${Math.round(bytes / 1024)} KiB`)
  print(`${what.padEnd(14)} heaps ${heaps.join(', ')} (at most +${Math.round(bound / 1024)} KiB)`)
  print(`${' '.repeat(15)}${counts.map(({ name, before, after }) => `${name} ${before} → ${after}`).join(', ')}`)
  if (!isFlat) print(`${' '.repeat(15)}something has stayed behind`)
  return isFlat
}

interface Started {
  readonly thread: Thread
  readonly ref: Ref<typeof Echo>
}

async function start(threads: Threads, name: string): Promise<Started> {
  const boot = { module: new URL('./leak-thread.js', import.meta.url), export: 'boot' }
  const thread = await threads.start(name, { boot })
  return { thread, ref: threads.distribution.pid(thread.booted as Ref<typeof Echo>) as Ref<typeof Echo> }
}

/** So many calls from a process, some of them at once. */
async function call(node: Node, ref: Ref<typeof Echo>, count: number): Promise<void> {
  let left = count
  await new Promise<void>((resolve, reject) => {
    node.spawn(async (self) => {
      const caller = async () => {
        while (left-- > 0) await self.call(ref, 'echo', { n: left, text: 'some', list: [1, 2] })
      }
      await Promise.all(Array.from({ length: callsAtOnce }, caller)).then(() => resolve(), reject)
    })
  })
}

/** In each lane a thread after the other: each is called, and ends in order or at once, at times with a call under way. */
async function restart(threads: Threads, count: number, sabotage: string | undefined): Promise<void> {
  let started = 0
  const lane = async (_: unknown, lane: number) => {
    while (started < count) {
      const n = started++
      const { thread, ref } = await start(threads, `mortal-${lane}`)
      await ref.call('echo', n)
      const underWay = n % 3 === 0 ? ref.call('echo', n).catch(() => {}) : undefined
      await (n % 2 === 0 ? thread.terminate() : thread.stop())
      await underWay
      if (sabotage !== undefined) process.on('SIGUSR2', () => void thread)
    }
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/** The heap once what has ended is gone. */
async function settled(): Promise<number> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  return heapBytes()
}

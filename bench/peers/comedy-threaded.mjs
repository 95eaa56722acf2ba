// comedy 2, an actor on a worker thread: its messages are cloned over a port, each by itself.

import { root, timed } from './comedy-system.mjs'

class Counter {
  initialize() {
    this.count = 0
  }
  add(by) {
    this.count += by
    return this.count
  }
}

const counter = await root.createChild(Counter, { mode: 'threaded' })
const add = (by) => counter.sendAndReceive('add', by)
const OUTSTANDING = 256

async function call(count) {
  const before = await add(0)
  const tookMs = (await timed(count, () => add(1))).sort()
  return { completed: (await add(0)) - before, values: { p50: tookMs[count >> 1] * 1000 } }
}

async function concurrent(count) {
  const before = await add(0)
  const began = performance.now()
  let left = count
  const caller = async () => {
    while (left-- > 0) await add(1)
  }
  await Promise.all(Array.from({ length: OUTSTANDING }, caller))
  const elapsedMs = performance.now() - began
  return { completed: (await add(0)) - before, values: { rate: (count * 1000) / elapsedMs } }
}

/** In slices, for its queue knows no bound: a call behind each is answered when it has been read. */
async function oneWay(count) {
  const before = await add(0)
  const began = performance.now()
  for (let i = 1; i <= count; i += 1) {
    counter.send('add', 1)
    if (i % 10_000 === 0) await add(0)
  }
  while ((await add(0)) - before < count);
  const elapsedMs = performance.now() - began
  return { completed: (await add(0)) - before, values: { rate: (count * 1000) / elapsedMs } }
}

export const tasks = { call, concurrent, 'one-way': oneWay }

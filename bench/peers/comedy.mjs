// comedy 2, in-memory actors. They have no mailbox: each message starts its handler at once, in a promise of its own,
// so asynchronous handlers of one actor interleave. A backlog therefore never forms, and its figures are those of a
// dispatched method call, not of a process.

import { root, timed } from './comedy-system.mjs'

class Counter {
  initialize() {
    this.count = 0
  }
  add() {
    this.count += 1
    return this.count
  }
}

const counter = () => root.createChild(Counter)
const add = (actor) => actor.sendAndReceive('add')

async function call(count) {
  const actor = await counter()
  const began = performance.now()
  let completed = 0
  for (let i = 0; i < count; i += 1) completed = await add(actor)
  const elapsedMs = performance.now() - began
  await actor.destroy()
  return { completed, elapsedMs }
}

async function callConcurrent(count) {
  const actor = await counter()
  const began = performance.now()
  let completed = 0
  for (let sent = 0; sent < count; sent += 100) {
    const replies = await Promise.all(Array.from({ length: 100 }, () => add(actor)))
    completed = replies.at(-1)
  }
  const elapsedMs = performance.now() - began
  await actor.destroy()
  return { completed, elapsedMs }
}

async function callLatency(count) {
  const actor = await counter()
  let completed = 0
  const latenciesMs = await timed(count, async () => {
    completed = await add(actor)
  })
  await actor.destroy()
  return { completed, latenciesMs }
}

/** A call may overtake the casts sent before it, so the last cast handled ends the run. */
async function cast(count) {
  let ended
  const done = new Promise((resolve) => {
    ended = resolve
  })
  let handled = 0
  const actor = await root.createChild({
    add: () => {
      handled += 1
      if (handled === count) ended()
    },
  })
  const began = performance.now()
  for (let i = 0; i < count; i += 1) actor.send('add')
  await done
  const elapsedMs = performance.now() - began
  await actor.destroy()
  return { completed: handled, elapsedMs }
}

async function serverVolley(count) {
  let ended
  const done = new Promise((resolve) => {
    ended = resolve
  })
  let handled = 0
  const player = (other) => ({
    volley: (left) => {
      handled += 1
      if (left > 0) other().send('volley', left - 1)
      else ended()
    },
  })
  const players = []
  players.push(await root.createChild(player(() => players[1])))
  players.push(await root.createChild(player(() => players[0])))
  const began = performance.now()
  players[0].send('volley', 2 * count - 1)
  await done
  const elapsedMs = performance.now() - began
  for (const actor of players) await actor.destroy()
  return { completed: handled / 2, elapsedMs }
}

/** The actors stay alive: to destroy one among 100 000 siblings takes a scan of them all, and minutes for the lot. */
async function starts(count) {
  const actors = []
  const began = performance.now()
  for (let i = 0; i < count; i += 1) actors.push(await counter())
  return { completed: actors.length, elapsedMs: performance.now() - began }
}

async function startStop(count) {
  const began = performance.now()
  let completed = 0
  for (let i = 0; i < count; i += 1) {
    const actor = await counter()
    await actor.destroy()
    completed += 1
  }
  return { completed, elapsedMs: performance.now() - began }
}

async function idle(count) {
  const actors = new Array(count)
  globalThis.gc()
  const before = process.memoryUsage()
  for (let i = 0; i < count; i += 1) actors[i] = await counter()
  globalThis.gc()
  const after = process.memoryUsage()
  const bytes = after.heapUsed + after.external - before.heapUsed - before.external
  const completed = (await Promise.all(actors.slice(-100).map(add))).every((n) => n === 1) ? actors.length : 0
  return { completed, value: bytes / count }
}

export const tasks = {
  call,
  'call-concurrent': callConcurrent,
  'call-latency': callLatency,
  cast,
  'server-volley': serverVolley,
  start: starts,
  'start-stop': startStop,
  idle,
}

// nact 7: actors with a mailbox, one message at a time, in one thread. Its call (`query`) arms a timer each, as its
// interface demands; its stop is not confirmed, so a life ends when `afterStop` runs; its restart is `onCrash: reset`,
// which resets the state of an actor that threw: nobody can kill one.

import { dispatch, query, spawn, start, stop } from 'nact'

const TIMEOUT_MS = 60_000

const system = start()
let named = 0

/** A counter that tells whoever asks the new count. Named by us: nact's own random names collide among 100 000. */
function counter(properties = {}) {
  const onMessage = (state, { sender, crash }) => {
    if (crash) throw new Error('crash')
    if (sender) dispatch(sender, state + 1)
    return state + 1
  }
  named += 1
  return spawn(system, onMessage, `counter-${named}`, { initialState: 0, ...properties })
}

const add = (actor) => query(actor, (sender) => ({ sender }), TIMEOUT_MS)

async function call(count) {
  const actor = counter()
  const began = performance.now()
  let completed = 0
  for (let i = 0; i < count; i += 1) completed = await add(actor)
  const elapsedMs = performance.now() - began
  stop(actor)
  return { completed, elapsedMs }
}

async function callConcurrent(count) {
  const actor = counter()
  const began = performance.now()
  let completed = 0
  for (let sent = 0; sent < count; sent += 100) {
    const replies = await Promise.all(Array.from({ length: 100 }, () => add(actor)))
    completed = replies.at(-1)
  }
  const elapsedMs = performance.now() - began
  stop(actor)
  return { completed, elapsedMs }
}

async function callLatency(count) {
  const actor = counter()
  const latenciesMs = new Float64Array(count)
  let completed = 0
  for (let i = 0; i < count; i += 1) {
    const began = performance.now()
    completed = await add(actor)
    latenciesMs[i] = performance.now() - began
  }
  stop(actor)
  return { completed, latenciesMs }
}

async function cast(count) {
  const actor = counter()
  const began = performance.now()
  for (let i = 0; i < count; i += 1) dispatch(actor, {})
  const completed = (await add(actor)) - 1
  const elapsedMs = performance.now() - began
  stop(actor)
  return { completed, elapsedMs }
}

async function serverVolley(count) {
  let ended
  const done = new Promise((resolve) => {
    ended = resolve
  })
  const onMessage = (handled, { peer, left }, ctx) => {
    if (left > 0) dispatch(peer, { peer: ctx.self, left: left - 1 })
    else ended(2 * handled + 2)
    return handled + 1
  }
  const [a, b] = [0, 0].map((initialState) => spawn(system, onMessage, undefined, { initialState }))
  const began = performance.now()
  dispatch(a, { peer: b, left: 2 * count - 1 })
  const handled = await done
  const elapsedMs = performance.now() - began
  stop(a)
  stop(b)
  return { completed: handled / 2, elapsedMs }
}

async function starts(count) {
  const actors = []
  const began = performance.now()
  for (let i = 0; i < count; i += 1) actors.push(counter())
  const elapsedMs = performance.now() - began
  for (const actor of actors) stop(actor)
  return { completed: actors.length, elapsedMs }
}

async function startStop(count) {
  const began = performance.now()
  let completed = 0
  for (let i = 0; i < count; i += 1) {
    await new Promise((resolve) => stop(counter({ afterStop: resolve })))
    completed += 1
  }
  return { completed, elapsedMs: performance.now() - began }
}

async function restart(count) {
  const actor = counter({ onCrash: (_message, _error, ctx) => ctx.reset })
  const latenciesMs = new Float64Array(count)
  for (let i = 0; i < count; i += 1) {
    const began = performance.now()
    dispatch(actor, { crash: true })
    if ((await add(actor)) !== 1) throw new Error('not reset')
    latenciesMs[i] = performance.now() - began
  }
  stop(actor)
  return { completed: count, latenciesMs }
}

async function idle(count) {
  const actors = new Array(count)
  globalThis.gc()
  const before = process.memoryUsage()
  for (let i = 0; i < count; i += 1) actors[i] = counter()
  await new Promise((resolve) => setTimeout(resolve, 100))
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
  restart,
  idle,
}

// The entry of the watchdog thread: looks at heartbeats, sleeps, looks again. It has no event loop and no node: nothing
// but the end of the process keeps it from looking. What is to be done about a frozen thread is the main thread's, but
// for a thread that cannot be terminated: that one ends the process from here.
//
// A thread that beats may have been slow; only one that does not is accused. Time in which the watchdog itself did not
// look (a stopped machine, a starved core) counts for nobody.

import { writeSync } from 'node:fs'
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { ToWatchdog, WatchdogData, WatchdogEvent } from './watchdog.ts'

interface Watched {
  readonly order: Extract<ToWatchdog, { kind: 'watch' }>
  readonly words: Int32Array
  beat: number
  sinceMs: number
  state: 'turning' | 'frozen' | 'overdue'
}

function main({ port, control, lookMs }: WatchdogData): void {
  const stop = new Int32Array(control)
  const watched = new Map<number, Watched>()
  let lastMs = performance.now()
  while (Atomics.wait(stop, 0, 0, lookMs) === 'timed-out') {
    take(port, watched)
    const nowMs = performance.now()
    const missedMs = Math.max(0, nowMs - lastMs - 2 * lookMs)
    lastMs = nowMs
    for (const [thread, each] of watched) {
      each.sinceMs += missedMs
      const event = look(thread, each, nowMs)
      if (event !== undefined) port.postMessage(event)
    }
  }
  port.close()
}

function take(port: MessagePort, watched: Map<number, Watched>): void {
  for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
    const order = got.message as ToWatchdog
    if (order.kind === 'unwatch') watched.delete(order.thread)
    else {
      const words = new Int32Array(order.shared)
      watched.set(order.thread, { order, words, beat: 0, sinceMs: performance.now(), state: 'turning' })
    }
  }
}

function look(thread: number, each: Watched, nowMs: number): WatchdogEvent | undefined {
  const beat = Atomics.load(each.words, 0)
  const { frozenAfterMs, graceMs, name, fatal } = each.order
  if (beat !== each.beat) {
    const thawed = each.state !== 'turning'
    each.beat = beat
    each.sinceMs = nowMs
    each.state = 'turning'
    return thawed ? { kind: 'thawed', thread } : undefined
  }
  // It has not started.
  if (beat === 0) return undefined
  const forMs = nowMs - each.sinceMs
  if (each.state === 'turning' && forMs >= frozenAfterMs) {
    each.state = 'frozen'
    return { kind: 'frozen', thread, forMs }
  }
  if (each.state === 'frozen' && forMs >= frozenAfterMs + graceMs) {
    each.state = 'overdue'
    if (fatal) endProcess(name, forMs)
    return { kind: 'overdue', thread, forMs, beat }
  }
  return undefined
}

/** The main thread may be the one that hangs: nothing but a signal is left. */
function endProcess(name: string, forMs: number): void {
  writeSync(
    2,
    `espalier: ${name} has not turned for ${Math.round(forMs)} ms and cannot be terminated: ending the process\n`,
  )
  process.kill(process.pid, 'SIGABRT')
}

main(workerData as WatchdogData)

// A thread's heartbeat, and what it shows of itself to a watchdog: one count that grows while its event loop turns, and
// the words of the kernel's beacon.

import { BEACON_WORDS, Beacon } from '../kernel/beacon.ts'

/** Words of a heartbeat: the count, then the beacon's. */
const WORDS = 1 + BEACON_WORDS

export function shareHeartbeat(): SharedArrayBuffer {
  return new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT)
}

/** The words that the beacon writes. */
export function beaconWords(shared: SharedArrayBuffer): Int32Array {
  return new Int32Array(shared, Int32Array.BYTES_PER_ELEMENT, BEACON_WORDS)
}

/** Beats every `everyMs` until the returned function is called. Does not keep the thread alive. */
export function beat(shared: SharedArrayBuffer, everyMs: number): () => void {
  const words = new Int32Array(shared)
  // At once: a count of 0 is a thread that has not started.
  Atomics.add(words, 0, 1)
  const timer = setInterval(() => Atomics.add(words, 0, 1), everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

/** A beacon for this thread. */
export function beaconOf(shared: SharedArrayBuffer, tell: (number: number, text: string) => void): Beacon {
  return new Beacon(beaconWords(shared), tell)
}

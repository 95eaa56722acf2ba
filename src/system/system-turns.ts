// The event loop's turns behind the Turns port.

import type { Turns } from '../kernel/ports/index.ts'

const settled = Promise.resolve()

/**
 * `soon` is a microtask, of a promise that is settled: a third of the cost of queueMicrotask, which makes an asynchronous
 * resource each time. `later` is setImmediate, which runs after the loop has polled for I/O.
 */
export const systemTurns: Turns = {
  soon: (task) => {
    void settled.then(task)
  },
  later: (task) => {
    setImmediate(task)
  },
}

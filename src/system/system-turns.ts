// The event loop's turns behind the Turns port.

import type { Turns } from '../kernel/ports/index.ts'

/** `soon` is a microtask; `later` is setImmediate, which runs after the loop has polled for I/O. */
export const systemTurns: Turns = {
  soon: (task) => queueMicrotask(task),
  later: (task) => {
    setImmediate(task)
  },
}

// Code for worker threads of the tests: a server that answers, and what threads may be told to do.
import { threadId } from 'node:worker_threads'
import { defineServer, located, noReply, reply } from 'espalier'

const Echo = defineServer({
  name: 'echo',
  init: () => 0,
  call: {
    echo: ({ state }, value) => reply(value, state),
    count: ({ state }) => reply(state, state),
    never: ({ state }) => noReply(state),
  },
  cast: {
    add: ({ state }, by) => state + by,
    fail: () => {
      throw Object.assign(new RangeError('a bug'), { code: 'ERR_BUG' })
    },
    die: ({ state }, how) => {
      // Out of memory only strikes where something is allocated; the rest ends right here, or never.
      ends[how]()
      return state
    },
  },
})

/** The same, for supervisors of other threads. */
export const LocatedEcho = located(import.meta.url, 'LocatedEcho', Echo)

/** Starts an echo; what is returned must cross, so it is the parts of its pid. */
export async function boot({ node, distribution }) {
  const { nodeName, creation, id } = await node.start(Echo, { name: 'echo' })
  return { pid: { nodeName, creation, id }, nodes: distribution.nodes(), threadId }
}

export function fail() {
  throw Object.assign(new RangeError('no boot'), { code: 'ERR_NO_BOOT' })
}

/** Ends the thread in a way of its own, a turn after it is ready. */
export function end(_context, how) {
  setTimeout(() => ends[how](), 20)
}

const ends = {
  exit: () => process.exit(7),
  throw: () => {
    // Outside of any process: a process that throws ends by itself.
    setImmediate(() => {
      throw Object.assign(new TypeError('nobody caught this'), { code: 'ERR_LOST' })
    })
  },
  'out of memory': () => {
    const kept = []
    for (;;) kept.push(new Array(1000).fill(kept.length))
  },
  'endless loop': () => {
    for (;;);
  },
}

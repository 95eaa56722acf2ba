// The other thread of the search for leaks: answers, and says how large its heap is once it is tidied up.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { defineServer, reply } from 'espalier'
import type { ThreadContext } from 'espalier/threads'

export const Echo = defineServer({
  name: 'echo',
  init: () => 0,
  call: {
    echo: ({ state }, value: unknown) => reply(value, state),
    heapBytes: ({ state }) => reply(heapBytes(), state),
  },
})

export async function boot({ node }: ThreadContext): Promise<unknown> {
  const { nodeName, creation, id } = await node.start(Echo)
  return { nodeName, creation, id }
}

let collect: (() => void) | undefined

/** Bytes of this thread's heap that are in use, after a full collection. */
export function heapBytes(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc')
    collect = runInNewContext('gc') as () => void
  }
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

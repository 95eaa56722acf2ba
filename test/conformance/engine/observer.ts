// Sees every death that it is asked to see, before anybody who is not of high priority acts on it.

import { Down, defineServer, type ExitReason, type Node, type Pid, type Self } from 'espalier'

/** Asks for the death of `pid`. Takes effect at once, also from within another process's turn. */
export type Watch = (pid: Pid) => void

/** Where an observer is started, and how to wait there. */
export interface Post {
  readonly node: Node
  run<T>(outcome: Promise<T>): Promise<T>
}

/** Starts an observer. Only its own monitors tell it: nobody is linked to it. */
export async function observe(post: Post, died: (pid: Pid, reason: ExitReason) => void): Promise<Watch> {
  let observer: Self | undefined
  const definition = defineServer({
    init: (_: undefined, { self }) => {
      observer = self
      return 'watching'
    },
    info: ({ state }, message) => {
      if (message instanceof Down && typeof message.target !== 'string') died(message.target, message.reason)
      return state
    },
  })
  await post.run(post.node.start(definition, undefined, { priority: 'high' }))
  return (pid) => {
    observer?.monitor(pid)
  }
}

// Threads as children: a process on the main node that holds one thread, and ends with it. Under a supervisor a thread
// that dies is started again by the supervisor's own rules, apart from those of the processes that lived on it.

import type { ChildSpec, SupervisorFlags } from '../behaviours/child-spec.ts'
import { next, stop } from '../behaviours/results.ts'
import { defineServer } from '../behaviours/server.ts'
import { type SupervisorDefinition, supervisor } from '../behaviours/supervisor.ts'
import type { Definition } from '../kernel/ref.ts'
import type { Thread, ThreadEnd, ThreadOptions } from './thread.ts'
import type { Threads } from './threads.ts'

/** A thread to keep alive. */
export interface ThreadSpec {
  /** The name of its node. */
  readonly name: string
  readonly options?: ThreadOptions
}

/** The exit reason of a thread's process: how the thread has ended. */
export interface ThreadDown {
  readonly threadDown: string
  /** As in {@link ThreadEnd}. */
  readonly how: ThreadEnd['how']
}

class Ended {
  readonly end: ThreadEnd
  constructor(end: ThreadEnd) {
    this.end = end
  }
}

/**
 * A process that starts a thread, and whose start is over when the thread is ready. It ends with a {@link ThreadDown}
 * when the thread does; when it is told to end, it stops the thread first; when it is killed, the thread is terminated.
 */
export function threadKeeper(threads: Threads): Definition<ThreadSpec> {
  return defineServer({
    name: 'thread',
    init: async ({ name, options }: ThreadSpec, { self }) => {
      self.trapExit = true
      const thread = await threads.start(name, { spare: true, ...options })
      self.signal.addEventListener('abort', () => void thread.terminate())
      void thread.ended.then((end) => self.send(self.pid, new Ended(end)))
      return { thread }
    },
    info: ({ state }: { readonly state: { readonly thread: Thread } }, message: unknown) => {
      if (!(message instanceof Ended)) return next(state)
      const { name, how, reason } = message.end
      const down: ThreadDown = { threadDown: `${name}: ${reason}`, how }
      return stop(how === 'stopped' ? 'normal' : down)
    },
    terminate: async ({ state }) => {
      await state.thread.stop()
    },
  })
}

/** How long a supervised thread may take to stop, in milliseconds. */
const SHUTDOWN_MS = 10_000

/**
 * A supervisor of threads, for any tree on the main node: starts them in order and restarts one that dies. Flags are
 * those of any supervisor (default intensity 1 in 5 seconds, `one_for_one`).
 */
export function threadSupervisor(
  threads: Threads,
  specs: readonly ThreadSpec[],
  flags: SupervisorFlags = {},
): SupervisorDefinition {
  const keeper = threadKeeper(threads)
  const children = specs.map((spec): ChildSpec<typeof keeper> => {
    return { id: spec.name, start: [keeper, spec], shutdown: SHUTDOWN_MS }
  })
  return supervisor({ ...flags, label: 'threads', children })
}

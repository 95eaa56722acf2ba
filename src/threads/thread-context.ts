// What code on a worker thread is handed.

import type { MessagePort } from 'node:worker_threads'
import type { Distribution } from '../distribution/distribution.ts'
import type { Node } from '../kernel/node.ts'
import type { ThreadCarrier } from './thread-carrier.ts'

/** The first argument of a boot function: see {@link ThreadOptions.boot}. */
export interface ThreadContext {
  /** This thread's node. */
  readonly node: Node
  /** Its place in the mesh: connected to the main thread and the threads started before. */
  readonly distribution: Distribution
  /** Its carrier: a further node of this thread may join the mesh by it. */
  readonly carrier: ThreadCarrier
  /** Where the thread was started with `storage`: the `connection` for `openLmdb`. It can be used once. */
  readonly storage: MessagePort | undefined
}

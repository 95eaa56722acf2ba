// The threads room's face (`espalier/threads`): nodes on worker threads of this process, the carrier between them, the
// watchdog over them, and the pool for work that would block.

export type { Carrier } from '../distribution/carrier.ts'
export { Distribution, type DistributionOptions } from '../distribution/distribution.ts'
export { OffloadTimeout } from '../kernel/errors.ts'
export type { Offload, OffloadOptions } from '../kernel/ports/index.ts'
export { ThreadError } from './errors.ts'
export type { CarrierLimits } from './messages.ts'
export { OffloadPool, type OffloadPoolOptions } from './offload.ts'
export type { Running, Thread, ThreadEnd, ThreadOptions } from './thread.ts'
export { ThreadCarrier } from './thread-carrier.ts'
export type { ThreadContext } from './thread-context.ts'
export { type ThreadDown, type ThreadSpec, threadKeeper, threadSupervisor } from './thread-supervisor.ts'
export { type ThreadEvent, Threads, type ThreadsOptions } from './threads.ts'
export type { WatchdogOptions } from './watchdog.ts'

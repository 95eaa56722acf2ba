// The threads room's face (`espalier/threads`): nodes on worker threads of this process, the carrier between them, the
// watchdog over them, and the pool for work that would block.

export type { Carrier } from '../distribution/carrier.ts'

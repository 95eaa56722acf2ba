// What the kernel needs from the world, as types only. Nothing in this folder has a behaviour: `src/system` holds the
// ports of a real machine, `src/simulation` the virtual ones. Code outside those two rooms names no ambient source of
// time, randomness, turns, children, modules or files.

export type { ChildCommand, ChildOutcome, ChildOutput, ChildProcesses, ChildProcessHandle } from './children.ts'
export type { Alarm, Clock } from './clock.ts'
export type { Files } from './files.ts'
export type { ModuleLoader } from './modules.ts'
export type { Offload, OffloadOptions } from './offload.ts'
export type { Random, Secrets } from './random.ts'
export type { Turns } from './turns.ts'

import type { Clock } from './clock.ts'
import type { Random, Secrets } from './random.ts'
import type { Turns } from './turns.ts'

/** What every node needs. Rooms with further needs (files, children, modules) take those ports of their own. */
export interface NodePorts {
  readonly clock: Clock
  readonly random: Random
  readonly secrets: Secrets
  readonly turns: Turns
}

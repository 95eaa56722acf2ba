// The ports of a real machine, one implementation per port of kernel/ports. The one room in which time, randomness,
// files, children and modules are ambient; it imports those ports and Node, and nothing of ours besides.

import type { NodePorts } from '../kernel/ports/index.ts'
import { systemClock } from './system-clock.ts'
import { createSystemRandom } from './system-random.ts'
import { systemSecrets } from './system-secrets.ts'
import { systemTurns } from './system-turns.ts'

export { createSystemChildren, type SystemChildrenOptions } from './system-children.ts'
export { systemClock } from './system-clock.ts'
export { systemFiles } from './system-files.ts'
export { systemModules } from './system-modules.ts'
export { createSystemRandom } from './system-random.ts'
export { systemSecrets } from './system-secrets.ts'
export { systemTurns } from './system-turns.ts'

/** What a node on this machine runs on: real time, fresh randomness, the event loop's turns. */
export function createSystemPorts(): NodePorts {
  return { clock: systemClock, random: createSystemRandom(), secrets: systemSecrets, turns: systemTurns }
}

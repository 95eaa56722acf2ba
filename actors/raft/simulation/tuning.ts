// What the format of schedules has no words for, drawn for storms from the seed: bounds so narrow that they are met, logs
// that are not kept in memory, groups that fall silent, replicas that stand earlier than others.

import type { SeededRandom } from '../../../src/simulation/random.ts'
import type { RaftOptions } from '../core/options.ts'

/** Options of the core, for all replicas and for each. */
export interface Tuning {
  readonly shared: RaftOptions
  readonly priorityOf: (node: string) => number
  /** Bytes of a snapshot's chunk: few, so that a snapshot takes several messages, or one for all. */
  readonly snapshotChunkBytes: number
}

export const PLAIN: Tuning = { shared: {}, priorityOf: () => 0, snapshotChunkBytes: 512 }

export function drawTuning(random: SeededRandom): Tuning {
  const some = (field: keyof RaftOptions, values: readonly number[]) =>
    random.chance(1, 3) ? { [field]: random.pick(values) } : {}
  const shared = {
    ...some('maxCachedBytes', [1500, 6000]),
    ...some('maxBatchBytes', [300, 3000]),
    ...some('maxInflightBytes', [500, 5000]),
    ...some('maxUncommittedBytes', [2000, 20_000]),
    ...some('quiesceAfterRounds', [2, 8]),
  }
  const hasPriorities = random.chance(1, 4)
  const priorities = random.fork('priorities')
  return {
    shared,
    snapshotChunkBytes: random.pick([512, 512, 100, 65_536]),
    priorityOf: (node) => (hasPriorities ? priorities.fork(node).between(-1, 3) : 0),
  }
}

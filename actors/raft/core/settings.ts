// Options with their defaults filled in, and checked.

import { OptionError } from '../../../src/kernel/errors.ts'
import { maxOverheadBytes } from './entry-codec.ts'
import type { RaftOptions } from './options.ts'

/** Planted bugs, by name: checks that never turn red prove nothing. */
export const PLANTED_BUGS = [
  'vote-before-durable',
  'ack-before-durable',
  'commit-old-term',
  'stale-read',
  'truncate-always',
] as const
export type PlantedBug = (typeof PLANTED_BUGS)[number]

export interface Settings {
  readonly electionTimeoutMs: readonly [least: number, most: number]
  readonly heartbeatMs: number
  readonly preVote: boolean
  readonly checkQuorum: boolean
  readonly leaseReads: boolean
  readonly maxClockDrift: number
  readonly maxBatch: number
  readonly maxBatchBytes: number
  readonly maxInflight: number
  readonly maxInflightBytes: number
  readonly maxUncommittedBytes: number
  readonly maxEntryBytes: number
  readonly maxCachedBytes: number
  readonly maxPendingReads: number
  readonly priority: number
  readonly quiesceAfterRounds: number
  readonly bug: PlantedBug | undefined
}

const mebibyte = 1024 * 1024

/** @throws OptionError */
export function settingsOf(options: RaftOptions): Settings {
  const { stable = true, bug } = options
  const [least, most] = options.electionTimeoutMs ?? [150, 300]
  const heartbeatMs = within('heartbeatMs', options.heartbeatMs ?? 50, 1)
  if (!(least > heartbeatMs && most >= least && Number.isFinite(most))) {
    throw new OptionError('electionTimeoutMs', [least, most], `[least, most], longer than heartbeatMs (${heartbeatMs})`)
  }
  const planted = PLANTED_BUGS.find((name) => name === bug)
  if (bug !== undefined && planted === undefined) throw new OptionError('bug', bug, PLANTED_BUGS.join(', '))
  return {
    electionTimeoutMs: [least, most],
    heartbeatMs,
    preVote: typeof stable === 'boolean' ? stable : stable.preVote,
    checkQuorum: typeof stable === 'boolean' ? stable : stable.checkQuorum,
    leaseReads: options.leaseReads ?? false,
    maxClockDrift: within('maxClockDrift', options.maxClockDrift ?? 0, 0),
    maxBatch: count('maxBatch', options.maxBatch ?? 512),
    maxBatchBytes: count('maxBatchBytes', options.maxBatchBytes ?? mebibyte),
    maxInflight: count('maxInflight', options.maxInflight ?? 64),
    maxInflightBytes: count('maxInflightBytes', options.maxInflightBytes ?? 4 * mebibyte),
    maxUncommittedBytes: count('maxUncommittedBytes', options.maxUncommittedBytes ?? 64 * mebibyte),
    maxEntryBytes: count('maxEntryBytes', options.maxEntryBytes ?? mebibyte - maxOverheadBytes),
    maxCachedBytes: count('maxCachedBytes', options.maxCachedBytes ?? 64 * mebibyte),
    maxPendingReads: count('maxPendingReads', options.maxPendingReads ?? 100_000),
    priority: within('priority', options.priority ?? 0, Number.NEGATIVE_INFINITY),
    quiesceAfterRounds:
      options.quiesceAfterRounds === undefined
        ? Number.POSITIVE_INFINITY
        : count('quiesceAfterRounds', options.quiesceAfterRounds),
    bug: planted,
  }
}

function count(field: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1) throw new OptionError(field, value, 'an integer >= 1')
  return value
}

function within(field: string, value: number, least: number): number {
  if (!(value >= least && Number.isFinite(value))) throw new OptionError(field, value, `a number >= ${least}`)
  return value
}

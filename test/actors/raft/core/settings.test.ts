// Options: what is left out, and what is refused with the field's name.

import { describe, expect, it } from 'vitest'
import type { RaftOptions } from '../../../../actors/raft/core/options.ts'
import { settingsOf } from '../../../../actors/raft/core/settings.ts'

const mebibyte = 1024 * 1024

describe('options of a core', () => {
  it('have defaults', () => {
    expect(settingsOf({})).toEqual({
      electionTimeoutMs: [150, 300],
      heartbeatMs: 50,
      preVote: true,
      checkQuorum: true,
      leaseReads: false,
      maxClockDrift: 0,
      maxBatch: 512,
      maxBatchBytes: mebibyte,
      maxInflight: 64,
      maxInflightBytes: 4 * mebibyte,
      maxUncommittedBytes: 64 * mebibyte,
      maxEntryBytes: mebibyte - 120,
      maxCachedBytes: 64 * mebibyte,
      maxPendingReads: 100_000,
      priority: 0,
      quiesceAfterRounds: Number.POSITIVE_INFINITY,
      bug: undefined,
    })
  })

  it('set stability as one, or each part apart', () => {
    expect(settingsOf({ stable: false })).toMatchObject({ preVote: false, checkQuorum: false })
    expect(settingsOf({ stable: { preVote: true, checkQuorum: false } })).toMatchObject({
      preVote: true,
      checkQuorum: false,
    })
  })

  it('are taken as they are given', () => {
    const given = {
      electionTimeoutMs: [51, 51],
      heartbeatMs: 50,
      maxBatch: 1,
      priority: -3,
      maxClockDrift: 0.1,
      quiesceAfterRounds: 1,
      bug: 'stale-read',
    } as const
    expect(settingsOf(given)).toMatchObject(given)
  })

  it.each<[string, RaftOptions]>([
    ['electionTimeoutMs', { electionTimeoutMs: [50, 300] }],
    ['electionTimeoutMs', { electionTimeoutMs: [200, 199] }],
    ['electionTimeoutMs', { electionTimeoutMs: [200, Number.POSITIVE_INFINITY] }],
    ['electionTimeoutMs', { electionTimeoutMs: [Number.NaN, 300] }],
    ['heartbeatMs', { heartbeatMs: 0 }],
    ['heartbeatMs', { heartbeatMs: Number.POSITIVE_INFINITY }],
    ['maxClockDrift', { maxClockDrift: -0.1 }],
    ['maxBatch', { maxBatch: 0 }],
    ['maxBatchBytes', { maxBatchBytes: 0.5 }],
    ['maxInflight', { maxInflight: -1 }],
    ['maxInflightBytes', { maxInflightBytes: Number.NaN }],
    ['maxUncommittedBytes', { maxUncommittedBytes: 0 }],
    ['maxEntryBytes', { maxEntryBytes: 0 }],
    ['maxCachedBytes', { maxCachedBytes: 0 }],
    ['maxPendingReads', { maxPendingReads: 0 }],
    ['priority', { priority: Number.NaN }],
    ['quiesceAfterRounds', { quiesceAfterRounds: 0 }],
    ['bug', { bug: 'none-such' }],
  ])('are refused by name: %s', (field, options) => {
    expect(() => settingsOf(options)).toThrow(expect.objectContaining({ code: 'ERR_OPTION', field }))
  })
})

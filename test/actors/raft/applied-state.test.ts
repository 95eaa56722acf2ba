import { keyValue, keyValueMap } from 'espalier/raft'
import { describe, expect, it } from 'vitest'
import { AppliedState } from '../../../actors/raft/applied-state.ts'
import { encodeEntry } from '../../../actors/raft/core/entry-codec.ts'

const last = { index: 7, term: 2 }

function snapshotOf(changes: object = {}) {
  const { name: machine, version } = keyValueMap
  const configuration = { members: [] }
  return { last, configuration, size: 0, checksum: 0, machine, version, ...changes }
}

function bytesOf(state: AppliedState): Uint8Array {
  const parts = state.snapshot()
  const chunks: Uint8Array[] = []
  for (let part = parts.next(); part.done !== true; part = parts.next()) chunks.push(part.value)
  return Buffer.concat(chunks)
}

describe('what is applied', () => {
  it('goes on from a snapshot of its machine, of its version or an earlier one', () => {
    const bytes = bytesOf(AppliedState.initial(keyValueMap))
    expect(AppliedState.restore(keyValueMap, snapshotOf(), bytes).last).toEqual(last)
    expect(AppliedState.restore({ ...keyValueMap, version: 9 }, snapshotOf(), bytes).last).toEqual(last)
  })

  it.each([
    ['of another machine', { machine: 'lock service' }, /another|lock service, version/],
    ['of a later version', { version: keyValueMap.version + 1 }, /at most version/],
    ['of another machine and a later version', { machine: 'other', version: 99 }, /other, version 99/],
  ])('refuses a snapshot %s', (_what, changes, message) => {
    const bytes = bytesOf(AppliedState.initial(keyValueMap))
    expect(() => AppliedState.restore(keyValueMap, snapshotOf(changes), bytes)).toThrow(message)
  })

  it('refuses an entry that does not follow', () => {
    const state = AppliedState.initial(keyValueMap)
    const entry = encodeEntry({ index: 2, term: 1, kind: 'command', timeMs: 0, payload: keyValue.put('k', 'v') })
    expect(() => state.apply(entry)).toThrow(/entry behind the last applied, 1/)
  })
})

// What must hold of the sample register after every event, in whatever state its replicas are. They are asked so often
// that each first sees, without a lookup, whether anything it speaks of has changed.

import type { Invariant } from '../../src/simulation/world-engine.ts'
import type { RegisterState } from './register-state.ts'
import type { Replica } from './replica.ts'

/** What a replica knows now; undefined while it is down. */
export type Look = () => Replica | undefined

export interface Watched {
  readonly node: string
  readonly look: Look
}

/** The invariants by name. */
export function sampleInvariants(replicas: readonly Watched[]): ReadonlyMap<string, Invariant> {
  return new Map([
    ['agreement', agreement(replicas)],
    ['one history per epoch', oneHistory(replicas)],
    ['promises are kept', promises(replicas)],
  ])
}

/** No two primaries commit different histories of the same length. */
function agreement(replicas: readonly Watched[]): Invariant {
  const chains = new Map<number, number>()
  return onChange(replicas, committedOf, (node, { seq, chain, epoch }) => {
    const known = chains.get(seq)
    if (known === undefined) chains.set(seq, chain)
    else if (known !== chain) {
      return `${node} commits other entries up to ${seq} in epoch ${epoch} than were committed before`
    }
    return true
  })
}

/** What two replicas hold of one epoch, one has from the other: equally long means equal. */
function oneHistory(replicas: readonly Watched[]): Invariant {
  const epochs = new Map<number, Map<number, number>>()
  return onChange(replicas, dataOf, (node, { seq, chain, epoch }) => {
    let chains = epochs.get(epoch)
    if (chains === undefined) {
      chains = new Map()
      epochs.set(epoch, chains)
    }
    const known = chains.get(seq)
    if (known === undefined) chains.set(seq, chain)
    else if (known !== chain) return `${node} holds another history of epoch ${epoch} up to ${seq}`
    return true
  })
}

/** A replica never takes back a promise, not even by a power cut. */
function promises(replicas: readonly Watched[]): Invariant {
  const highest = replicas.map(() => 0)
  return () => {
    for (let i = 0; i < replicas.length; i++) {
      const replica = replicas[i]?.look()
      const before = highest[i] ?? 0
      if (replica === undefined || replica.promised === before) continue
      if (replica.promised < before) {
        return `${replicas[i]?.node} has promised ${before}, and now holds only ${replica.promised}`
      }
      highest[i] = replica.promised
    }
    return true
  }
}

/** Judges a part of what a replica knows whenever another object is in its place. */
function onChange(
  replicas: readonly Watched[],
  part: (replica: Replica) => RegisterState,
  judge: (node: string, state: RegisterState) => string | true,
): Invariant {
  const seen: (RegisterState | undefined)[] = replicas.map(() => undefined)
  return () => {
    for (let i = 0; i < replicas.length; i++) {
      const watched = replicas[i]
      const replica = watched?.look()
      if (watched === undefined || replica === undefined) continue
      const state = part(replica)
      if (seen[i] === state) continue
      seen[i] = state
      const verdict = judge(watched.node, state)
      if (verdict !== true) return verdict
    }
    return true
  }
}

function committedOf(replica: Replica): RegisterState {
  return replica.committed
}

function dataOf(replica: Replica): RegisterState {
  return replica.data
}

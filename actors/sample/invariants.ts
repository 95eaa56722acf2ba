// What must hold of the sample register after every event, in whatever state its replicas are.

import type { Invariant } from '../../src/simulation/world-engine.ts'
import type { RegisterState } from './register-state.ts'
import type { Replica } from './replica.ts'

/** The invariants by name. `replicaOf` answers what a replica knows now, undefined while it is down. */
export function sampleInvariants(
  nodes: readonly string[],
  replicaOf: (node: string) => Replica | undefined,
): ReadonlyMap<string, Invariant> {
  const replicas = () => nodes.map((node) => [node, replicaOf(node)] as const)
  return new Map([
    ['agreement', agreement(replicas)],
    ['one history per epoch', oneHistory(replicas)],
    ['promises are kept', promises(replicas)],
  ])
}

type Replicas = () => (readonly [node: string, replica: Replica | undefined])[]

/** No two primaries commit different histories of the same length. */
function agreement(replicas: Replicas): Invariant {
  const chains = new Map<number, number>()
  const seen = new Map<string, RegisterState>()
  return () => {
    for (const [node, replica] of replicas()) {
      if (replica === undefined || seen.get(node) === replica.committed) continue
      const { seq, chain, epoch } = replica.committed
      seen.set(node, replica.committed)
      const known = chains.get(seq)
      if (known !== undefined && known !== chain) {
        return `${node} commits other entries up to ${seq} in epoch ${epoch} than were committed before`
      }
      chains.set(seq, chain)
    }
    return true
  }
}

/** What two replicas hold of one epoch, one has from the other: equally long means equal. */
function oneHistory(replicas: Replicas): Invariant {
  const chains = new Map<string, number>()
  const seen = new Map<string, RegisterState>()
  return () => {
    for (const [node, replica] of replicas()) {
      if (replica === undefined || seen.get(node) === replica.data) continue
      const { seq, chain, epoch } = replica.data
      seen.set(node, replica.data)
      const known = chains.get(`${epoch} ${seq}`)
      if (known !== undefined && known !== chain) return `${node} holds another history of epoch ${epoch} up to ${seq}`
      chains.set(`${epoch} ${seq}`, chain)
    }
    return true
  }
}

/** A replica never takes back a promise, not even by a power cut. */
function promises(replicas: Replicas): Invariant {
  const highest = new Map<string, number>()
  return () => {
    for (const [node, replica] of replicas()) {
      if (replica === undefined) continue
      const before = highest.get(node) ?? 0
      if (replica.promised < before) return `${node} has promised ${before}, and now holds only ${replica.promised}`
      if (replica.promised > before) highest.set(node, replica.promised)
    }
    return true
  }
}

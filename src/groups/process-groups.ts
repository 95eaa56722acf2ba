// Process groups as OTP's pg has them: named groups of processes within a scope, seen from every node of the scope.
//
// A node owns the membership of its own processes and nothing else. What it knows of other nodes, its peers, came from
// them by messages: the whole state once (sync), then changes; a lost peer is purged. So views converge without any
// agreement, and differ for a while. Carrying those messages is the distribution layer's: see the internal methods.

import { CapacityError, ProcessError } from '../kernel/errors.ts'
import { type Key, mapKey } from '../kernel/key.ts'
import type { Node } from '../kernel/node.ts'
import { Pid, type Reference } from '../kernel/pid.ts'
import type { Entry } from './entry-index.ts'
import { GroupMonitors } from './group-monitors.ts'
import { MAX_ENTRIES, OwnedEntries } from './owned-entries.ts'
import { membersOf, PeerMembers } from './peer-members.ts'

export interface ProcessGroupsOptions {
  /** Scopes of the same name on different nodes are one. Default `pg`. */
  readonly scope?: string
  /** Most joins of this node's processes at a time; the same bound holds for each peer. Default 1 000 000. */
  readonly maxMembers?: number
}

/** What a node tells its peers: everything, or one change. */
export type GroupUpdate<G> =
  | { readonly kind: 'sync'; readonly groups: readonly GroupState<G>[] }
  | { readonly kind: 'join' | 'leave'; readonly group: G; readonly pids: readonly Pid[] }

type GroupState<G> = readonly [group: G, pids: readonly Pid[]]

/** One scope of groups, as one node sees it. G: the names of groups. */
export class ProcessGroups<G extends Key = string> {
  readonly scope: string
  readonly #maxMembers: number
  readonly #node: Node
  readonly #local: OwnedEntries<G, number>
  readonly #peers = new Map<string, PeerMembers<G>>()
  readonly #monitors: GroupMonitors<G>
  readonly #listeners = new Set<(update: GroupUpdate<G>) => void>()
  #joins = 0

  /** @throws OptionError for a wrong option. */
  constructor(node: Node, options: ProcessGroupsOptions = {}) {
    this.scope = options.scope ?? 'pg'
    this.#maxMembers = options.maxMembers ?? MAX_ENTRIES
    this.#node = node
    this.#monitors = new GroupMonitors(node)
    const bound = { name: `groups ${this.scope}`, field: 'maxMembers', limit: this.#maxMembers }
    this.#local = new OwnedEntries(node, bound, (entry) => this.#lost(entry))
  }

  /**
   * Adds processes of this node to a group. A process may join a group several times, and is then that often a member.
   * One that has ended has no part in it: no effect.
   *
   * @throws ProcessError ERR_BADARG if a process lives on another node; CapacityError at `maxMembers`.
   */
  join(group: G, pids: Pid | readonly Pid[]): void {
    const all = listOf(pids)
    const foreign = all.find((pid) => !this.#node.isLocal(pid))
    if (foreign !== undefined) throw new ProcessError('badarg', `join: ${foreign} lives on another node`)
    const joining = all.filter((pid) => this.#node.isAlive(pid))
    if (this.#joins + joining.length > this.#maxMembers) {
      throw new CapacityError(`groups ${this.scope}`, 'maxMembers', this.#maxMembers)
    }
    this.#joins += joining.length
    for (const pid of joining) this.#local.set(group, pid, this.joined(group, pid) + 1)
    if (joining.length > 0) this.#changed('join', group, joining)
  }

  /** Undoes one join of each of the processes. False if none of them was a member (pg's `not_joined`). */
  leave(group: G, pids: Pid | readonly Pid[]): boolean {
    const left: Pid[] = []
    for (const pid of listOf(pids)) {
      const count = this.joined(group, pid)
      if (count === 0) continue
      if (count === 1) this.#local.delete(group, pid)
      else this.#local.set(group, pid, count - 1)
      left.push(pid)
    }
    this.#joins -= left.length
    if (left.length > 0) this.#changed('leave', group, left)
    return left.length > 0
  }

  /** The members on all nodes that are known: this node's first, each as often as it has joined. */
  members(group: G): Pid[] {
    const members = this.localMembers(group)
    for (const peer of this.#peers.values()) for (const pid of membersOf(peer.index, group)) members.push(pid)
    return members
  }

  /** The members on this node, oldest first, each as often as it has joined. */
  localMembers(group: G): Pid[] {
    return membersOf(this.#local.index, group)
  }

  /** How often a process of this node is in a group. */
  joined(group: G, pid: Pid): number {
    return this.#local.get(group, pid)?.value ?? 0
  }

  /** The groups that have members. */
  groups(): G[] {
    const groups = new Map<string | number, G>()
    for (const index of [this.#local.index, ...[...this.#peers.values()].map((peer) => peer.index)]) {
      for (const group of index.keys()) groups.set(mapKey(group), group)
    }
    return [...groups.values()]
  }

  /** The groups that have members on this node. */
  localGroups(): G[] {
    return this.#local.index.keys()
  }

  /**
   * Sends a {@link GroupEvent} to `watcher`, a process of this node, for each join and leave from now on.
   *
   * @returns the reference that the events carry, and the members before the first of them.
   * @throws ProcessError ERR_NOPROC if the watcher has ended or lives elsewhere.
   */
  monitor(watcher: Pid, group: G): { readonly ref: Reference; readonly members: Pid[] } {
    return { ref: this.#monitors.add(watcher, group), members: this.members(group) }
  }

  /** The same for all groups of the scope. */
  monitorScope(watcher: Pid): { readonly ref: Reference; readonly groups: (readonly [group: G, members: Pid[]])[] } {
    const groups = this.groups().map((group) => [group, this.members(group)] as const)
    return { ref: this.#monitors.add(watcher, undefined), groups }
  }

  /** Ends a monitor. False if there was none. Unlike pg's, it leaves events that wait in the mailbox there. */
  demonitor(ref: Reference): boolean {
    return this.#monitors.delete(ref)
  }

  // ---- for the distribution layer ----------------------------------------------------------------------------------

  /** @internal Hears what peers must be told, in order, until the returned function is called. */
  onLocalChange(listener: (update: GroupUpdate<G>) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** @internal What a peer that has just been met must be told first. */
  localState(): GroupUpdate<G> {
    return { kind: 'sync', groups: this.localGroups().map((group) => [group, this.localMembers(group)]) }
  }

  /**
   * @internal Takes over what a peer has told. A change before its first sync is ignored: the sync will hold it.
   *
   * @param peer one life of one node; all pids of the update are of it.
   * @throws CapacityError if the peer would have more than `maxMembers` joins; then nothing has changed.
   */
  applyUpdate(peer: string, update: GroupUpdate<G>): void {
    const known = this.#peers.get(peer)
    if (update.kind === 'sync') {
      const fresh = new PeerMembers<G>(this.#maxMembers)
      for (const [group, pids] of update.groups) fresh.join(group, pids)
      this.#peers.set(peer, fresh)
      for (const [group, pids] of known?.beyond(fresh) ?? []) this.#monitors.tell('leave', group, pids)
      for (const [group, pids] of fresh.beyond(known)) this.#monitors.tell('join', group, pids)
    } else if (known !== undefined && update.kind === 'join') {
      known.join(update.group, update.pids)
      this.#monitors.tell('join', update.group, update.pids)
    } else if (known !== undefined && update.kind === 'leave') {
      const left = known.leave(update.group, update.pids)
      if (left.length > 0) this.#monitors.tell('leave', update.group, left)
    }
  }

  /** @internal Forgets a peer that is lost. */
  purge(peer: string): void {
    const known = this.#peers.get(peer)
    this.#peers.delete(peer)
    for (const [group, pids] of known?.beyond(undefined) ?? []) this.#monitors.tell('leave', group, pids)
  }

  #changed(kind: 'join' | 'leave', group: G, pids: readonly Pid[]): void {
    this.#monitors.tell(kind, group, pids)
    for (const listener of this.#listeners) listener({ kind, group, pids })
  }

  // pg tells one leave for each join of a process that has ended.
  #lost({ key, pid, value }: Entry<G, number>): void {
    this.#joins -= value
    for (let i = 0; i < value; i++) this.#changed('leave', key, [pid])
  }
}

function listOf(pids: Pid | readonly Pid[]): readonly Pid[] {
  return pids instanceof Pid ? [pids] : pids
}

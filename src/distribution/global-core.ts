// Names that are unique over the nodes of a mesh, as one node sees them: a pure state machine of what it is told and
// asked, with effects to carry out. Each node owns the claims of its own processes and knows those of the others.
//
// A claim is made with the consent of every node that is known: first that of the one whose name is least, so that of
// two who want one name only one goes on, then that of the others; each holds the name for the asker meanwhile. Then all
// are told. A hold ends with the claim, with a release, or with the connection to the asker. So among nodes that stay
// connected no two processes have one name at any time. Nodes that could not ask each other may both have given a name
// away: when they meet each hears the other's claims, and of two claims to a name that of the node whose name is less
// stands. Every node decides so by itself; the owner of the other withdraws it.

import { type Key, mapKey } from '../kernel/key.ts'
import type { Pid } from '../kernel/pid.ts'

/** What nodes tell each other. `id` numbers the attempts of the asker. */
export type GlobalMessage =
  /** Tell me all you own. */
  | { readonly kind: 'discover' }
  | { readonly kind: 'sync'; readonly claims: readonly (readonly [Key, Pid])[]; readonly nodes: readonly string[] }
  | { readonly kind: 'reserve' | 'release'; readonly id: number; readonly key: Key }
  | { readonly kind: 'granted' | 'acknowledged'; readonly id: number }
  /** With the holder of the name, if it has one; without, somebody else is just asking for it. */
  | { readonly kind: 'refused'; readonly id: number; readonly holder: Pid | undefined }
  | { readonly kind: 'claim' | 'withdraw'; readonly id: number; readonly key: Key; readonly pid: Pid }

export type RegisterResult = 'ok' | { readonly error: { readonly already_registered: Pid } | 'noproc' | 'busy' }
export type UnregisterResult = 'ok' | { readonly error: 'not_registered' }

/** What is to be done; `asker` is whatever was given with the request. */
export type GlobalEffect =
  | { readonly kind: 'send'; readonly to: string; readonly message: GlobalMessage }
  | { readonly kind: 'answer'; readonly asker: unknown; readonly result: RegisterResult | UnregisterResult }
  /** Call `retry(id)` after a while that grows with `tries`. */
  | { readonly kind: 'retry'; readonly id: number; readonly tries: number }
  /** Two processes had the name; `loser` is one of ours, and has it no longer. */
  | { readonly kind: 'conflict'; readonly key: Key; readonly loser: Pid; readonly winner: Pid }
  /** Call `absent(node)` once nobody there speaks for names any more, or if nobody does. */
  | { readonly kind: 'watch'; readonly node: string }
  /** There is a node that somebody else knows. */
  | { readonly kind: 'connect'; readonly to: string }

/** A name that is being asked for, or given up. */
interface Attempt {
  readonly id: number
  readonly key: Key
  readonly pid: Pid
  readonly asker: unknown
  stage: 'waiting' | 'first' | 'rest' | 'claim' | 'withdraw'
  /** Who has not answered. */
  readonly waiting: Set<string>
  /** Who may hold the name for us. */
  readonly asked: Set<string>
  tries: number
}

interface Claim {
  readonly key: Key
  readonly pid: Pid
}

/** Attempts at one name before it is `busy`. */
const MAX_TRIES = 64

export class GlobalCore {
  readonly node: string
  /** What is to be done, in order; whoever calls takes it out. */
  effects: GlobalEffect[] = []
  /** Nodes that have told what they own. */
  readonly #known = new Set<string>()
  /** Nodes that were asked for it. */
  readonly #pending = new Set<string>()
  /** Claims by key, and by the node that owns them. */
  readonly #claims = new Map<string | number, Map<string, Claim>>()
  /** Names that are held for the attempt of a node. */
  readonly #holds = new Map<string | number, { readonly node: string; readonly id: number }>()
  readonly #attempts = new Map<number, Attempt>()
  #nextId = 1

  constructor(node: string) {
    this.node = node
  }

  // ---- what is known -----------------------------------------------------------------------------------------------

  /** Who has the name. */
  holder(key: Key): Pid | undefined {
    return this.#winner(mapKey(key))?.pid
  }

  /** Every name and who has it. */
  list(): (readonly [Key, Pid])[] {
    return [...this.#claims.keys()].flatMap((at) => {
      const claim = this.#winner(at)
      return claim === undefined ? [] : [[claim.key, claim.pid] as const]
    })
  }

  /** The names that processes of this node have. */
  own(): (readonly [Key, Pid])[] {
    return this.list().filter(([, pid]) => pid.nodeName === this.node)
  }

  #winner(at: string | number): Claim | undefined {
    let winner: readonly [string, Claim] | undefined
    for (const owned of this.#claims.get(at) ?? []) {
      if (winner === undefined || owned[0] < winner[0]) winner = owned
    }
    return winner?.[1]
  }

  // ---- nodes -------------------------------------------------------------------------------------------------------

  /** A node is connected: it is asked for what it owns, and until it has answered no name is given away. */
  met(node: string): void {
    this.#pending.add(node)
    this.effects.push({ kind: 'watch', node })
    this.#send(node, { kind: 'discover' })
  }

  /** A node is lost, or nobody there speaks for names. */
  absent(node: string): void {
    this.#pending.delete(node)
    this.#known.delete(node)
    for (const [at, claims] of this.#claims) if (claims.delete(node) && claims.size === 0) this.#claims.delete(at)
    this.#releaseAll(node)
    for (const attempt of [...this.#attempts.values()]) {
      attempt.asked.delete(node)
      if (attempt.waiting.delete(node)) this.#advance(attempt)
    }
    this.#resume()
  }

  /** Nobody speaks for this node any more: the others forget what it told. What it owns it keeps, and tells when it is back. */
  silenced(): void {
    this.#attempts.clear()
    this.#releaseAll(this.node)
    for (const node of this.#others()) this.absent(node)
    this.effects = []
  }

  /** The nodes that are told of what is ours, and asked. */
  #others(): string[] {
    return [...this.#known, ...this.#pending]
  }

  received(from: string, message: GlobalMessage): void {
    switch (message.kind) {
      case 'discover':
        // It has not told us anything yet, or not in this life.
        if (!this.#known.has(from) && !this.#pending.has(from)) this.met(from)
        this.#send(from, { kind: 'sync', claims: this.own(), nodes: this.#others() })
        return
      case 'sync':
        return this.#synced(from, message.claims, message.nodes)
      case 'reserve':
        return this.#reserve(from, message.id, message.key)
      case 'release':
        return this.#release(from, message.id, message.key)
      case 'granted':
      case 'acknowledged':
        return this.#answered(from, message.id)
      case 'refused':
        return this.#refused(message.id, message.holder)
      case 'claim':
        this.#release(from, message.id, message.key)
        this.#add(from, message)
        return this.#send(from, { kind: 'acknowledged', id: message.id })
      case 'withdraw':
        this.#remove(from, message.key)
        if (message.id > 0) this.#send(from, { kind: 'acknowledged', id: message.id })
        return
    }
  }

  #synced(from: string, claims: readonly (readonly [Key, Pid])[], nodes: readonly string[]): void {
    this.#pending.delete(from)
    this.#known.add(from)
    this.#releaseAll(from)
    for (const [at, known] of this.#claims) if (known.delete(from) && known.size === 0) this.#claims.delete(at)
    for (const [key, pid] of claims) this.#add(from, { key, pid })
    for (const to of nodes) {
      if (to !== this.node && !this.#known.has(to) && !this.#pending.has(to)) this.effects.push({ kind: 'connect', to })
    }
    this.#resume()
  }

  /** Names can be given away again. */
  #resume(): void {
    if (this.#pending.size > 0) return
    for (const attempt of [...this.#attempts.values()]) if (attempt.stage === 'waiting') this.#begin(attempt)
  }

  // ---- asking ------------------------------------------------------------------------------------------------------

  /** A process of this node is to have a name. */
  register(asker: unknown, key: Key, pid: Pid): void {
    this.#begin(this.#attempt(asker, key, pid, 'waiting'))
  }

  /** The name of a process of this node is to be free. */
  unregister(asker: unknown, key: Key): void {
    const claim = this.#claims.get(mapKey(key))?.get(this.node)
    if (claim === undefined) return this.#push(asker, { error: 'not_registered' })
    const attempt = this.#attempt(asker, key, claim.pid, 'withdraw')
    this.#withdraw(claim, attempt.id)
    for (const node of this.#others()) attempt.waiting.add(node)
    this.#advance(attempt)
  }

  /** A process of this node has ended. */
  ended(pid: Pid): void {
    for (const attempt of [...this.#attempts.values()]) {
      if (attempt.pid !== pid || attempt.stage === 'withdraw') continue
      this.#giveUp(attempt)
      this.#answer(attempt, { error: 'noproc' })
    }
    for (const claims of [...this.#claims.values()]) {
      const claim = claims.get(this.node)
      if (claim?.pid === pid) this.#withdraw(claim, 0)
    }
  }

  /** The time of a `retry` effect has come. */
  retry(id: number): void {
    const attempt = this.#attempts.get(id)
    if (attempt?.stage === 'waiting') this.#begin(attempt)
  }

  #attempt(asker: unknown, key: Key, pid: Pid, stage: Attempt['stage']): Attempt {
    const id = this.#nextId++
    const attempt = { id, key, pid, asker, stage, waiting: new Set<string>(), asked: new Set<string>(), tries: 0 }
    this.#attempts.set(id, attempt)
    return attempt
  }

  #begin(attempt: Attempt): void {
    const { key, pid } = attempt
    if (this.#pending.size > 0) return
    const holder = this.holder(key)
    if (holder !== undefined) {
      return this.#answer(attempt, holder === pid ? 'ok' : { error: { already_registered: holder } })
    }
    attempt.stage = 'first'
    const [least] = this.#others().sort()
    if (least !== undefined && least < this.node) this.#ask(attempt, [least])
    this.#advance(attempt)
  }

  #ask(attempt: Attempt, nodes: Iterable<string>): void {
    const { id, key } = attempt
    for (const node of nodes) {
      attempt.asked.add(node)
      attempt.waiting.add(node)
      this.#send(node, { kind: 'reserve', id, key })
    }
  }

  #answered(from: string, id: number): void {
    const attempt = this.#attempts.get(id)
    if (attempt?.waiting.delete(from)) this.#advance(attempt)
  }

  /** Goes on with an attempt once nobody keeps it waiting. */
  #advance(attempt: Attempt): void {
    const { id, key, pid } = attempt
    if (attempt.waiting.size > 0 || attempt.stage === 'waiting') return
    if (attempt.stage === 'first') {
      // Not before: what one who waits for the first holds would be in the way of the one who has it.
      if (this.#holds.has(mapKey(key))) return this.#refused(id, undefined)
      this.#holds.set(mapKey(key), { node: this.node, id })
      attempt.stage = 'rest'
      this.#ask(
        attempt,
        this.#others().filter((node) => !attempt.asked.has(node)),
      )
      return this.#advance(attempt)
    }
    if (attempt.stage !== 'rest') return this.#answer(attempt, 'ok')
    const holder = this.holder(key)
    if (holder !== undefined) return this.#refused(id, holder)
    attempt.stage = 'claim'
    this.#holds.delete(mapKey(key))
    this.#add(this.node, { key, pid })
    for (const node of this.#others()) {
      attempt.waiting.add(node)
      this.#send(node, { kind: 'claim', id, key, pid })
    }
    return this.#advance(attempt)
  }

  #refused(id: number, holder: Pid | undefined): void {
    const attempt = this.#attempts.get(id)
    if (attempt === undefined || (attempt.stage !== 'first' && attempt.stage !== 'rest')) return
    this.#giveUp(attempt)
    if (holder !== undefined) this.#answer(attempt, { error: { already_registered: holder } })
    else this.#again(attempt)
  }

  /** Lets go of what is held for an attempt. */
  #giveUp(attempt: Attempt): void {
    const { id, key } = attempt
    const hold = this.#holds.get(mapKey(key))
    if (hold?.node === this.node && hold.id === id) this.#holds.delete(mapKey(key))
    if (attempt.stage === 'first' || attempt.stage === 'rest') {
      for (const node of attempt.asked) this.#send(node, { kind: 'release', id, key })
    }
    attempt.asked.clear()
    attempt.waiting.clear()
  }

  #again(attempt: Attempt): void {
    attempt.stage = 'waiting'
    attempt.tries++
    if (attempt.tries > MAX_TRIES) this.#answer(attempt, { error: 'busy' })
    else this.effects.push({ kind: 'retry', id: attempt.id, tries: attempt.tries })
  }

  // ---- being asked -------------------------------------------------------------------------------------------------

  #reserve(from: string, id: number, key: Key): void {
    const holder = this.holder(key)
    if (holder !== undefined || this.#holds.has(mapKey(key))) return this.#send(from, { kind: 'refused', id, holder })
    this.#holds.set(mapKey(key), { node: from, id })
    this.#send(from, { kind: 'granted', id })
  }

  #release(from: string, id: number, key: Key): void {
    const hold = this.#holds.get(mapKey(key))
    if (hold?.node === from && hold.id === id) this.#holds.delete(mapKey(key))
  }

  #releaseAll(node: string): void {
    for (const [at, hold] of this.#holds) if (hold.node === node) this.#holds.delete(at)
  }

  // ---- claims ------------------------------------------------------------------------------------------------------

  #add(node: string, { key, pid }: Claim): void {
    const at = mapKey(key)
    const claims = this.#claims.get(at) ?? new Map<string, Claim>()
    this.#claims.set(at, claims.set(node, { key, pid }))
    const own = claims.get(this.node)
    const winner = this.#winner(at)
    if (own === undefined || winner === undefined || winner === own) return
    this.#withdraw(own, 0)
    for (const attempt of [...this.#attempts.values()]) {
      if (attempt.stage !== 'claim' || mapKey(attempt.key) !== at) continue
      this.#answer(attempt, { error: { already_registered: winner.pid } })
    }
    this.effects.push({ kind: 'conflict', key, loser: own.pid, winner: winner.pid })
  }

  #remove(node: string, key: Key): void {
    const at = mapKey(key)
    const claims = this.#claims.get(at)
    if (claims?.delete(node) && claims.size === 0) this.#claims.delete(at)
  }

  /** One of ours is no more. */
  #withdraw({ key, pid }: Claim, id: number): void {
    this.#remove(this.node, key)
    for (const node of this.#others()) this.#send(node, { kind: 'withdraw', id, key, pid })
  }

  // ---- effects -----------------------------------------------------------------------------------------------------

  #send(to: string, message: GlobalMessage): void {
    this.effects.push({ kind: 'send', to, message })
  }

  #answer(attempt: Attempt, result: RegisterResult | UnregisterResult): void {
    this.#attempts.delete(attempt.id)
    this.#push(attempt.asker, result)
  }

  #push(asker: unknown, result: RegisterResult | UnregisterResult): void {
    this.effects.push({ kind: 'answer', asker, result })
  }
}

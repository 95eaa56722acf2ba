// Names that are unique over the nodes of a mesh: OTP's global. The rules are in global-core.ts; here is the process that
// speaks for a node, and the face that its programs use.

import { noReply } from '../behaviours/results.ts'
import { defineServer } from '../behaviours/server.ts'
import type { EndListener } from '../kernel/end-listeners.ts'
import { OptionError } from '../kernel/errors.ts'
import { type Key, mapKey } from '../kernel/key.ts'
import { Down } from '../kernel/messages.ts'
import type { Node } from '../kernel/node.ts'
import { actorOf } from '../kernel/own.ts'
import type { Pid, Reference } from '../kernel/pid.ts'
import type { Definition, Ref } from '../kernel/ref.ts'
import type { From, Self } from '../kernel/self.ts'
import {
  GlobalCore,
  type GlobalEffect,
  type GlobalMessage,
  type RegisterResult,
  type UnregisterResult,
} from './global-core.ts'
import { NodeUp } from './node-events.ts'
import type { NodeWatch } from './shared-groups.ts'

export interface GlobalNamesOptions {
  /** Names of one scope are unique; two scopes know nothing of each other. Default `global`. */
  readonly scope?: string
  /**
   * What happens to a process that loses its name, because nodes meet that had both given it away. `kill` (default): it
   * is killed, as by OTP's `global:random_exit_name/3`. `notify`: it is sent a {@link NameConflict}, and goes on.
   */
  readonly onConflict?: 'kill' | 'notify'
}

/** A process has lost its global name to another: OTP's `{global_name_conflict, Name, OtherPid}`. */
export class NameConflict<K = Key> {
  readonly name: K
  readonly winner: Pid
  constructor(name: K, winner: Pid) {
    this.name = name
    this.winner = winner
  }
}

/** A mesh in which names can be shared: a Distribution. */
export interface NameMesh extends NodeWatch {
  /** Resolves once a node is connected; rejects if it cannot be reached. */
  connect(name: string): Promise<void>
}

interface NamesProtocol {
  readonly call: {
    register(claim: readonly [Key, Pid]): RegisterResult
    unregister(key: Key): UnregisterResult
  }
  readonly cast: {
    told(what: readonly [node: string, message: GlobalMessage]): void
  }
}

/** The time has come to ask for a name again. */
class Retry {
  readonly id: number
  constructor(id: number) {
    this.id = id
  }
}

/**
 * Global names, as one node sees them. Start {@link GlobalNames.server} under a supervisor on every node of the mesh; it
 * connects each with all, as OTP's global does.
 *
 * Two processes of nodes that are connected with each other never have one name at a time. Nodes that were apart may
 * both have given a name away; when they meet, the process on the node whose name is less keeps it, and the other loses
 * it: see `onConflict`. A name is free once its process has ended or its node is lost.
 */
export class GlobalNames<K extends Key = string> {
  /** The process that speaks for this node. */
  readonly server: Definition<undefined>
  readonly #node: Node
  readonly #mesh: NameMesh
  readonly #serverName: string
  readonly #kills: boolean
  readonly #core: GlobalCore
  readonly #monitors = new Map<string, Reference>()
  readonly #ends: EndListener = {
    ended: (pid) => {
      this.#core.ended(pid)
      this.#carryOut()
    },
  }
  #self: Self | undefined

  /** @throws OptionError for a wrong option. */
  constructor(node: Node, mesh: NameMesh, options: GlobalNamesOptions = {}) {
    const { scope = 'global', onConflict = 'kill' } = options
    if (onConflict !== 'kill' && onConflict !== 'notify') {
      throw new OptionError('onConflict', onConflict, "'kill' or 'notify'")
    }
    this.#node = node
    this.#mesh = mesh
    this.#serverName = `names.${scope}`
    this.#kills = onConflict === 'kill'
    this.#core = new GlobalCore(node.name)
    this.server = this.#define()
  }

  // ---- for users ---------------------------------------------------------------------------------------------------

  /**
   * Gives a process a name; it may live on another node. Once this resolves with `ok`, every node of the mesh knows.
   * Otherwise says who has the name, or that the process has ended (`noproc`), or that others keep asking for it
   * (`busy`). Rejects with ExitError, `noproc` where the node of the process has no {@link server}, and then it is not
   * known whether the name was given. OTP: `global:register_name/2`.
   */
  register(by: Node | Self, key: K, pid: Pid): Promise<RegisterResult> {
    mapKey(key)
    return this.#ask(by, pid.nodeName, 'register', [key, pid]) as Promise<RegisterResult>
  }

  /** Takes a name from the process that has it. Once this resolves, no node knows it. OTP: `global:unregister_name/1`. */
  async unregister(by: Node | Self, key: K): Promise<UnregisterResult> {
    const holder = this.#core.holder(key)
    if (holder === undefined) return { error: 'not_registered' }
    return (await this.#ask(by, holder.nodeName, 'unregister', key)) as UnregisterResult
  }

  /** The process that has a name, as this node knows. OTP: `global:whereis_name/1`. */
  whereis(key: K): Pid | undefined
  /** The same, typed by a definition: the caller's word, not checked. */
  whereis<T extends Definition>(definition: T, key: K): Ref<T> | undefined
  whereis(first: K | Definition, second?: K): Pid | undefined {
    const key = second ?? (first as K)
    return this.#core.holder(key)
  }

  /** Every name, and who has it, as this node knows. */
  list(): (readonly [name: K, pid: Pid])[] {
    return this.#core.list() as (readonly [K, Pid])[]
  }

  /** How many names the processes of each node have. */
  counts(): Map<string, number> {
    const counts = new Map<string, number>()
    for (const [, { nodeName }] of this.list()) counts.set(nodeName, (counts.get(nodeName) ?? 0) + 1)
    return counts
  }

  #ask(by: Node | Self, nodeName: string, tag: string, argument: unknown): Promise<unknown> {
    const { node, process } = actorOf(by)
    return node.call(process, node.at(nodeName, this.#serverName), tag, argument, undefined)
  }

  // ---- the process -------------------------------------------------------------------------------------------------

  #define(): Definition<undefined> {
    const core = this.#core
    return defineServer<NamesProtocol>()({
      name: 'global names',
      init: (_argument: undefined, { self }) => {
        self.register(this.#serverName)
        this.#self = self
        this.#node.watchEnd(self.pid, { ended: () => this.#silenced() })
        this.#mesh.monitorNodes(self.pid)
        for (const node of this.#mesh.nodes()) core.met(node)
        this.#carryOut()
        return null
      },
      call: {
        register: ({ from, state }, [key, pid]) => {
          this.#register(from, key, pid)
          return noReply(state)
        },
        unregister: ({ from, state }, key) => {
          core.unregister(from, key)
          this.#carryOut()
          return noReply(state)
        },
      },
      cast: {
        told: ({ state }, [node, message]) => {
          core.received(node, message)
          this.#carryOut()
          return state
        },
      },
      info: ({ state }, message) => {
        if (message instanceof NodeUp) core.met(message.nodeName)
        else if (message instanceof Retry) core.retry(message.id)
        else if (message instanceof Down) this.#lost(message)
        this.#carryOut()
        return state
      },
    })
  }

  #register(asker: From, key: Key, pid: Pid): void {
    if (this.#node.watchEnd(pid, this.#ends)) this.#core.register(asker, key, pid)
    else this.#self?.reply(asker, { error: 'noproc' } satisfies RegisterResult)
    this.#carryOut()
  }

  #lost({ ref, target }: Down): void {
    if (typeof target === 'string' || this.#monitors.get(target.nodeName) !== ref) return
    this.#monitors.delete(target.nodeName)
    this.#core.absent(target.nodeName)
  }

  #silenced(): void {
    this.#self = undefined
    this.#monitors.clear()
    this.#core.silenced()
  }

  // ---- effects -----------------------------------------------------------------------------------------------------

  #carryOut(): void {
    const { effects } = this.#core
    this.#core.effects = []
    const self = this.#self
    // Those that die with the process: whoever asked learns it by the end of the call.
    if (self !== undefined) for (const effect of effects) this.#do(self, effect)
  }

  #do(self: Self, effect: GlobalEffect): void {
    switch (effect.kind) {
      case 'send':
        return void self.cast(this.#there(self, effect.to), 'told', [self.nodeName, effect.message])
      case 'watch':
        if (!this.#monitors.has(effect.node)) {
          this.#monitors.set(effect.node, self.monitor(this.#there(self, effect.node)))
        }
        return
      case 'answer':
        return self.reply(effect.asker as From, effect.result)
      case 'retry': {
        const { random } = this.#node.ports
        self.sendAfter(1 + (random.uint32() % 2 ** Math.min(effect.tries, 6)), self.pid, new Retry(effect.id))
        return
      }
      case 'connect':
        // If it cannot be reached, there is nobody to agree with.
        this.#mesh.connect(effect.to).catch(() => {})
        return
      case 'conflict':
        if (this.#kills) self.sendExit(effect.loser, 'kill')
        else self.send(effect.loser, new NameConflict(effect.key, effect.winner))
    }
  }

  #there(self: Self, nodeName: string): Ref<NamesProtocol> {
    return self.at(nodeName, this.#serverName) as Ref<NamesProtocol>
  }
}

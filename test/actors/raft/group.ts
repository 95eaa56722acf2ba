// A group of replicas in a simulated world, and clients beside it: what the tests of the host start from.
import type { TransactionalStore } from 'espalier/storage'
import { World, type WorldOptions } from 'espalier/testing'
import type { ReadMode } from '../../../actors/consensus/consensus.ts'
import { keyValue, keyValueMap } from '../../../actors/consensus/machines/key-value.ts'
import type { Value } from '../../../actors/consensus/machines/value.ts'
import type { StateMachine } from '../../../actors/consensus/state-machine.ts'
import type { ClientSessionOptions, Operation, OperationOutcome } from '../../../actors/raft/client-protocol.ts'
import { ClientSessionServer } from '../../../actors/raft/client-session.ts'
import { ReplicaMachine } from '../../../actors/raft/replica.ts'
import type { ReplicaHost } from '../../../actors/raft/replica-host.ts'
import type { ReplicaOptions } from '../../../actors/raft/replica-options.ts'
import { namesOf, raftNode } from '../../../actors/raft/replica-tree.ts'

export interface GroupOptions extends WorldOptions {
  readonly size?: number
  /** Nodes that boot empty, beyond the founders. */
  readonly spares?: number
  readonly machine?: StateMachine
  readonly replica?: Partial<ReplicaOptions>
  /** Called at each boot before the replica starts. */
  readonly prepare?: (name: string, open: () => Promise<TransactionalStore>) => Promise<void>
}

/** Three replicas `n1` … by default, founded at their first boot, on disks that survive. */
export class TestGroup {
  readonly world: World
  readonly names: readonly string[]
  readonly #options: GroupOptions
  readonly #founded = new Set<string>()

  constructor(options: GroupOptions = {}) {
    this.#options = options
    this.world = new World({
      seed: 1,
      ...options,
      network: { isOutside: (name) => name.startsWith('c'), ...options.network },
    })
    const founders = Array.from({ length: options.size ?? 3 }, (_, at) => `n${at + 1}`)
    const spares = Array.from({ length: options.spares ?? 0 }, (_, at) => `n${founders.length + at + 1}`)
    this.names = [...founders, ...spares]
    for (const name of this.names) this.#create(name, founders)
  }

  /** What a replica knows now; undefined while it is down. */
  host(name: string): ReplicaHost | undefined {
    const state = this.world.probe(name, namesOf('test').replica) as { readonly data: ReplicaHost } | undefined
    return state?.data
  }

  replica(name: string) {
    return this.world.address(ReplicaMachine, name, namesOf('test').replica)
  }

  get leader(): string | undefined {
    const leading = this.names.filter((name) => this.world.isUp(name) && this.host(name)?.core.role === 'leader')
    return leading.sort((a, b) => (this.host(b)?.core.term ?? 0) - (this.host(a)?.core.term ?? 0))[0]
  }

  async elect(): Promise<string> {
    await this.world.settle()
    await this.world.eventually('a leader', () => this.leader !== undefined)
    return this.leader ?? ''
  }

  /** A client on a node of its own. */
  async client(name = 'c1', options: Partial<ClientSessionOptions> = {}): Promise<TestClient> {
    const { world } = this
    const node = world.createNode({ name })
    const argument: ClientSessionOptions = { replicas: this.names, replica: (id) => this.replica(id), ...options }
    const session = await world.run(node.start(ClientSessionServer, argument))
    return new TestClient(world, (operation, to, deadlineMs) =>
      session.call('submit', { operation, to, deadlineMs }, { timeoutMs: Number.POSITIVE_INFINITY }),
    )
  }

  #create(name: string, founders: readonly string[]): void {
    const { world } = this
    world.createNode({
      name,
      boot: async (node, { disk }) => {
        const isFounder = founders.includes(name) && !this.#founded.has(name)
        this.#founded.add(name)
        const open = () => disk.memory.open('raft')
        await this.#options.prepare?.(name, open)
        await node.start(
          raftNode({
            group: 'test',
            id: name,
            peer: (id) => this.replica(id),
            store: open,
            machine: this.#options.machine ?? keyValueMap,
            founders: isFounder ? founders : undefined,
            ports: node.ports,
            ...this.#options.replica,
          }),
        )
      },
    })
  }
}

type Submit = (
  operation: Operation,
  to: string | undefined,
  deadlineMs: number | undefined,
) => Promise<OperationOutcome>

/** Operations on the key-value map, awaited in the world's time. */
export class TestClient {
  readonly #world: World
  readonly submit: Submit

  constructor(world: World, submit: Submit) {
    this.#world = world
    this.submit = submit
  }

  put(key: string, value: Value): Promise<Value | OperationOutcome> {
    return this.run({ type: 'command', command: keyValue.put(key, value) })
  }

  get(key: string, mode: ReadMode = 'index'): Promise<Value | OperationOutcome> {
    return this.run({ type: 'read', question: keyValue.get(key), mode })
  }

  /** The answer's value, or the outcome if there is none. */
  async run(operation: Operation, to?: string, deadlineMs?: number): Promise<Value | OperationOutcome> {
    const outcome = await this.#world.run(this.submit(operation, to, deadlineMs))
    return outcome.type === 'answered' ? keyValue.answer(outcome.answer) : outcome
  }
}

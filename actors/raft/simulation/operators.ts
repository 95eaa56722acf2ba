// What operators ask of a simulated group: changes of membership, transfers, the end of a session, a snapshot. Each
// request is sent once, follows redirects, and is not repeated after any other error.

import type { Ref } from '../../../src/kernel/ref.ts'
import type { Self } from '../../../src/kernel/self.ts'
import type { World } from '../../../src/simulation/world.ts'
import type { AdminAnswer, ReplicaProtocol } from '../protocol.ts'
import type { Operations } from './operations.ts'

const NODE = 'operators'
/** Nobody leads, or is known to: asked again after so long. */
const PAUSE_MS = 20

/** One request: what is asked of the replica that is believed to lead. */
export interface OperatorRequest {
  readonly id: string | undefined
  /** The replica it goes to. Default: the leader, once there is one. */
  readonly to: string | undefined
  readonly deadlineMs: number
  readonly ask: (self: Self, replica: Ref<ReplicaProtocol>, timeoutMs: number) => Promise<AdminAnswer>
}

export class Operators {
  readonly #world: World
  readonly #operations: Operations
  readonly #replica: (id: string) => Ref<ReplicaProtocol> | undefined
  readonly #leader: () => string | undefined

  constructor(
    world: World,
    options: {
      readonly operations: Operations
      readonly replica: (id: string) => Ref<ReplicaProtocol> | undefined
      readonly leader: () => string | undefined
    },
  ) {
    this.#world = world
    this.#operations = options.operations
    this.#replica = options.replica
    this.#leader = options.leader
  }

  request(request: OperatorRequest): void {
    const number = this.#operations.submit(NODE, undefined, request.id)
    this.run((self) => this.#carry(self, request, number))
  }

  /** Runs a process on the operators' own node. */
  run(body: (self: Self) => Promise<void>): void {
    if (!this.#world.nodeNames.includes(NODE)) this.#world.createNode({ name: NODE })
    this.#world.node(NODE).spawn(body)
  }

  async #carry(self: Self, request: OperatorRequest, number: number): Promise<void> {
    const { time } = this.#world
    const endMs = self.now() + request.deadlineMs
    let target = request.to
    while (self.now() < endMs) {
      target ??= this.#leader()
      const replica = target === undefined ? undefined : this.#replica(target)
      if (replica === undefined) {
        await self.sleep(PAUSE_MS)
        continue
      }
      const answer = await answerOf(request.ask(self, replica, endMs - self.now()))
      if (answer === 'unknown') break
      if (self.now() > endMs) break
      if (answer.ok) return this.#operations.answered(number, 'ok', time.nowMs)
      if (answer.code !== 'notLeader') return this.#operations.refused(number, answer.code, true, time.nowMs)
      // A redirect to nowhere, or to itself: an election is under way.
      if (answer.leader === undefined || answer.leader === target) {
        await self.sleep(PAUSE_MS)
        target = request.to
      } else target = answer.leader
    }
    this.#operations.unknown(number, false, time.nowMs)
  }
}

async function answerOf(asked: Promise<AdminAnswer>): Promise<AdminAnswer | 'unknown'> {
  try {
    return await asked
  } catch {
    return 'unknown'
  }
}

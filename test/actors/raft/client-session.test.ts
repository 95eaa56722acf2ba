// A client session before a replica whose answers the test decides: what is sent again, and how far ahead it may run.
import { defineServer, type Ref } from 'espalier'
import { World } from 'espalier/testing'
import { describe, expect, it } from 'vitest'
import { decodeCommand } from '../../../actors/consensus/command.ts'
import { MAX_WINDOW } from '../../../actors/consensus/sessions.ts'
import type { ClientSessionOptions, OperationOutcome } from '../../../actors/raft/client-protocol.ts'
import { ClientSessionServer } from '../../../actors/raft/client-session.ts'
import type { ClientItem, ClientRequest, ReplicaProtocol } from '../../../actors/raft/protocol.ts'
import { packAnswers, unpackItems } from '../../../actors/raft/wire.ts'

interface Deaf {
  readonly cast: Pick<ReplicaProtocol['cast'], 'request'>
}

/** A replica that keeps what it is sent, and answers when it is told to. */
class Replica {
  readonly received: ClientRequest[] = []
  readonly definition = defineServer<Deaf>()({
    init: () => null,
    cast: {
      request: ({ state }, request) => {
        this.received.push(request)
        return state
      },
    },
  })

  get items(): ClientItem[] {
    return this.received.flatMap(({ items }) => unpackItems(items) ?? [])
  }

  /** How often each serial was sent. */
  get sent(): number[] {
    const counts: number[] = []
    for (const serial of this.serials) counts[serial] = (counts[serial] ?? 0) + 1
    return counts
  }

  get serials(): number[] {
    return this.items.flatMap((item) => {
      const command = item.type === 'command' ? decodeCommand(item.payload) : undefined
      return command?.kind === 'request' ? [command.serial] : []
    })
  }

  answerTo(serial: number): Uint8Array {
    const item = this.items[this.serials.indexOf(serial) + 1]
    return packAnswers(item === undefined ? [] : [{ id: item.id, answer: Uint8Array.of(serial) }])
  }
}

async function stage(options: Partial<ClientSessionOptions>) {
  const world = new World({ seed: 1 })
  const node = world.createNode({ name: 'n1' })
  const replica = new Replica()
  const ref = (await world.run(node.start(replica.definition, undefined))) as Ref<ReplicaProtocol>
  const session = await world.run(
    node.start(ClientSessionServer, { replicas: ['n1'], replica: () => ref, deadlineMs: 60_000, ...options }),
  )
  const submit = (): Promise<OperationOutcome> =>
    session.call(
      'submit',
      { operation: { type: 'command', command: new Uint8Array() }, to: undefined, deadlineMs: undefined },
      { timeoutMs: Number.POSITIVE_INFINITY },
    )
  const outcomes: OperationOutcome[] = []
  const submitAll = (count: number): void => {
    for (let i = 0; i < count; i += 1) void submit().then((outcome) => outcomes.push(outcome))
  }
  submitAll(1)
  await world.advance(1)
  const [opening] = replica.items
  if (opening === undefined) throw new Error('no session was asked for')
  session.cast('reply', packAnswers([{ id: opening.id, session: 7 }]))
  await world.advance(1)
  const answer = (serial: number): void => void session.cast('reply', replica.answerTo(serial))
  return { world, replica, outcomes, submitAll, answer }
}

describe('a client session', () => {
  it('does not send again what waits behind others in a line that moves', async () => {
    const { world, answer, replica, submitAll } = await stage({ window: 8, retryMs: 300 })
    submitAll(3)
    for (const serial of [1, 2, 3]) {
      await world.advance(200)
      answer(serial)
    }
    await world.advance(250)
    expect(replica.sent.slice(1)).toEqual([1, 1, 1, 1])
    await world.advance(100)
    expect(replica.sent.slice(1)).toEqual([1, 1, 1, 2])
  })

  it('sends again what was overtaken, though the line moves', async () => {
    const { world, answer, replica, submitAll } = await stage({ window: 8, retryMs: 300 })
    submitAll(2)
    await world.advance(200)
    answer(3)
    await world.advance(150)
    expect(replica.sent.slice(1)).toEqual([2, 2, 1])
  })

  it('runs no further ahead of its oldest request than the group remembers answers', async () => {
    const { world, answer, replica, outcomes, submitAll } = await stage({ window: MAX_WINDOW, retryMs: 60_000 })
    submitAll(2 * MAX_WINDOW)
    await world.advance(1)
    for (let serial = 2; serial <= MAX_WINDOW; serial += 1) answer(serial)
    await world.advance(1)
    expect(outcomes).toHaveLength(MAX_WINDOW - 1)
    expect(Math.max(...replica.serials)).toBe(MAX_WINDOW)
    answer(1)
    await world.advance(1)
    expect(Math.max(...replica.serials)).toBeGreaterThan(MAX_WINDOW)
  })
})

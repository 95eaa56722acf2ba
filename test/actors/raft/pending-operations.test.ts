// The promises of a client's operations, before a session process that keeps what it is handed.
import { defineServer, noReply, type Ref } from 'espalier'
import { World } from 'espalier/testing'
import { expect, it } from 'vitest'
import type { ClientSessionProtocol, TaggedSubmission } from '../../../actors/raft/client-protocol.ts'
import { type Closed, PendingOperations } from '../../../actors/raft/pending-operations.ts'

const operation = { type: 'command', command: new Uint8Array() } as const

interface Keeper {
  readonly call: Pick<ClientSessionProtocol['call'], 'ended'>
  readonly cast: Pick<ClientSessionProtocol['cast'], 'submitAll'>
}

async function stage() {
  const world = new World({ seed: 1 })
  const node = world.createNode({ name: 'n1' })
  const handed: (readonly TaggedSubmission[])[] = []
  const keeper = defineServer<Keeper>()({
    init: () => null,
    call: { ended: ({ state }) => noReply(state) },
    cast: {
      submitAll: ({ state }, submissions) => {
        handed.push(submissions)
        return state
      },
    },
  })
  const session = (await world.run(node.start(keeper, undefined))) as Ref<ClientSessionProtocol>
  const pending = new PendingOperations()
  pending.begin(session)
  return { world, node, session, handed, pending }
}

it('hands all that a turn has submitted over in one message, in order, and the next turn in the next', async () => {
  const { world, handed, pending } = await stage()
  for (let i = 0; i < 64; i += 1) void pending.submit({ operation })
  await world.advance(1)
  void pending.submit({ operation })
  await world.advance(1)
  expect(handed.map((submissions) => submissions.length)).toEqual([64, 1])
  expect(handed.flat().map(({ tag }) => tag)).toEqual(Array.from({ length: 65 }, (_, at) => at + 1))
})

it('settles each promise by its own outcome, once', async () => {
  const { world, pending } = await stage()
  const first = pending.submit({ operation })
  const second = pending.submit({ operation })
  await world.advance(1)
  pending.settle(2, { type: 'unknown', isCertain: true })
  pending.settle(1, { type: 'unknown', isCertain: false })
  pending.settle(1, { type: 'unknown', isCertain: true })
  expect(await first).toEqual({ type: 'unknown', isCertain: false })
  expect(await second).toEqual({ type: 'unknown', isCertain: true })
})

it('settles what is pending, and what comes later, by the end of the session’s process', async () => {
  const { world, node, session, pending } = await stage()
  const settled: (Closed | { readonly type: string })[] = []
  void pending.submit({ operation }).then((outcome) => settled.push(outcome))
  await world.advance(1)
  expect(settled).toEqual([])
  node.sendExit(session, 'kill')
  await world.advance(1)
  void pending.submit({ operation }).then((outcome) => settled.push(outcome))
  await world.advance(1)
  expect(settled.map(({ type }) => type)).toEqual(['closed', 'closed'])
})

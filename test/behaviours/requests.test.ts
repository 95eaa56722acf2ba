import {
  checkResponse,
  defineServer,
  multiCall,
  noReply,
  RequestCollection,
  type RequestId,
  receiveResponse,
  reply,
  type Self,
  sendRequest,
  waitResponse,
} from 'espalier'
import { createWorld } from 'espalier/testing'
import { describe, expect, test } from 'vitest'

/** Answers after so many milliseconds. */
const Slow = defineServer({
  init: () => 0,
  call: {
    after: ({ self, state, from }, ms: number) => {
      self.sendAfter(ms, self.pid, { ms, from })
      return noReply<number, number>(state)
    },
    crash: () => {
      throw new Error('boom')
    },
    served: ({ state }) => reply(state, state),
  },
  info: ({ self, state }, message) => {
    const { ms, from } = message as { ms: number; from: Parameters<Self['reply']>[0] }
    self.reply(from, ms)
    return state + 1
  },
})

async function world() {
  const it = createWorld()
  const node = it.createNode()
  return { it, node, slow: await it.run(node.start(Slow)) }
}

describe('a request', () => {
  test('can be waited for again and again; its reply has the type of the call', async () => {
    const { it, node, slow } = await world()
    const request = sendRequest(node, slow, 'after', 100)
    expect(await it.run(waitResponse(request, { timeoutMs: 60 }))).toBe('timeout')
    expect(node.now()).toBe(60)
    expect(await it.run(waitResponse(request, { timeoutMs: 0 }))).toBe('timeout')
    const response = await it.run(waitResponse(request, { untilMs: 101 }))
    const replied: number | undefined = response !== 'timeout' && 'reply' in response ? response.reply : undefined
    expect(replied).toBe(100)
    expect(await it.run(waitResponse(request))).toEqual({ reply: 100 })
  })

  test('that is received too late is given up: the callee serves it, the reply has no effect', async () => {
    const { it, node, slow } = await world()
    const request = sendRequest(node, slow, 'after', 100)
    expect(await it.run(receiveResponse(request, { timeoutMs: 50 }))).toBe('timeout')
    await it.advance(100)
    expect(await it.run(slow.call('served'))).toBe(1)
    expect(request.response).toBeUndefined()
  })

  test('to one that fails, or is no more, has that as its response', async () => {
    const { it, node, slow } = await world()
    const crashed = await it.run(waitResponse(sendRequest(node, slow, 'crash')))
    expect(crashed).toMatchObject({ error: { error: new Error('boom') }, callee: slow })
    expect(await it.run(waitResponse(sendRequest(node, slow, 'served')))).toMatchObject({ error: 'noproc' })
  })

  test('can have its response come as a message, which only its request knows', async () => {
    const { it, node, slow } = await world()
    const seen: unknown[] = []
    node.spawn(async (self) => {
      const first = sendRequest(self, slow, 'after', 20, { asMessage: true })
      const second = sendRequest(self, slow, 'after', 10, { asMessage: true })
      for (let i = 0; i < 2; i++) {
        const message = await self.receive()
        seen.push(checkResponse(message, first), checkResponse(message, second))
      }
      seen.push(checkResponse('something else', first))
    })
    await it.advance(100)
    expect(seen).toEqual(['no_reply', { reply: 10 }, { reply: 20 }, 'no_reply', 'no_reply'])
    expect(() => sendRequest(node, slow, 'served', undefined, { asMessage: true })).toThrow('asMessage')
  })

  test('of a process that ends meanwhile has no response', async () => {
    const { it, node, slow } = await world()
    let request: RequestId | undefined
    const asker = node.spawn(async (self) => {
      request = sendRequest(self, slow, 'after', 100)
      await self.receive()
    })
    await it.settle()
    node.sendExit(asker, 'kill')
    await it.advance(200)
    expect(request?.response).toBeUndefined()
  })
})

describe('a collection of requests', () => {
  test('answers in the order of the responses, each with its label, until it is empty', async () => {
    const { it, node, slow } = await world()
    const requests = new RequestCollection<number, string>()
    for (const ms of [30, 10, 20]) requests.add(sendRequest(node, slow, 'after', ms), `in ${ms}`)
    expect(requests.toList().map(([, label]) => label)).toEqual(['in 30', 'in 10', 'in 20'])
    for (const ms of [10, 20, 30]) {
      expect(await it.run(requests.waitResponse())).toMatchObject({ response: { reply: ms }, label: `in ${ms}` })
    }
    expect(requests.size).toBe(0)
    expect(await it.run(requests.waitResponse())).toBe('no_request')
  })

  test('wait leaves what has not come, receive gives it up', async () => {
    const { it, node, slow } = await world()
    const requests = new RequestCollection<number, string>()
    requests.add(sendRequest(node, slow, 'after', 100), 'a')
    expect(await it.run(requests.waitResponse({ timeoutMs: 10 }))).toBe('timeout')
    expect(requests.size).toBe(1)
    expect(await it.run(requests.receiveResponse({ timeoutMs: 10 }))).toBe('timeout')
    expect(requests.size).toBe(0)
  })

  test('finds a response among the messages of a process', async () => {
    const { it, node, slow } = await world()
    const seen: unknown[] = []
    node.spawn(async (self) => {
      const requests = new RequestCollection<number, string>()
      for (const ms of [20, 10]) requests.add(sendRequest(self, slow, 'after', ms, { asMessage: true }), `in ${ms}`)
      while (requests.size > 0) seen.push(requests.checkResponse(await self.receive()))
      seen.push(requests.checkResponse('anything'))
    })
    node.send(node.processes().at(-1) ?? slow, 'other')
    await it.advance(100)
    expect(seen).toMatchObject(['no_reply', { label: 'in 10' }, { label: 'in 20' }, 'no_request'])
  })

  test('takes a request once', async () => {
    const { node, slow } = await world()
    const request = sendRequest(node, slow, 'served')
    const requests = new RequestCollection<number, number>().add(request, 1)
    expect(() => requests.add(request, 2)).toThrow('request: expected a request that is not here already')
  })
})

test('multiCall asks all at once and waits until one deadline', async () => {
  const { it, node, slow } = await world()
  const [late, dead] = [await it.run(node.start(Slow)), await it.run(node.start(Slow))]
  await it.run(dead.stop())
  const asked = await it.run(multiCall(node, [slow, dead], 'after', 100, { timeoutMs: 150 }))
  expect(asked).toEqual({ replies: [{ from: slow, reply: 100 }], failed: [{ from: dead, reason: 'noproc' }] })
  const start = node.now()
  expect((await it.run(multiCall(node, [slow, late], 'after', 200, { timeoutMs: 150 }))).failed).toEqual([
    { from: slow, reason: 'timeout' },
    { from: late, reason: 'timeout' },
  ])
  expect(node.now() - start).toBe(150)
})

// What a user may get wrong and the compiler must find: each line after a mark must not compile. Checked by
// `npm run check`, and by must-not-compile.test.ts, which sees that each mark holds for its own line.

import {
  type ChildSpec,
  createNode,
  defineServer,
  type From,
  next,
  noReply,
  openTable,
  type Ref,
  type Registry,
  reply,
  type Self,
  stop,
  stopReply,
  supervisor,
  type Table,
  type TableHandle,
} from 'espalier'

const Counter = defineServer({
  init: (start: number) => ({ count: start }),
  call: {
    get: ({ state }) => reply(state.count, state),
    add: ({ state }, by: number) => reply(state.count + by, { count: state.count + by }),
    name: async ({ state }) => reply('counter', state),
    maybe: ({ state }, by?: number) => reply(by ?? null, state),
  },
  cast: {
    reset: ({ state }) => ({ ...state, count: 0 }),
    set: (_, count: number) => ({ count }),
  },
})
const Store = defineServer({
  init: () => ({ stock: 100 }),
  call: { take: ({ state }, n: number) => reply(n, { stock: state.stock - n }) },
})

export async function outside(counter: Ref<typeof Counter>, store: Ref<typeof Store>) {
  // @ts-expect-error wrong tag of a call
  await counter.call('gett')
  // @ts-expect-error a cast's tag is no call's
  await counter.call('reset')
  // @ts-expect-error wrong argument of a call
  await counter.call('add', '3')
  // @ts-expect-error missing argument of a call
  await counter.call('add')
  // @ts-expect-error an argument where there is none
  await counter.call('get', 3)
  // @ts-expect-error options in the place of an argument
  await counter.call('add', { timeoutMs: 5 })
  // @ts-expect-error wrong option of a call
  await counter.call('add', 3, { timeout: 5 })
  // @ts-expect-error wrong argument where it may be left out
  await counter.call('maybe', 'x')
  // @ts-expect-error the reply is a number
  const text: string = await counter.call('get')
  // @ts-expect-error the reply of an async handler is its value, a string
  const count: number = await counter.call('name')
  // @ts-expect-error a call is a promise of its reply
  const early: number = counter.call('get')
  // @ts-expect-error wrong tag of a cast
  counter.cast('resett')
  // @ts-expect-error a call's tag is no cast's
  counter.cast('add', 3)
  // @ts-expect-error wrong argument of a cast
  counter.cast('set', '3')
  // @ts-expect-error missing argument of a cast
  counter.cast('set')
  // @ts-expect-error an argument where there is none, of a cast
  counter.cast('reset', 3)
  // @ts-expect-error one server's ref is not another's
  const wrong: Ref<typeof Counter> = store
  return { text, count, early, wrong }
}

export async function inside(self: Self, counter: Ref<typeof Counter>, store: Ref<typeof Store>, from: From<number>) {
  // @ts-expect-error wrong tag
  await self.call(store, 'add', 1)
  // @ts-expect-error wrong argument
  await self.call(store, 'take', '1')
  // @ts-expect-error missing argument
  await self.call(store, 'take')
  // @ts-expect-error the reply is a number
  const text: string = await self.call(store, 'take', 1)
  // @ts-expect-error a call's tag is no cast's
  self.cast(counter, 'get')
  // @ts-expect-error a pid without a protocol answers nothing
  await self.call(self.pid, 'get')
  // @ts-expect-error the caller waits for a number
  self.reply(from, 'seven')
  // @ts-expect-error what trapExit says is yes or no
  self.trapExit = 'yes'
  // @ts-expect-error Erlang's word, not ours: the delay comes first
  self.sendAfter(self.pid, 'message', 10)
  return text
}

export async function starting(self: Self) {
  const node = createNode()
  // @ts-expect-error wrong argument of init
  await node.start(Counter, '10')
  // @ts-expect-error missing argument of init
  await node.start(Counter)
  // @ts-expect-error an argument where init takes none
  await node.start(Store, 10)
  // @ts-expect-error wrong start option
  await node.start(Counter, 10, { named: 'counter' })
  // @ts-expect-error wrong argument of init, linked
  await self.startLink(Counter, '10')
  // @ts-expect-error missing argument of init, unlinked
  await self.start(Counter)
  // @ts-expect-error no such priority
  node.spawn(() => {}, { priority: 'max' })
  // @ts-expect-error no such policy
  node.spawn(() => {}, { mailbox: { capacity: 5, overflow: 'drop_all' } })
  // @ts-expect-error what is found by name may be nobody
  await node.whereis(Counter, 'counter').call('get')
  // @ts-expect-error a body is a function
  node.spawn(Counter)
}

export const servers = [
  defineServer({
    init: () => ({ count: 0 }),
    // @ts-expect-error a cast handler that answers another state
    cast: { reset: () => ({ count: 'none' }) },
  }),
  defineServer({
    init: () => ({ count: 0 }),
    // @ts-expect-error a call handler that replies with another state
    call: { get: ({ state }) => reply(state.count, { total: 1 }) },
  }),
  defineServer({
    init: () => ({ count: 0 }),
    // @ts-expect-error a call handler that neither replies nor says that it will
    call: { get: ({ state }) => state },
  }),
  defineServer({
    init: () => ({ count: 0 }),
    // @ts-expect-error a cast has nobody to reply to
    cast: { get: ({ state }) => reply(state.count, state) },
  }),
  defineServer({
    init: () => ({ count: 0 }),
    // @ts-expect-error nor anybody to keep waiting
    cast: { get: ({ state }) => noReply<number, { count: number }>(state) },
  }),
  defineServer({
    init: () => ({ count: 0 }),
    // @ts-expect-error nor a last answer to give
    cast: { get: ({ state }) => stopReply('normal', state.count, state) },
  }),
  defineServer({
    init: () => ({ count: 0 }),
    // @ts-expect-error a state that is not there
    cast: { reset: ({ state }) => ({ count: state.total }) },
  }),
  defineServer({
    init: () => ({ count: 0 }),
    // @ts-expect-error next with another state
    cast: { reset: () => next({ total: 0 }, 'hibernate') },
  }),
  defineServer({
    init: () => ({ count: 0 }),
    // @ts-expect-error an unknown word after next
    cast: { reset: ({ state }) => next(state, 'sleep') },
  }),
  defineServer({
    init: () => ({ count: 0 }),
    // @ts-expect-error a message of several arguments: a call takes one
    call: { add: ({ state }, a: number, b: number) => reply(a + b, state) },
  }),
]

interface CounterProtocol {
  readonly call: { readonly get: () => number; readonly add: (by: number) => number }
}

export const protocols = [
  defineServer<CounterProtocol>()({
    init: () => 0,
    // @ts-expect-error a handler of the protocol is missing
    call: { get: ({ state }) => reply(state, state) },
  }),
  defineServer<CounterProtocol>()({
    init: () => 0,
    call: {
      // @ts-expect-error the protocol says that the reply is a number
      get: ({ state }) => reply(String(state), state),
      add: ({ state }, by) => reply(state + by, state + by),
    },
  }),
  defineServer<CounterProtocol>()({
    init: () => 0,
    call: {
      get: ({ state }) => noReply(state),
      // @ts-expect-error the protocol says that the argument is a number
      add: ({ state }, by: string) => reply(state, state + by.length),
    },
  }),
]

export const trees = [
  // @ts-expect-error a child's start argument of the wrong type
  supervisor({ children: [{ id: 'counter', start: [Counter, '10'] }] }),
  // @ts-expect-error a child's start argument is missing
  supervisor({ children: [{ id: 'counter', start: [Counter] }] }),
  // @ts-expect-error a child without an id
  supervisor({ children: [{ start: [Store] }] }),
  // @ts-expect-error a start that is a definition alone
  supervisor({ children: [{ id: 'store', start: Store }] }),
  // @ts-expect-error no such strategy
  supervisor({ strategy: 'one_for_none', children: [] }),
  // @ts-expect-error no such restart
  supervisor({ children: [{ id: 'store', start: [Store], restart: 'always' }] }),
  // @ts-expect-error no such shutdown
  supervisor({ children: [{ id: 'store', start: [Store], shutdown: 'brutal' }] }),
  // @ts-expect-error a field that there is not
  supervisor({ intensty: 3, children: [] }),
]
// @ts-expect-error the same where a spec stands alone
export const spec: ChildSpec<typeof Counter> = { id: 'counter', start: [Counter, '10'] }
// @ts-expect-error a reason comes first
export const stopped = stop()

export function keyed(
  self: Self,
  roles: Registry<string, { load: number }>,
  names: Registry<readonly ['agent', number]>,
) {
  // @ts-expect-error the value that each entry has is missing
  roles.register(self.pid, 'planner')
  // @ts-expect-error wrong value of an entry
  roles.register(self.pid, 'planner', { load: 'low' })
  // @ts-expect-error a value where there is none
  names.register(self.pid, ['agent', 1], 'value')
  // @ts-expect-error wrong key
  names.lookup(['agents', 1])
  // @ts-expect-error entries do not change: updateValue replaces
  for (const entry of roles.lookup('planner')) entry.value = { load: 0 }
}

export function stored(texts: Table<string, string>, handle: TableHandle<string, number>) {
  // @ts-expect-error wrong value of a table
  texts.insert('a', 1)
  // @ts-expect-error a counter in a table of texts
  texts.updateCounter('a')
  // @ts-expect-error a reader does not write
  openTable(handle).insert('a', 1)
}

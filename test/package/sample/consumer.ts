// A user's first program. It is copied into an empty project, compiled there, and run by every Node we promise.
import { createNode, defineServer, ExitError, reply, supervisor } from 'espalier'
import { KeyValueStore, openLmdb } from 'espalier/storage'

const Counter = defineServer({
  init: (start: number) => ({ count: start }),
  call: {
    add: ({ state }, by: number) => reply(state.count + by, { count: state.count + by }),
    fail: () => {
      throw new RangeError('a bug')
    },
  },
})

const node = createNode({ name: 'consumer' })
await node.start(supervisor({ children: [{ id: 'counter', start: [Counter, 10], name: 'counter' }] }))
const first = node.whereis(Counter, 'counter')
const sum: number | undefined = await first?.call('add', 3)
const failed = await first?.call('fail').catch((error: unknown) => error)
await node.idle()
const again: number | undefined = await node.whereis(Counter, 'counter')?.call('add', 1)
console.log(sum, failed instanceof ExitError && failed.code, again)
await node.stop()

const disk = await openLmdb({ path: 'data' })
const store = new KeyValueStore(disk, 'sums')
await store.put('sum', new Uint8Array([sum ?? 0]))
console.log(await store.get('sum'))
await disk.close()

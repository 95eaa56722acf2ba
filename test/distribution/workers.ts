// What other nodes load and start in these tests.

import { defineServer, definitionAt, ignore, located, type Pid, reply, type Self, supervisor } from 'espalier'

export const here = import.meta.url

export const Counter = located(
  here,
  'Counter',
  defineServer({
    name: 'counter',
    init: (start: number) => start,
    call: {
      get: ({ state }) => reply(state, state),
      where: ({ self, state }) => reply(self.nodeName, state),
      parent: ({ self, state }) => reply(`${self.parent}`, state),
      pid: ({ self, state }) => reply(self.pid, state),
    },
    cast: {
      add: ({ state }, by: number) => state + by,
      crash: (_context, why: string) => {
        throw new RangeError(why)
      },
    },
  }),
)

/** How its init goes is its argument. */
export const Odd = located(
  here,
  'Odd',
  defineServer({
    name: 'odd',
    init: async (
      how: 'ignore' | 'throw' | 'hang' | 'deeply',
      { self },
    ): Promise<number | ReturnType<typeof ignore>> => {
      if (how === 'ignore') return ignore()
      if (how === 'deeply') {
        const cause = Object.assign(new RangeError('below'), { code: 'ERR_BELOW' })
        throw Object.assign(new TypeError('above', { cause }), { code: 'ERR_ABOVE' })
      }
      if (how === 'hang') await self.receive(() => false)
      throw new Error('not today')
    },
  }),
)

/** Traps exits, and tells `witness` with what reason it was ended. */
export const LastWords = located(
  here,
  'LastWords',
  defineServer({
    name: 'last words',
    init: (witness: Pid, { self }) => {
      self.trapExit = true
      return witness
    },
    terminate: ({ self, state }, reason) => self.send(state, ['last words', self.nodeName, reason]),
  }),
)

/** A supervisor of one counter. */
export const Tree = located(here, 'Tree', supervisor({ children: [{ id: 'counter', start: [Counter, 1] }] }))

/** What has no location. */
export const Homeless = defineServer({ name: 'homeless', init: () => 0 })

export const Missing = definitionAt<typeof Counter>(here, 'NoSuch')
export const NotOne = definitionAt<typeof Counter>(here, 'here')
export const Nowhere = definitionAt<typeof Counter>(new URL('nowhere.js', here).href, 'Counter')

/** A process that sends what it was given, and its name, to `to`, and waits. */
export async function greeter(self: Self, to: Pid, ...words: readonly string[]): Promise<void> {
  self.send(to, [self.pid, ...words])
  await self.receive(() => false)
}

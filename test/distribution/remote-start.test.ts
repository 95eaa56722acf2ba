// Processes started on another node, over a mesh and in a simulated world.

import {
  type Crash,
  definitionAt,
  Exit,
  ExitError,
  loadOf,
  located,
  type Pid,
  type Self,
  spawnOn,
  whereisOn,
} from 'espalier'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { down, inNear as inNearOf, mesh, type Stage, world } from './stages.ts'
import { Counter, Homeless, here, LastWords, Missing, NotOne, Nowhere, Odd } from './workers.ts'

describe.each([
  ['over a mesh', mesh],
  ['in a simulated world', world],
])('a start on another node, %s', (_where, createStage) => {
  let stage: Stage
  beforeEach(() => {
    stage = createStage()
  })
  afterEach(() => stage.close())
  const inNear = <T>(body: (self: Self) => T | Promise<T>) => inNearOf(stage, body)
  /** What the start of `definition` there is refused with. */
  const refusal = (definition: typeof Counter, on = 'far') =>
    stage.run(stage.near.tryStart(definition, 1, { on }).then((result) => result as { readonly error: Crash }))

  test('loads the definition there, and answers a typed ref once its init is done', async () => {
    const counter = await stage.run(stage.near.start(Counter, 5, { on: 'far', name: 'counter' }))
    const value: number = await stage.run(counter.call('get'))
    expect([value, counter.nodeName, `${stage.far.whereis('counter')}`]).toEqual([5, 'far', `${counter}`])
    expect(await stage.run(counter.call('where'))).toBe('far')
    expect(await stage.run(counter.call('parent'))).toBe('undefined')
  })

  test('with a link: the starter is its parent, and each end takes the other with it', async () => {
    const [reason, parent] = await inNear(async (self) => {
      self.trapExit = true
      const counter = await self.startLink(Counter, 5, { on: 'far' })
      expect(self.links()).toEqual([counter])
      const parent = await self.call(counter, 'parent')
      self.cast(counter, 'crash', 'over')
      const exit = await self.receive()
      expect(exit instanceof Exit && exit.from).toBe(counter)
      return [exit instanceof Exit ? exit.reason : exit, parent === `${self.pid}`]
    })
    expect(reason).toMatchObject({ error: { name: 'RangeError', message: 'over' } })
    expect(parent).toBe(true)

    const child = await inNear((self) => self.startLink(Counter, 5, { on: 'far' }))
    expect(child.nodeName).toBe('far')
    await stage.settle()
    // Its parent has ended with reason normal, which hurts nobody; one that crashes does.
    expect(stage.far.processes().map((pid) => `${pid}`)).toContain(`${child}`)
    let orphan: Pid | undefined
    stage.near.spawn(async (self) => {
      orphan = await self.startLink(Counter, 5, { on: 'far' })
      self.exit('crash')
    })
    await stage.settle()
    expect(orphan?.nodeName).toBe('far')
    expect(stage.far.processes().map((pid) => `${pid}`)).not.toContain(`${orphan}`)
  })

  test('whose parent ends: a server that traps exits has its last words', async () => {
    const words = inNear(async (self) => {
      const witness = self.pid
      self.spawn(async (parent) => {
        await parent.startLink(LastWords, witness, { on: 'far' })
        parent.exit('shutdown')
      })
      return await self.receive()
    })
    expect(await words).toEqual(['last words', 'far', 'shutdown'])
  })

  test('fails as one here does: init ignores, throws, takes too long; the name is taken', async () => {
    expect(await stage.run(stage.near.tryStart(Odd, 'ignore', { on: 'far' }))).toBe('ignore')
    expect(await stage.run(stage.near.tryStart(Odd, 'throw', { on: 'far' }))).toMatchObject({
      error: { error: { message: 'not today' } },
    })
    expect(await stage.run(stage.near.tryStart(Odd, 'hang', { on: 'far', timeoutMs: 20 }))).toEqual({
      error: 'timeout',
    })
    const first = await stage.run(stage.near.start(Counter, 1, { on: 'far', name: 'it' }))
    const second = await stage.run(stage.near.tryStart(Counter, 1, { on: 'far', name: 'it' }))
    expect(second).toMatchObject({ error: { already_started: { nodeName: 'far', id: first.id } } })
  })

  test('fails with the error of its init: code, cause and stack', async () => {
    const result = await stage.run(stage.near.tryStart(Odd, 'deeply', { on: 'far' }))
    const { error } = (result as { readonly error: Crash }).error as { readonly error: Error }
    expect(error).toMatchObject({ name: 'TypeError', message: 'above', code: 'ERR_ABOVE' })
    expect(error.cause).toMatchObject({ name: 'RangeError', message: 'below', code: 'ERR_BELOW' })
    expect(error.stack).toContain('workers.ts')
  })

  test('of what cannot be loaded there fails with the code of the error', async () => {
    expect((await refusal(Nowhere)).error.error).toMatchObject({ code: 'ERR_TEST_MISSING' })
    expect((await refusal(Missing)).error.error).toMatchObject({ code: 'ERR_TEST_MISSING' })
    expect((await refusal(NotOne)).error.error).toMatchObject({
      code: 'ERR_NOT_STARTABLE',
      message: expect.stringContaining('export "here" of'),
    })
    const error = await stage.run(stage.near.start(Missing, 1, { on: 'far' })).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code: 'ERR_EXIT', cause: { code: 'ERR_TEST_MISSING' } })
  })

  test('of what has no location is refused at once, with the field', async () => {
    const refused = expect.objectContaining({ code: 'ERR_OPTION', field: 'on' })
    await expect(stage.run(stage.near.start(Homeless, undefined, { on: 'far' }))).rejects.toEqual(refused)
    await expect(inNear((self) => self.startLink(Homeless, undefined, { on: 'far' }))).rejects.toEqual(refused)
    await expect(stage.run(stage.near.start(Missing, 1))).rejects.toEqual(refused)
    expect(() => located('no url', 'X', Homeless)).toThrow(/^module: expected a URL/)
    expect(() => definitionAt(here, '')).toThrow(/^export: expected the name of an export/)
  })

  test('on a node that there is not fails with noconnection', async () => {
    expect((await refusal(Counter, 'nowhere')).error).toBe('noconnection')
  })

  test('that is cut off: the start fails with noconnection, and a process that was linked ends', async () => {
    let outcome: unknown
    stage.near.spawn(async (self) => {
      self.trapExit = true
      outcome = await self.tryStartLink(Odd, 'hang', { on: 'far' })
    })
    await stage.settle()
    // The service, and the child whose init hangs.
    expect(stage.far.processes()).toHaveLength(2)
    await stage.cut()
    await stage.settle()
    expect([outcome, stage.far.processes().length]).toEqual([{ error: 'noconnection' }, 1])
  })

  test('of an exported function: it runs with its arguments, linked if asked to', async () => {
    const [mine, words] = await inNear(async (self) => {
      const command = { module: here, export: 'greeter', args: [self.pid, 'hello', 'there'] }
      const pid = await spawnOn(self, 'far', command, { link: true, name: 'greeter' })
      const [from, ...words] = (await self.receive()) as [Pid, ...string[]]
      expect(self.links()).toEqual([pid])
      self.trapExit = true
      self.sendExit(pid, 'enough')
      const exit = await self.receive()
      return [from === pid && exit instanceof Exit && exit.reason, words]
    })
    expect([mine, words]).toEqual(['enough', ['hello', 'there']])
    const wrong = stage.run(spawnOn(stage.near, 'far', { module: here, export: 'Counter' }))
    await expect(wrong).rejects.toBeInstanceOf(ExitError)
    await expect(wrong).rejects.toMatchObject({ cause: { code: 'ERR_NOT_STARTABLE' } })
  })

  test('names and load can be asked for', async () => {
    expect(await stage.run(whereisOn(stage.near, 'far', 'counter'))).toBeUndefined()
    await stage.run(stage.far.start(Counter, 3, { name: 'counter' }))
    const counter = await stage.run(whereisOn(stage.near, 'far', Counter, 'counter'))
    if (counter === undefined) throw new Error('not found')
    expect(await stage.run(counter.call('get'))).toBe(3)
    expect(await inNear((self) => whereisOn(self, 'far', 'counter'))).toBe(counter)
    expect(await stage.run(loadOf(stage.near, 'far'))).toEqual({ processes: 2 })
    await expect(stage.run(loadOf(stage.near, 'nowhere'))).rejects.toMatchObject({ reason: 'noconnection' })
    expect(
      await inNear(async (self) =>
        down(self, await self.start(Odd, 'ignore', { on: 'far' }).catch(() => self.at('far', 'x'))),
      ),
    ).toBe('noproc')
  })

  test('a node that stops ends what others have started there in order', async () => {
    const words = inNear(async (self) => {
      self.trapExit = true
      await self.startLink(LastWords, self.pid, { on: 'far' })
      const stopped = stage.far.stop()
      const message = await self.receive((it) => Array.isArray(it))
      return [message, stopped] as const
    })
    const [message, stopped] = await words
    await stage.run(stopped)
    expect(message).toEqual(['last words', 'far', 'shutdown'])
  })
})

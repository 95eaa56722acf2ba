// The lock service: one holder at a time, tokens that grow, leases that end by the log's time.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { lock, lockService } from '../../../../actors/consensus/machines/lock.ts'

function service(maxLocks?: number) {
  const machine = lockService(maxLocks === undefined ? {} : { maxLocks })
  const state = machine.init()
  let index = 0
  return {
    machine,
    state,
    apply: (command: Uint8Array, timeMs: number) => {
      index += 1
      return lock.answer(machine.apply(state, command, { index, timeMs, session: undefined }))
    },
    holder: (name: string) => lock.answer(machine.query(state, lock.holder(name))),
  }
}

describe('a lock', () => {
  it('is held by one owner until it is released', () => {
    const { apply, holder } = service()
    expect(apply(lock.acquire('l', 'a', 0), 10)).toEqual({ granted: true, token: 1, expiresAtMs: 0 })
    const held = { owner: 'a', token: 1, expiresAtMs: 0 }
    expect(apply(lock.acquire('l', 'b', 0), 99_999)).toEqual({ granted: false, why: 'held', holder: held })
    expect(holder('l')).toEqual(held)
    expect(apply(lock.release('l', 2), 99_999)).toBe(false)
    expect(apply(lock.release('l', 1), 99_999)).toBe(true)
    expect(apply(lock.acquire('l', 'b', 0), 99_999)).toMatchObject({ granted: true, token: 5 })
  })

  it('falls free when its lease is over by the log’s time, and its token is of no more use', () => {
    const { apply, holder } = service()
    expect(apply(lock.acquire('l', 'a', 100), 1000)).toEqual({ granted: true, token: 1, expiresAtMs: 1100 })
    expect(apply(lock.acquire('l', 'b', 100), 1099)).toMatchObject({ granted: false, why: 'held' })
    expect(apply(lock.acquire('l', 'b', 100), 1100)).toEqual({ granted: true, token: 3, expiresAtMs: 1200 })
    expect(apply(lock.renew('l', 1, 100), 1101)).toMatchObject({ granted: false, why: 'lost' })
    expect(apply(lock.release('l', 1), 1102)).toBe(false)
    expect(holder('l')).toMatchObject({ owner: 'b', token: 3 })
  })

  it('is renewed under the same token, and acquired again under a new one', () => {
    const { apply } = service()
    apply(lock.acquire('l', 'a', 100), 1000)
    expect(apply(lock.renew('l', 1, 100), 1050)).toEqual({ granted: true, token: 1, expiresAtMs: 1150 })
    expect(apply(lock.acquire('l', 'a', 100), 1060)).toEqual({ granted: true, token: 3, expiresAtMs: 1160 })
  })

  it('is refused when there are too many, unless some are over', () => {
    const { apply } = service(2)
    apply(lock.acquire('one', 'a', 100), 0)
    apply(lock.acquire('two', 'a', 500), 0)
    expect(apply(lock.acquire('three', 'a', 0), 50)).toEqual({ granted: false, why: 'full', holder: null })
    expect(apply(lock.acquire('three', 'a', 0), 100)).toMatchObject({ granted: true })
  })

  it('keeps holders and time in its snapshot', () => {
    const { machine, state, apply } = service()
    apply(lock.acquire('one', 'a', 100), 1000)
    apply(lock.acquire('two', 'b', 0), 1001)
    const bytes = Buffer.concat([...machine.snapshot(state)])
    const restored = machine.restore(bytes, 1)
    expect(Buffer.concat([...machine.snapshot(restored)]).equals(bytes)).toBe(true)
    expect(lock.answer(machine.query(restored, lock.holder('one')))).toMatchObject({ owner: 'a', token: 1 })
  })

  it('answers bytes that are no command, and never throws', () => {
    const { machine, state, apply } = service()
    expect(() => apply(Uint8Array.of(8, 0, 0, 0, 0), 0)).toThrow('no operation')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), (any) => {
        machine.apply(state, any, { index: 1, timeMs: 0, session: undefined })
      }),
    )
  })

  it('takes no bound that is none', () => {
    expect(() => lockService({ maxLocks: 0 })).toThrow('maxLocks')
  })
})

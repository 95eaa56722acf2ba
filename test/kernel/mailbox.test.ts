import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Mailbox } from '../../src/kernel/mailbox.ts'

type Entry = [head: unknown, payload: unknown]
interface Pair {
  readonly mailbox: Mailbox
  readonly array: Entry[]
}

const contents = (mailbox: Mailbox): Entry[] =>
  Array.from({ length: mailbox.length }, (_, i) => [mailbox.headAt(i), mailbox.payloadAt(i)])

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

let serial = 0
const push = fc.integer({ min: 1, max: 40 }).map((count) => ({
  text: `push ${count}`,
  run: ({ mailbox, array }: Pair) => {
    for (let i = 0; i < count; i++) {
      const entry: Entry = [`head ${serial}`, serial++]
      mailbox.push(...entry)
      array.push(entry)
    }
  },
}))
const shift = fc.integer({ min: 1, max: 40 }).map((count) => ({
  text: `shift ${count}`,
  run: ({ mailbox, array }: Pair) => {
    for (let i = 0; i < count && array.length > 0; i++) {
      mailbox.shift()
      array.shift()
    }
  },
}))
const removeAt = fc.nat(1_000_000).map((seed) => ({
  text: `removeAt(${seed} modulo the length)`,
  run: ({ mailbox, array }: Pair) => {
    if (array.length === 0) return
    mailbox.removeAt(seed % array.length)
    array.splice(seed % array.length, 1)
  },
}))
const clear = fc.constant({
  text: 'clear',
  run: ({ mailbox, array }: Pair) => {
    mailbox.clear()
    array.length = 0
  },
})
const programs = fc.array(
  fc.oneof(
    { arbitrary: push, weight: 6 },
    { arbitrary: shift, weight: 5 },
    { arbitrary: removeAt, weight: 8 },
    { arbitrary: clear, weight: 1 },
  ),
  { maxLength: 60 },
)

test('model: a mailbox is an array of pairs, whatever is pushed, shifted, removed and cleared', () => {
  fc.assert(
    fc.property(programs, (program) => {
      const pair: Pair = { mailbox: new Mailbox(), array: [] }
      for (const step of program) {
        step.run(pair)
        expect(contents(pair.mailbox), step.text).toEqual(pair.array)
      }
    }),
  )
})

test('the model sees a mailbox that removes the neighbour', () => {
  class Broken extends Mailbox {
    override removeAt(index: number): void {
      super.removeAt(index === 3 ? 2 : index)
    }
  }
  const check = fc.check(
    fc.property(programs, (program) => {
      const pair: Pair = { mailbox: new Broken(), array: [] }
      for (const step of program) step.run(pair)
      expect(contents(pair.mailbox)).toEqual(pair.array)
    }),
    { numRuns: 1000 },
  )
  expect(check.failed).toBe(true)
})

test('a mailbox keeps its order beyond the depth at which arrays fall off a cliff, and gives its ring back', () => {
  const mailbox = new Mailbox()
  for (let i = 0; i < 100_000; i++) mailbox.push('n', i)
  let inOrder = true
  for (let i = 0; i < 100_000; i++) {
    inOrder &&= mailbox.payloadAt(0) === i
    mailbox.shift()
  }
  expect(inOrder).toBe(true)
  expect(mailbox.length).toBe(0)
  mailbox.push('again', 1)
  expect(contents(mailbox)).toEqual([['again', 1]])
})

test('a message that was taken is not held by the mailbox any more', async () => {
  const mailbox = new Mailbox()
  const taken = (take: () => void) => {
    mailbox.push('a', {})
    mailbox.push('b', {})
    mailbox.push('c', {})
    const message = new WeakRef(mailbox.payloadAt(1) as object)
    take()
    return message
  }
  const shifted = taken(() => {
    mailbox.shift()
    mailbox.shift()
    mailbox.shift()
  })
  const removed = taken(() => mailbox.removeAt(1))
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  expect(shifted.deref()).toBeUndefined()
  expect(removed.deref()).toBeUndefined()
})
